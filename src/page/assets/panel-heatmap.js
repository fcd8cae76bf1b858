// The panel of how values spread over time: a column for each moment, a row for each bucket, the darker the more.

import { bucketRows } from "loadgate/buckets.js";
import { timeLabels } from "loadgate/chart-options.js";
import { aside, element, onResize } from "loadgate/dom.js";
import { computed, translucent } from "loadgate/theme.js";
import { formatValue, isoTime } from "loadgate/units.js";

const FONT = "11px system-ui, sans-serif";
const TIME_HEIGHT = 20;
const LABEL_PIXELS = 14;
const TIME_LABEL_PIXELS = 70;
/** Steps of the colour: more are not told apart. */
const SHADES = 32;
const NICE_SECONDS = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
const SCHEMES = { Oranges: "orange", Blues: "blue", Greens: "green", Reds: "red", Purples: "purple", Greys: "muted" };

export function heatmap(body, panel) {
  return new Heatmap(body, panel);
}

class Heatmap {
  #options;
  #canvas = element("canvas", { "aria-hidden": "true" });
  #place;
  #tip = element("div", { className: "chart-tip", hidden: true });
  #scale = element("div", { className: "heat-scale" });
  #totals = aside();
  #found = null;
  #layout = null;
  #range = null;
  #endResize;

  constructor(body, panel) {
    this.#options = panel.options ?? {};
    this.#place = element("div", { className: "chart" }, this.#canvas, this.#tip);
    body.append(this.#place, ...(this.#options.legend?.show === false ? [] : [this.#scale]), this.#totals);
    this.#endResize = onResize(this.#place, () => this.#draw());
    this.#canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.#canvas.addEventListener("pointerleave", () => { this.#tip.hidden = true; });
  }

  render({ frames, grid, range }) {
    this.#found = bucketRows(frames.flatMap((frame) => frame.series), grid);
    this.#range = { ...range, step: grid.step };
    this.#draw();
    this.#showScale();
    this.#showTotals();
  }

  recolor() {
    this.#draw();
  }

  destroy() {
    this.#endResize();
  }

  get #unit() {
    return this.#options.yAxis?.unit;
  }

