// One query of a panel: asks its source, and of a moving range only for what is new.

import { interpolateExpr, interpolateText, seriesName } from "loadgate/interpolate.js";

/** What is asked again of what is known: a scrape may come late, and a rule's tick later still. */
const AGAIN_SECONDS = 10;

/** @typedef {{name: string, labels: Record<string, string>, points: [number, number][]}} Series */
/** @typedef {{ref: string, format: string, isInstant: boolean, series: Series[]}} Frame */

export class Target {
  #target;
  #key;
  #source;
  #known = null;

  constructor(target, key, source) {
    this.#target = target;
    this.#key = key;
    this.#source = source;
  }

  get isInstant() {
    return Boolean(this.#target.instant) && !this.#target.range;
  }

  /** What is asked, filled in. */
  expression(scope) {
    return interpolateExpr(this.#target.expr, scope);
  }

  /**
   * @param {{scope: import("loadgate/interpolate.js").Scope, grid: import("loadgate/time-range.js").Grid, to: number}} question
   * @returns {Promise<Frame>}
   */
  async load({ scope, grid, to, signal }) {
    const expr = this.expression(scope);
    const series = this.isInstant
      ? await this.#instant(expr, to, signal)
      : await this.#range(expr, grid, signal);
    const name = (labels) => seriesName(this.#target.legendFormat, labels, scope) || interpolateText(expr, scope);
    return {
      ref: this.#target.refId,
      format: this.#target.format ?? "time_series",
      isInstant: this.isInstant,
      series: series.map(({ labels, points }) => ({ name: name(labels), labels, points })),
    };
  }

  async #instant(expr, time, signal) {
    const samples = await this.#source.instant({ expr, time, signal, key: this.#key });
    return samples.map(({ labels, value }) => ({ labels, points: [[time, value]] }));
  }

  async #range(expr, grid, signal) {
    const known = this.#known;
    const continues = known && known.expr === expr && known.step === grid.step
      && known.start <= grid.start && known.end >= grid.start && known.end <= grid.end;
    const from = continues ? Math.max(grid.start, known.end - again(grid.step)) : grid.start;
    const fresh = from > grid.end ? [] : await this.#source.range({
      expr, start: from, end: grid.end, step: grid.step, signal, key: this.#key,
    });
    const series = continues ? merged(known.series, fresh, grid.start, from) : keyed(fresh);
    this.#known = { expr, step: grid.step, start: grid.start, end: grid.end, series };
    return [...series.values()];
  }
}

function again(step) {
  return Math.max(Math.ceil(AGAIN_SECONDS / step), 1) * step;
}

function keyed(series) {
  return new Map(series.map((one) => [keyOf(one.labels), one]));
}

function keyOf(labels) {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What is known between `start` and `from`, and what is fresh after it. */
function merged(known, fresh, start, from) {
  const all = new Map();
  for (const [key, { labels, points }] of known) {
    const kept = points.filter(([time]) => time >= start && time < from);
    if (kept.length) all.set(key, { labels, points: kept });
  }
  for (const [key, { labels, points }] of keyed(fresh)) {
    all.set(key, { labels, points: [...(all.get(key)?.points ?? []), ...points] });
  }
  return all;
}
