// What happened meanwhile (a run began, a fault, an alert), from the dashboard's annotation queries.

import { fillLabels, interpolateText } from "loadgate/interpolate.js";
import { cssColor } from "loadgate/theme.js";
import { Target } from "loadgate/target.js";
import { builtins, gridOf } from "loadgate/time-range.js";

/** Seconds; `end` is `time` for what has no length. @typedef {{time: number, end: number, title: string, text: string, color: string}} Event */

const POINTS = 600;
/** More marks than these hide the curves; the latest are kept. */
const MOST_EVENTS = 100;
const LEAST_SECONDS_BETWEEN = 5;

export class Annotations {
  /** @type {Event[]} in order of time */
  events = [];
  #dashboard;
  #queries;
  #asked = -Infinity;

  constructor(list, dashboard) {
    this.#dashboard = dashboard;
    this.#queries = list.filter((annotation) => annotation.enable !== false && annotation.expr).map((annotation) => {
      const key = { dashboard: dashboard.uid, panel: "annotation", ref: annotation.name };
      const target = { refId: annotation.name, expr: annotation.expr, legendFormat: "" };
      return { annotation, target: new Target(target, key, dashboard.source) };
    });
  }

  /** @returns {Promise<boolean>} whether there are others than before */
  async load(signal) {
    const { source, limiter } = this.#dashboard;
    const now = performance.now() / 1000;
    if (this.#queries.length === 0 || now - this.#asked < LEAST_SECONDS_BETWEEN) return false;
    this.#asked = now;
    const range = this.#dashboard.bounds();
    const grid = source.isRecorded ? source.grid(range) : gridOf(range, POINTS, source.scrapeInterval);
    const scope = this.#dashboard.scope(builtins(range, grid.step, source.scrapeInterval));
    const found = await Promise.all(this.#queries.map(async ({ annotation, target }) => {
      const { series } = await limiter.run(() => target.load({ scope, grid, to: range.to, signal }), signal);
      return series.flatMap((one) => eventsOf(one, annotation, grid.step, scope));
    }));
    const before = JSON.stringify(this.events);
    this.events = found.flat()
      .filter(({ time, end }) => end >= range.from && time <= range.to)
      .sort((a, b) => a.time - b.time)
      .slice(-MOST_EVENTS);
    return JSON.stringify(this.events) !== before;
  }

  /** Something else is looked at. */
  forget() {
    this.#asked = -Infinity;
    this.events = [];
  }
}

/**
 * As Grafana does: each value but 0 is an event at its time (or, with `useValueForTime`, at the time in milliseconds that
 * it says), and such as follow each other without a step between them are one.
 * @returns {Event[]}
 */
export function eventsOf({ labels, points }, annotation, step, scope) {
  const isTime = annotation.useValueForTime === "on" || annotation.useValueForTime === true;
  const events = [];
  for (const [at, value] of points) {
    if (!(value > 0)) continue;
    const time = isTime ? value / 1000 : at;
    const last = events[events.length - 1];
    if (last && time >= last.time && time <= last.end + step) last.end = time;
    else events.push({ time, end: time });
  }
  const fill = (text) => fillLabels(interpolateText(text, scope), labels);
  const title = fill(annotation.titleFormat) || annotation.name;
  const color = cssColor(annotation.iconColor ?? "blue");
  return events.map((event) => ({ ...event, title, text: fill(annotation.textFormat), color }));
}