  get #color() {
    return `var(--${SCHEMES[this.#options.color?.scheme] ?? "orange"})`;
  }

  /** From 0 to 1; small counts are lifted, so that a few slow ones are seen. */
  #shade(count) {
    const exponent = this.#options.color?.scale === "linear" ? 1 : this.#options.color?.exponent ?? 0.5;
    return Math.ceil((count / this.#found.most) ** exponent * SHADES) / SHADES;
  }

  #draw() {
    if (!this.#found) return;
    const { clientWidth: width, clientHeight: height } = this.#place;
    const ratio = devicePixelRatio;
    this.#canvas.width = width * ratio;
    this.#canvas.height = height * ratio;
    const context = this.#canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = FONT;
    const labels = this.#found.rows.map(({ to }) => (to === Infinity ? "∞" : formatValue(to, this.#unit, this.#options.yAxis?.decimals)));
    const left = Math.ceil(Math.max(0, ...labels.map((label) => context.measureText(label).width))) + 8;
    this.#layout = {
      left, width: Math.max(width - left, 1), height: Math.max(height - TIME_HEIGHT, 1),
      row: Math.max(height - TIME_HEIGHT, 1) / Math.max(this.#found.rows.length, 1),
    };
    this.#drawCells(context);
    this.#drawLabels(context, labels);
    this.#drawTimes(context);
  }

  /** A point counts what came in the step before it. */
  #drawCells(context) {
    const { rows, times } = this.#found;
    const { height, row } = this.#layout;
    const gap = this.#options.cellGap ?? 1;
    const cell = Math.max(this.#x(this.#range.from + this.#range.step) - this.#x(this.#range.from), 1);
    const inner = Math.max(cell - (cell > 3 ? gap : 0), 1);
    rows.forEach(({ counts }, index) => {
      const y = height - (index + 1) * row;
      counts.forEach((count, at) => {
        if (!(count > 1e-9)) return;
        context.fillStyle = translucent(this.#color, 0.12 + 0.88 * this.#shade(count));
        context.fillRect(this.#x(times[at]) - cell, y, inner, Math.max(row - gap, 1));
      });
    });
  }

  /** The upper bound of a bucket stands at its upper edge. */
  #drawLabels(context, labels) {
    const { left, height, row } = this.#layout;
    context.fillStyle = computed("var(--muted)");
    context.textAlign = "right";
    context.textBaseline = "middle";
    let last = Infinity;
    labels.forEach((label, index) => {
      const y = Math.max(height - (index + 1) * row, 6);
      if (last - y < LABEL_PIXELS) return;
      last = y;
      context.fillText(label, left - 6, y);
    });
  }

  #drawTimes(context) {
    const { width, height } = this.#layout;
    const { from, to } = this.#range;
    const least = ((to - from) * TIME_LABEL_PIXELS) / width;
    const every = NICE_SECONDS.find((seconds) => seconds >= least) ?? 86400;
    const first = Math.ceil(from / every) * every;
    const times = Array.from({ length: Math.max(Math.floor((to - first) / every) + 1, 0) }, (none, index) => first + index * every);
    context.textAlign = "center";
    context.textBaseline = "top";
    const right = this.#layout.left + width;
    timeLabels(times).forEach((label, index) => {
      const x = this.#x(times[index]);
      const half = context.measureText(label).width / 2;
      // None at all rather than half of one.
      if (x - half >= 0 && x + half <= right) context.fillText(label, x, height + 5);
    });
  }

  #x(time) {
    const { left, width } = this.#layout;
    return left + ((time - this.#range.from) / (this.#range.to - this.#range.from)) * width;
  }

  #point(event) {
    if (!this.#found?.rows.length) return;
    const { rows, times } = this.#found;
    const { left, width, height, row } = this.#layout;
    const { from, to, step } = this.#range;
    const time = from + ((event.offsetX - left) / width) * (to - from);
    const at = Math.ceil((time - times[0]) / step);
    const bucket = rows[Math.floor((height - event.offsetY) / row)];
    this.#tip.hidden = !bucket || event.offsetX < left || times[at] === undefined;
    if (this.#tip.hidden) return;
    const count = bucket.counts[at];
    this.#tip.replaceChildren(
      element("time", {}, isoTime(times[at] * 1000)),
      element("div", { className: "chart-tip-row" }, element("i"), element("span", {}, this.#between(bucket)),
        element("b", {}, count === null ? "no data" : formatValue(count, "short"))),
    );
    const isRight = event.offsetX > left + width / 2;
    this.#tip.style.left = isRight ? "auto" : `${event.offsetX + 14}px`;
    this.#tip.style.right = isRight ? `${left + width - event.offsetX + 14}px` : "auto";
    this.#tip.style.top = `${Math.max(event.offsetY - 20, 0)}px`;
  }

  #between({ from, to }) {
    const text = (bound) => formatValue(bound, this.#unit, this.#options.yAxis?.decimals);
    if (to === Infinity) return `above ${text(from)}`;
    return Number.isFinite(from) ? `${text(from)} to ${text(to)}` : `up to ${text(to)}`;
  }

  #showScale() {
    const strip = element("span", { className: "heat-strip" });
    strip.style.setProperty("--heat", this.#color);
    this.#scale.replaceChildren("0", strip, formatValue(this.#found.most, "short"), element("span", {}, "per cell"));
    this.#scale.hidden = !this.#found.rows.length;
  }

  /** The same in words: how many in each bucket over all. */
  #showTotals() {
    const rows = this.#found.rows.map((row) => {
      const total = row.counts.reduce((sum, count) => sum + (count ?? 0), 0);
      const last = row.counts.findLast((count) => count !== null) ?? 0;
      return element("tr", {}, element("th", { scope: "row" }, this.#between(row)),
        element("td", {}, formatValue(total / Math.max(row.counts.length, 1), "short")), element("td", {}, formatValue(last, "short")));
    });
    const head = element("tr", {}, ...["Bucket", "Mean", "Last"].map((name) => element("th", { scope: "col" }, name)));
    this.#totals.replaceChildren(element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
  }
}
