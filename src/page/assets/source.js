// Where panels' data come from: a Prometheus API (a daemon's, live or of an ended run), or the frames inside of a report.

/** @typedef {{labels: Record<string, string>, points: [number, number][]}} RangeSeries seconds and value, in order */
/** @typedef {{labels: Record<string, string>, value: number}} Sample */
/** Of an annotation, `panel` is "annotation" and `ref` its name. @typedef {{dashboard: string, panel: number|string, ref: string}} FrameKey */

/** Asks a daemon. */
export class LiveSource {
  isRecorded = false;
  #api;
  #prefix;
  #ahead = 0;

  /**
   * @param api knows how to `get(path, {signal})`
   * @param {{prefix?: string, scrapeInterval?: number}} [options] `prefix` is `/api/v1/runs/ID/api/v1` for a recorded run;
   *   `scrapeInterval` in seconds: no finer step is asked for
   */
  constructor(api, { prefix = "/api/v1", scrapeInterval = 1 } = {}) {
    this.#api = api;
    this.#prefix = prefix;
    this.scrapeInterval = scrapeInterval;
  }

  /** The daemon's time in seconds: this machine's clock may be another one's. */
  now() {
    return Date.now() / 1000 + this.#ahead;
  }

  /** Learns how far the daemon's clock is ahead. */
  async synchronize({ signal } = {}) {
    const asked = Date.now() / 1000;
    const answer = await this.#get("query", { query: "time()" }, signal);
    const answered = Date.now() / 1000;
    this.#ahead = Number(answer.result[1]) - (asked + answered) / 2;
  }

  /** @returns {Promise<RangeSeries[]>} */
  async range({ expr, start, end, step, signal }) {
    const answer = await this.#get("query_range", { query: expr, start, end, step }, signal);
    return answer.result.map(({ metric, values }) => ({
      labels: metric,
      points: values.map(([time, value]) => [time, number(value)]),
    }));
  }

  /** @returns {Promise<Sample[]>} */
  async instant({ expr, time, signal }) {
    const answer = await this.#get("query", { query: expr, time }, signal);
    if (answer.resultType === "scalar") return [{ labels: {}, value: number(answer.result[1]) }];
    return answer.result.map(({ metric, value }) => ({ labels: metric, value: number(value[1]) }));
  }

  /** @returns {Promise<string[]>} */
  async labelValues(selector, label, { start, end, signal } = {}) {
    return this.#get(`label/${encodeURIComponent(label)}/values`, { "match[]": selector, start, end }, signal);
  }

  async #get(endpoint, parameters, signal) {
    const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
    const answer = await this.#api.get(`${this.#prefix}/${endpoint}?${new URLSearchParams(given)}`, { signal });
    return answer.data;
  }
}

/**
 * A target's answers in a report: `series` on the report's grid of times (`null`: no point), `instant` values, or why
 * there is none.
 * @typedef {{series?: {labels: object, t0: number, values: (number|string|null)[]}[],
 *   instant?: {labels: object, value: number|string}[], error?: string}} RecordedFrame
 */

/** Answers from a report's frames: there is no PromQL in a file, so only what was asked when it was written. */
export class RecordedSource {
  isRecorded = true;
  #report;

  /** @param {{frames: Record<string, RecordedFrame>, range: {from: number, to: number, step: number}, variables: object}} report */
  constructor(report) {
    this.#report = report;
    this.scrapeInterval = report.range.step || 1;
  }

  now() {
    return this.#report.range.to;
  }

  async synchronize() {}

  /** The times at which the report has points. */
  grid({ from, to }) {
    const { from: first, step } = this.#report.range;
    const start = first + Math.ceil((from - first) / step - 1e-6) * step;
    return { start, end: start + Math.floor((to - start) / step + 1e-6) * step, step };
  }

  async range({ start, end, key }) {
    const { step } = this.#report.range;
    return (this.#frame(key).series ?? []).map(({ labels, t0, values }) => {
      const points = values.map((value, index) => [t0 + index * step, recorded(value)]);
      return { labels, points: points.filter(([time, value]) => value !== null && time >= start && time <= end) };
    });
  }

  async instant({ key }) {
    return (this.#frame(key).instant ?? []).map(({ labels, value }) => ({ labels, value: recorded(value) }));
  }

  async labelValues() {
    return [];
  }

  /** What the variables stood for when the report was written. */
  get variables() {
    return this.#report.variables ?? {};
  }

  #frame({ dashboard, panel, ref }) {
    const name = `${dashboard}/${panel}/${ref}`;
    const frame = Object.hasOwn(this.#report.frames, name) ? this.#report.frames[name] : {};
    if (frame.error) throw new Error(frame.error);
    return frame;
  }
}

/** Prometheus' values are texts: `+Inf` is not what JavaScript calls it. */
function number(text) {
  if (text === "+Inf") return Infinity;
  return text === "-Inf" ? -Infinity : Number(text);
}

/** JSON has neither NaN nor infinity: a frame writes them as Prometheus does. */
function recorded(value) {
  return typeof value === "string" ? number(value) : value;
}
