// What a number looks like in a unit of Grafana's: `formatValue(0.0015, "s")` is `1.50 ms`.

/** @typedef {{text: string, suffix: string}} Formatted */

const DURATION_STEPS = [
  ["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400],
  ["hour", 3600], ["minute", 60], ["second", 1], ["millisecond", 0.001],
];

/** From which size on (seconds) which unit is shown, and how many seconds one of it is. */
const SECONDS = [
  [31536000, 31536000, " year"], [604800, 604800, " week"], [86400, 86400, " day"], [3600, 3600, " hour"],
  [60, 60, " min"], [1, 1, " s"], [1e-3, 1e-3, " ms"], [1e-6, 1e-6, " µs"], [0, 1e-9, " ns"],
];
const MILLISECONDS = [
  [31536000e3, 31536000e3, " year"], [86400e3, 86400e3, " day"], [3600e3, 3600e3, " hour"],
  [60e3, 60e3, " min"], [1e3, 1e3, " s"], [0, 1, " ms"],
];

const SI = ["f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y"];
const IEC = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SHORT = ["", " K", " Mil", " Bil", " Tri", " Quadr", " Quint", " Sext", " Sept"];
const COUNT = ["", "K", "M", "B", "T"];

/** Grafana's ids, each with what it makes of a value. */
const UNITS = {
  none: plain(""),
  string: (value) => ({ text: String(value), suffix: "" }),
  short: scaled(1000, SHORT),
  percent: plain("%"),
  percentunit: (value, decimals) => ({ text: toFixed(value * 100, decimals), suffix: "%" }),
  s: stepped(SECONDS, " s"),
  ms: stepped(MILLISECONDS, " ms"),
  µs: (value, decimals) => UNITS.s(value / 1e6, decimals),
  ns: (value, decimals) => UNITS.s(value / 1e9, decimals),
  m: (value, decimals) => UNITS.s(value * 60, decimals),
  h: (value, decimals) => UNITS.s(value * 3600, decimals),
  bytes: scaled(1024, IEC.map((prefix) => ` ${prefix}B`)),
  decbytes: si("B"),
  bits: scaled(1024, IEC.map((prefix) => ` ${prefix}b`)),
  decbits: si("b"),
  Bps: si("B/s"),
  binBps: scaled(1024, IEC.map((prefix) => ` ${prefix}B/s`)),
  bps: si("b/s"),
  hertz: si("Hz"),
  rotHz: si("Hz"),
  reqps: count("req/s"),
  ops: count("ops/s"),
  rps: count("rd/s"),
  wps: count("wr/s"),
  iops: count("io/s"),
  cps: count("c/s"),
  mps: count("msg/s"),
  eps: count("evt/s"),
  pps: count("p/s"),
  reqpm: count("req/m"),
  opm: count("ops/m"),
  cpm: count("c/m"),
  dtdurations: (value, decimals) => ({ text: duration(value, decimals ?? 1), suffix: "" }),
  dtdurationms: (value, decimals) => ({ text: duration(value / 1000, decimals ?? 1), suffix: "" }),
  dthms: (value) => ({ text: clock(value), suffix: "" }),
  dateTimeAsIso: (value) => ({ text: isoTime(value), suffix: "" }),
  dateTimeAsIsoNoDateIfToday: (value) => ({ text: isoTime(value, true), suffix: "" }),
  dateTimeFromNow: (value) => ({ text: fromNow(value), suffix: "" }),
  bool: (value) => ({ text: value ? "True" : "False", suffix: "" }),
  bool_yes_no: (value) => ({ text: value ? "Yes" : "No", suffix: "" }),
  bool_on_off: (value) => ({ text: value ? "On" : "Off", suffix: "" }),
};

/**
 * @param {number|null|undefined} value
 * @param {string} [unit] an id of Grafana's; one that is not known is shown behind the number
 * @param {number|null} [decimals] three significant digits where none are given
 * @returns {Formatted}
 */
export function formatParts(value, unit, decimals) {
  if (value === null || value === undefined) return { text: "", suffix: "" };
  if (Number.isNaN(value)) return { text: "NaN", suffix: "" };
  if (!Number.isFinite(value)) return { text: value > 0 ? "∞" : "-∞", suffix: "" };
  return formatOf(unit)(value, decimals ?? null);
}

/** As {@link formatParts}, in one string. */
export function formatValue(value, unit, decimals) {
  const { text, suffix } = formatParts(value, unit, decimals);
  return text + suffix;
}

function formatOf(unit) {
  if (!unit) return UNITS.none;
  if (Object.hasOwn(UNITS, unit)) return UNITS[unit];
  const [kind, rest] = unit.split(/:(.*)/s);
  if (rest && kind === "suffix") return plain(` ${rest}`);
  if (rest && kind === "count") return count(rest);
  if (rest && kind === "si") return si(rest);
  if (rest && kind === "prefix") return (value, decimals) => ({ text: rest + toFixed(value, decimals), suffix: "" });
  return plain(` ${unit}`);
}

/** Digits as Grafana rounds them: whole numbers without any, others to three significant ones. */
export function toFixed(value, decimals) {
  const clean = Number(value.toPrecision(12)); // 0.1 + 0.2 has two digits too many
  const digits = decimals ?? ownDecimals(clean);
  const text = clean.toFixed(Math.min(Math.max(digits, 0), 20));
  return text.replace(/^-(0(?:\.0*)?)$/, "$1"); // no minus before nothing
}

function ownDecimals(value) {
  if (Number.isInteger(value)) return 0;
  return Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
}

function plain(suffix) {
  return (value, decimals) => ({ text: toFixed(value, decimals), suffix });
}

function scaled(factor, suffixes, base = 0) {
  return (value, decimals) => {
    const wanted = value === 0 ? 0 : Math.floor(power(factor, Math.abs(value)));
    const exponent = Math.min(Math.max(wanted, -base), suffixes.length - 1 - base);
    return { text: toFixed(value / factor ** exponent, decimals), suffix: suffixes[base + exponent] };
  };
}

/** The logarithm, right where `value` is a whole power: log10(1000)/log10(10) is 2.9999999999999996 in floating point. */
function power(factor, value) {
  const exact = Math.log10(value) / Math.log10(factor);
  const nearest = Math.round(exact);
  return Math.abs(exact - nearest) < 1e-12 ? nearest : exact;
}

function si(unit) {
  return scaled(1000, SI.map((prefix) => ` ${prefix}${unit}`), SI.indexOf(""));
}

function count(unit) {
  return scaled(1000, COUNT.map((prefix) => `${prefix} ${unit}`));
}

function stepped(steps, ofZero) {
  return (value, decimals) => {
    if (value === 0) return { text: toFixed(0, decimals), suffix: ofZero };
    const size = Math.abs(value);
    const [, divisor, suffix] = steps.find(([from]) => size >= from);
    return { text: toFixed(value / divisor, decimals), suffix };
  };
}

/** `1 hour, 2 minutes`: the largest part, and `more` smaller ones. */
export function duration(seconds, more) {
  if (seconds === 0) return "0 seconds";
  if (seconds < 0) return `${duration(-seconds, more)} ago`;
  const parts = [];
  let left = Math.round(seconds * 1000);
  for (const [name, length] of DURATION_STEPS) {
    const milliseconds = length * 1000;
    const whole = Math.floor(left / milliseconds);
    if (whole < 1 && parts.length === 0) continue;
    parts.push(`${whole} ${name}${whole === 1 ? "" : "s"}`);
    left -= whole * milliseconds;
    if (parts.length > more) break;
  }
  return parts.join(", ") || "0 seconds";
}

function clock(seconds) {
  if (seconds < 0) return `${clock(-seconds)} ago`;
  const parts = [seconds / 3600, (seconds % 3600) / 60, seconds % 60];
  return parts.map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}

/** Local time, as everything on the page. */
export function isoTime(milliseconds, noDateIfToday = false) {
  const time = new Date(milliseconds);
  if (Number.isNaN(time.getTime())) return "";
  const two = (number) => String(number).padStart(2, "0");
  const hours = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  if (noDateIfToday && time.toDateString() === new Date().toDateString()) return hours;
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${hours}`;
}

/** `3 minutes ago`, `in 2 hours`. */
export function fromNow(milliseconds, now = Date.now()) {
  const seconds = (milliseconds - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 45) return seconds > 0 ? "in a few seconds" : "a few seconds ago";
  const [name, length] = DURATION_STEPS.find(([, length]) => size >= length * 0.9) ?? ["minute", 60];
  const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  return name === "second" ? words.format(Math.sign(seconds), "minute") : words.format(Math.round(seconds / length), name);
}
