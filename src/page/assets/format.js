// How times, durations and quantities are written.

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const FIGURE = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds as `1h 2m`, `4m 5s`, `12s`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(whole / DAY), "d"],
    [Math.floor((whole % DAY) / HOUR), "h"],
    [Math.floor((whole % HOUR) / MINUTE), "m"],
    [whole % MINUTE, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0s";
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map((part) => part.join("")).join(" ");
}

/** A moment (RFC 3339) with date and time. */
export const when = (moment) => WHEN.format(new Date(moment));

/** A moment's time of day. */
export const clock = (moment) => CLOCK.format(new Date(moment));

/** A moment as `5 min. ago`. */
export function ago(moment, now = Date.now()) {
  const seconds = (new Date(moment).getTime() - now) / 1000;
  const size = Math.abs(seconds);
  if (size < MINUTE) return "just now";
  if (size < HOUR) return AGO.format(Math.round(seconds / MINUTE), "minute");
  if (size < DAY) return AGO.format(Math.round(seconds / HOUR), "hour");
  return AGO.format(Math.round(seconds / DAY), "day");
}

/** Seconds from one moment to another. */
export const between = (from, to) => (new Date(to).getTime() - new Date(from).getTime()) / 1000;

export const count = (value) => COUNT.format(value);

/** `1 line`, `2 lines`. */
export const counted = (value, one, many = `${one}s`) => `${COUNT.format(value)} ${value === 1 ? one : many}`;

export const figure = (value) => FIGURE.format(value);

export const percent = (share) => `${FIGURE.format(share * 100)} %`;

/** Milliseconds as `0.12 ms`, `43 ms`, `1.2 s`. */
export function milliseconds(value) {
  if (Math.abs(value) >= 1000) return `${figure(value / 1000)} s`;
  return `${figure(value)} ms`;
}

export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${new Intl.NumberFormat("en", { maximumSignificantDigits: 3 }).format(size)} ${units[unit]}`;
}

/** A value of a summary with its unit: `ms`, `bytes` or none. */
export function quantity(value, unit) {
  if (value === null || value === undefined) return "no data";
  if (unit === "ms") return milliseconds(value);
  if (unit === "bytes") return bytes(value);
  return figure(value);
}
