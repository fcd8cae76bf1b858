// What the chart is told of a panel: its series, axes and scales.

import { isolated } from "loadgate/chart-data.js";
import { formatParts } from "loadgate/units.js";
import { computed, translucent } from "loadgate/theme.js";
import uPlot from "loadgate/vendor-uplot.js";

/** Only some of these fit to a panel of this many pixels. */
const TIME_LABEL_PIXELS = 70;
const VALUE_LABEL_PIXELS = 28;
/** Of a digit, at most. */
const LETTER_PIXELS = 6.5;
const FONT = "11px system-ui, sans-serif";
const BINARY = /^(?:bytes|bits|binBps)$/;
const POWERS_OF_TWO = Array.from({ length: 60 }, (none, index) => 2 ** (index - 9));

/** Series of one unit on one side share a scale. */
export function scaleKey({ unit, custom }) {
  const side = custom.axisPlacement === "right" ? "right" : "left";
  const [kind, base] = distribution(custom);
  return `${side}/${unit ?? ""}/${kind}${base}`;
}

function distribution(custom) {
  const { type = "linear", log = 10 } = custom.scaleDistribution ?? {};
  return type === "log" ? ["log", log === 2 ? 2 : 10] : ["linear", ""];
}

export function isLog(config) {
  return distribution(config.custom)[0] === "log";
}

/** @param {{name: string, color: string, config: object, isShown: boolean}[]} series */
export function seriesOptions(series) {
  return [{}, ...series.map(({ name, color, config, isShown }) => {
    const { custom } = config;
    const style = custom.drawStyle ?? "line";
    const fill = (custom.fillOpacity ?? 0) / 100;
    const stroke = computed(color);
    return {
      label: name,
      scale: scaleKey(config),
      show: isShown,
      stroke,
      width: style === "points" ? 0 : custom.lineWidth ?? 1,
      fill: fill > 0 && style !== "points" ? translucent(color, fill) : undefined,
      paths: paths(style, custom.lineInterpolation),
      points: points(style, custom, stroke),
    };
  })];
}

function paths(style, interpolation) {
  if (style === "bars") return uPlot.paths.bars({ size: [0.8, 40] });
  if (style === "points") return () => null;
  if (interpolation === "stepAfter") return uPlot.paths.stepped({ align: 1 });
  return uPlot.paths.linear();
}

function points(style, custom, stroke) {
  const shape = { size: custom.pointSize ?? 5, stroke, fill: stroke };
  if (style === "bars") return { show: false };
  if (style === "points" || custom.showPoints === "always") return { ...shape, show: true };
  // those that stand alone have no line to be seen by
  return { ...shape, show: true, filter: (plot, index) => isolated(plot.data[index]) };
}

/** One scale, and one axis, for each unit and side. */
export function scalesAndAxes(series) {
  const byKey = new Map();
  for (const one of series) {
    const key = scaleKey(one.config);
    byKey.set(key, [...(byKey.get(key) ?? []), one]);
  }
  const scales = { x: { time: true } };
  const axes = [timeAxis()];
  for (const [key, members] of byKey) {
    const { config } = members[0];
    scales[key] = scale(members);
    if (config.custom.axisPlacement !== "hidden") axes.push(valueAxis(key, config, axes.length > 1));
  }
  return { scales, axes };
}

function scale(members) {
  const first = (name) => members.map(({ config }) => config[name] ?? null).find((value) => value !== null) ?? null;
  const soft = (name) => members.map(({ config }) => config.custom[name] ?? null).find((value) => value !== null) ?? null;
  const [kind, base] = distribution(members[0].config.custom);
  const limits = { min: first("min"), max: first("max") };
  if (kind === "log") {
    return {
      distr: 3,
      log: base,
      range: (plot, low, high) => (low === null || !(high > 0) ? [0.1, 10] : pinned(uPlot.rangeLog(low, high, base, false), limits)),
    };
  }
  const end = (at) => ({ pad: 0.1, soft: at ?? 0, mode: at === null ? 3 : 1 });
  const wanted = { min: end(soft("axisSoftMin")), max: end(soft("axisSoftMax")) };
  return {
    range: (plot, low, high) => pinned(low === null ? [0, 1] : notBelowZero(low, uPlot.rangeNum(low, high, wanted)), limits),
  };
}

