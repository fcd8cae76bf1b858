// Which time is looked at, and in which steps it is asked for.

/**
 * Seconds since 1970. Fixed: `{from, to}`; from a moment until now: `{from, live: true}`; the last seconds:
 * `{window, live: true}`.
 * @typedef {{from?: number, to?: number, window?: number, live?: boolean}} Range
 */
/** @typedef {{start: number, end: number, step: number}} Grid every point asked for lies at start + n * step */

const STEPS = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];
const MOST_POINTS = 600;

/** @returns {{from: number, to: number}} */
export function bounds(range, now) {
  if (!range.live) return { from: range.from, to: range.to };
  const from = range.window ? now - range.window : range.from;
  return { from: Math.min(from, now - 1), to: now };
}

/**
 * Aligned to the step, so that the points of the next question are those of the last one.
 * @param {number} points that fit into what is drawn
 * @param {number} finest step in seconds
 * @returns {Grid}
 */
export function gridOf({ from, to }, points, finest) {
  const most = Math.min(Math.max(points, 50), MOST_POINTS);
  const wanted = Math.max((to - from) / most, finest);
  const step = STEPS.find((step) => step >= wanted - 1e-9) ?? Math.ceil(wanted / 86400) * 86400;
  return { start: Math.ceil(from / step) * step, end: Math.floor(to / step) * step, step };
}

/** Grafana's built-in variables. */
export function builtins({ from, to }, step, scrapeInterval) {
  const range = Math.max(1, Math.round(to - from)); // a window of nothing is refused
  return {
    __interval: promql(step),
    __interval_ms: step * 1000,
    __rate_interval: promql(Math.max(step + scrapeInterval, 4 * scrapeInterval)),
    __range: `${range}s`,
    __range_s: range,
    __range_ms: range * 1000,
  };
}

function promql(seconds) {
  const milliseconds = Math.round(seconds * 1000);
  return milliseconds % 1000 ? `${milliseconds}ms` : `${milliseconds / 1000}s`;
}

/** `15s`, `1m`: a panel's or a target's own least step, in seconds. */
export function seconds(text) {
  const [, number, unit] = /^>?(\d+)(ms|s|m|h|d)$/.exec(text ?? "") ?? [];
  return number ? Number(number) * { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 }[unit] : 0;
}
