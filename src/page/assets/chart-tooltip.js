// The values under the pointer, or where the arrow keys went.

import { element, short } from "loadgate/dom.js";
import { display } from "loadgate/field.js";
import { eventText, eventsAt } from "loadgate/chart-marks.js";
import { isoTime } from "loadgate/units.js";

/** More rows than these do not fit on a screen. */
const MOST_ROWS = 16;

export function tooltip(body, options = {}) {
  const made = element("div", { className: "chart-tip", hidden: true, role: "status" });
  body.append(made);

  /** @param {{name: string, color: string, config: object, isShown: boolean}[]} series with raw (not stacked) `values` */
  function show(plot, series, events) {
    const { idx, left, top } = plot.cursor;
    if (idx === null || idx === undefined || left < 0 || options.mode === "none") return hide();
    const time = plot.data[0][idx];
    const rows = rowsAt(plot, series, idx, top);
    const more = rows.length - MOST_ROWS;
    const lines = rows.slice(0, MOST_ROWS).map(({ series: one, value }) => line(one, value));
    if (more > 0) lines.push(element("p", {}, `and ${more} more`));
    const happened = eventsAt(plot, events, time).map((event) => element("p", { className: "chart-tip-event" }, short(eventText(event))));
    made.replaceChildren(element("time", {}, isoTime(time * 1000)), ...lines, ...happened);
    made.hidden = false;
    moveTo(plot, left, top);
  }

  function rowsAt(plot, series, idx, top) {
    const there = series.filter(({ isShown, values }) => isShown && values[idx] !== null && values[idx] !== undefined)
      .map((one) => ({ series: one, value: one.values[idx] }));
    if (options.mode === "single" && there.length > 1) {
      const distance = ({ series: one }) => Math.abs(plot.valToPos(plot.data[one.index + 1][idx], plot.series[one.index + 1].scale) - top);
      return [there.reduce((a, b) => (distance(b) < distance(a) ? b : a))];
    }
    if (options.sort === "desc") there.sort((a, b) => b.value - a.value);
    if (options.sort === "asc") there.sort((a, b) => a.value - b.value);
    return there;
  }

  function line({ name, color, config }, value) {
    const { text, suffix } = display(value, config);
    const swatch = element("i", { className: "swatch" });
    swatch.style.setProperty("--swatch", color);
    return element("div", { className: "chart-tip-row" }, swatch, element("span", {}, short(name)), element("b", {}, text + suffix));
  }

  /** Beside the pointer, on the side where there is room. */
  function moveTo(plot, left, top) {
    const over = plot.over.getBoundingClientRect();
    const around = body.getBoundingClientRect();
    const x = over.left - around.left + left;
    const isRight = x > around.width / 2;
    made.style.left = isRight ? "auto" : `${x + 14}px`;
    made.style.right = isRight ? `${around.width - x + 14}px` : "auto";
    made.style.top = `${Math.max(over.top - around.top + top - made.offsetHeight / 2, 0)}px`;
  }

  function hide() {
    made.hidden = true;
  }

  return { show, hide };
}