/** What is never negative needs no room below 0. */
function notBelowZero(low, [from, to]) {
  if (from === 0 && to === 100) return [0, 1]; // what the chart makes of nothing but 0
  return low >= 0 ? [Math.max(from, 0), to] : [from, to];
}

function pinned([low, high], { min, max }) {
  const from = min ?? low;
  const to = max ?? high;
  return to > from ? [from, to] : [from, from + 1];
}

const lines = { stroke: () => translucent("var(--border)", 0.7), width: 1 };

function timeAxis() {
  return {
    stroke: () => computed("var(--muted)"),
    font: FONT,
    space: TIME_LABEL_PIXELS,
    size: 24,
    gap: 4,
    grid: lines,
    ticks: { show: false },
    values: (plot, splits) => timeLabels(splits).map((label, index) => (isWhole(plot, splits[index], label) ? label : null)),
  };
}

/** Whether the label under a time has room: half of one is worse than none. */
function isWhole({ bbox, width, scales: { x } }, time, label) {
  if (!(bbox.width > 0)) return true;
  const left = bbox.left / devicePixelRatio;
  const middle = left + ((time - x.min) / (x.max - x.min)) * (bbox.width / devicePixelRatio);
  const half = (label.length * LETTER_PIXELS) / 2;
  return middle - half >= 0 && middle + half <= width;
}

/** Seconds only where they differ; the date where it changes. */
export function timeLabels(splits) {
  const isFine = splits.length > 1 && splits[1] - splits[0] < 60;
  const two = (number) => String(number).padStart(2, "0");
  let day = null;
  return splits.map((split, index) => {
    const time = new Date(split * 1000);
    const clock = `${two(time.getHours())}:${two(time.getMinutes())}${isFine ? `:${two(time.getSeconds())}` : ""}`;
    const today = time.getDate();
    const isNewDay = index > 0 && day !== null && today !== day;
    day = today;
    return isNewDay ? `${two(time.getMonth() + 1)}-${two(today)}` : clock;
  });
}

function valueAxis(key, config, isSecond) {
  const { unit, decimals, custom } = config;
  const [kind, base] = distribution(custom);
  const filter = kind === "log" ? powersOf(base) : null;
  return {
    scale: key,
    side: custom.axisPlacement === "right" || (isSecond && custom.axisPlacement !== "left") ? 1 : 3,
    label: custom.axisLabel || undefined,
    labelFont: FONT,
    labelSize: 16,
    stroke: () => computed("var(--muted)"),
    font: FONT,
    space: VALUE_LABEL_PIXELS,
    gap: 4,
    size: labelWidth,
    incrs: BINARY.test(unit) ? POWERS_OF_TWO : undefined,
    grid: { ...lines, show: !isSecond, ...(filter && { filter }) },
    ...(filter && { filter }),
    ticks: { show: false },
    values: (plot, splits) => axisLabels(splits, unit, decimals),
  };
}

/** On a logarithmic axis, whole powers alone have a line and a label. */
function powersOf(base) {
  const isPower = (value) => Math.abs(Math.log(value) / Math.log(base) - Math.round(Math.log(value) / Math.log(base))) < 1e-9;
  return (plot, splits) => splits.map((split) => (isPower(split) ? split : null));
}

/** With as many digits as it takes to tell them apart. */
function axisLabels(splits, unit, decimals) {
  const there = splits.filter((split) => split !== null);
  let label = (split) => axisLabel(split, unit, decimals);
  for (let digits = 1; digits <= 6 && new Set(there.map(label)).size < there.length; digits += 1) {
    label = (split) => axisLabel(split, unit, digits);
  }
  return splits.map((split) => (split === null ? null : label(split)));
}

/** Without the digits that say nothing: `1.5 s`, not `1.50 s`. */
function axisLabel(value, unit, decimals) {
  const { text, suffix } = formatParts(value, unit, decimals);
  const isExact = decimals !== undefined && decimals !== null;
  return (isExact ? text : text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")) + suffix;
}

/** As wide as the widest label. */
function labelWidth(plot, values, axisIndex, cycle) {
  const axis = plot.axes[axisIndex];
  if (cycle > 1) return axis._size;
  const longest = (values ?? []).reduce((a, b) => ((b ?? "").length > a.length ? b : a), "");
  plot.ctx.font = FONT;
  return Math.ceil(plot.ctx.measureText(longest).width) + 10;
}
