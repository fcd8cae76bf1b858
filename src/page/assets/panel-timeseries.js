// The panel of curves over time.

import { aligned, positive, spanned, stacked } from "loadgate/chart-data.js";
import { drawThresholds, placeMarks } from "loadgate/chart-marks.js";
import { isLog, scalesAndAxes, seriesOptions } from "loadgate/chart-options.js";
import { tooltip } from "loadgate/chart-tooltip.js";
import { element, onResize } from "loadgate/dom.js";
import { colorOfSeries, fieldConfig } from "loadgate/field.js";
import { legend } from "loadgate/legend.js";
import { reduce } from "loadgate/reduce.js";
import { translucent } from "loadgate/theme.js";
import uPlot from "loadgate/vendor-uplot.js";

/** More curves than these cannot be told apart, and a target may have any number. */
const MOST_SERIES = 100;
const CHART_LABEL = "Chart. Left and right arrow: values at a time; plus and minus: zoom; the series follow with their values.";
const LEAST_HEIGHT = 40;
/** A drag shorter than this is a click. */
const ZOOM_PIXELS = 8;

export function timeSeries(body, panel, dashboard) {
  return new TimeSeries(body, panel, dashboard);
}

class TimeSeries {
  #panel;
  #dashboard;
  #place = element("div", { className: "chart", tabIndex: 0, role: "group" });
  #tip;
  #legend;
  #plot = null;
  #shape = "";
  #series = [];
  #events = [];
  #data = null;
  #times = [];
  #hidden = new Set();
  #endResize;
  #slots = new Map();

  constructor(body, panel, dashboard) {
    this.#panel = panel;
    this.#dashboard = dashboard;
    this.#legend = legend(panel.options?.legend, (name, isAdded) => this.#pick(name, isAdded));
    body.append(this.#place, this.#legend.element);
    body.classList.toggle("legend-beside", this.#legend.isRight);
    this.#tip = tooltip(this.#place, panel.options?.tooltip);
    this.#place.setAttribute("aria-label", CHART_LABEL);
    this.#place.addEventListener("keydown", (event) => this.#walk(event));
    this.#place.addEventListener("blur", () => this.#leave());
    this.#endResize = onResize(this.#place, () => this.#resize());
  }

  render(data) {
    this.#data = data;
    this.#events = data.annotations;
    this.#series = this.#seriesOf(data);
    this.#draw();
    return Math.max(data.frames.flatMap((frame) => frame.series).length - MOST_SERIES, 0);
  }

  annotate(events) {
    this.#events = events;
    if (this.#plot) placeMarks(this.#plot, events);
  }

  #resize() {
    if (this.#plot) this.#plot.setSize(this.#size());
  }

  recolor() {
    this.#shape = "";
    if (this.#data) this.#draw();
  }

  destroy() {
    this.#endResize();
    this.#plot?.destroy();
    this.#plot = null;
  }

  #seriesOf({ frames, grid }) {
    const all = frames.flatMap((frame) => frame.series).slice(0, MOST_SERIES);
    const { times, values } = aligned(all, grid);
    this.#times = times;
    if (this.#slots.size > 10 * MOST_SERIES) this.#slots.clear();
    // a name keeps its colour while the panel lives, whoever comes or goes
    for (const { name } of [...all].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (!this.#slots.has(name)) this.#slots.set(name, this.#slots.size);
    }
    return all.map(({ name }, index) => {
      const config = fieldConfig(this.#panel, name);
      const color = colorOfSeries(config, this.#slots.get(name), reduce(values[index], "lastNotNull"));
      const shown = config.displayName ?? name;
      return { index, name: shown, color, config, values: values[index], isShown: !this.#hidden.has(shown) };
    });
  }

  #draw() {
    const visible = this.#series.filter(({ config }) => !config.custom.hidden);
    visible.forEach((one, index) => { one.index = index; });
    this.#series = visible;
    const { rows, below } = this.#rows(visible);
    const shape = JSON.stringify([visible.map(({ name, color, config, isShown }) => [name, color, config, isShown]), below]);
    if (!this.#plot || shape !== this.#shape) {
      this.#rebuild(visible, below);
      this.#shape = shape;
    }
    this.#plot.setData([this.#times, ...rows], false);
    const { range } = this.#data;
    this.#plot.batch(() => this.#plot.setScale("x", { min: range.from, max: range.to }));
    this.#legend.render(visible);
  }

  #rows(series) {
    const { step } = this.#data.grid;
    const groups = series.map(({ config, isShown }) => {
      const { mode = "none", group = "A" } = config.custom.stacking ?? {};
      return mode === "none" || !isShown ? null : group;
    });
    const values = series.map((one) => (isLog(one.config) ? positive(one.values) : one.values));
    const stack = stacked(values, groups);
    return { rows: stack.rows.map((row, index) => spanned(row, series[index].config.custom.spanNulls, step)), below: stack.below };
  }

  #rebuild(series, below) {
    this.#plot?.destroy();
    const { scales, axes } = scalesAndAxes(series);
    const bands = below.flatMap((under, index) => (under === null ? [] : [{
      series: [index + 1, under + 1],
      fill: translucent(series[index].color, (series[index].config.custom.fillOpacity ?? 0) / 100),
    }]));
    this.#plot = new uPlot({
      ...this.#size(),
      padding: [8, 8, 0, 0],
      legend: { show: false },
      series: seriesOptions(series),
      scales,
      axes,
      bands,
      cursor: this.#cursor(),
      hooks: {
        drawAxes: [(plot) => drawThresholds(plot, this.#series)],
        draw: [(plot) => placeMarks(plot, this.#events)],
        setCursor: [(plot) => this.#point(plot)],
        setSelect: [(plot) => this.#zoom(plot)],
      },
    }, [this.#times, ...series.map(({ values }) => values)], this.#place);
  }

  #cursor() {
    const { isCrosshairShared, syncKey: key } = this.#dashboard;
    // the line alone is shared: a drag on one chart is not one on all
    const isMove = (type) => type === "mousemove" || type === "mouseleave";
    const sync = { key, setSeries: false, scales: ["x", null], filters: { pub: isMove, sub: isMove } };
    return {
      ...(isCrosshairShared && { sync }),
      y: false,
      drag: { x: true, y: false, setScale: false, dist: ZOOM_PIXELS },
      points: { size: 7 },
      bind: { dblclick: () => () => { this.#dashboard.onZoom(null); } },
    };
  }

  /** Only where the pointer or the focus is: on the others there is the line alone. */
  #point(plot) {
    const isHere = this.#place.matches(":hover") || this.#place === document.activeElement;
    if (isHere) this.#tip.show(plot, this.#series, this.#events);
    else this.#tip.hide();
  }

  #zoom(plot) {
    const { left, width } = plot.select;
    if (width < ZOOM_PIXELS) return;
    const from = plot.posToVal(left, "x");
    const to = plot.posToVal(left + width, "x");
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#dashboard.onZoom({ from, to });
  }

  #walk(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (event.key === "Escape") this.#leave();
    if (this.#plot && (event.key === "+" || event.key === "-")) this.#zoomByKey(event.key);
    if (!by || !this.#plot || event.target !== this.#place) return;
    event.preventDefault();
    const last = this.#times.length - 1;
    const now = this.#plot.cursor.idx ?? last;
    const next = Math.min(Math.max(now + by, 0), last);
    const left = this.#plot.valToPos(this.#times[next], "x");
    this.#plot.setCursor({ left, top: this.#plot.over.clientHeight / 2 }, true, true);
  }

  /** Half of the time around where the keys went, or all of it again. */
  #zoomByKey(key) {
    if (key === "-") return this.#dashboard.onZoom(null);
    const { min, max } = this.#plot.scales.x;
    const middle = this.#times[this.#plot.cursor.idx] ?? (min + max) / 2;
    const from = Math.max(middle - (max - min) / 4, min);
    this.#dashboard.onZoom({ from, to: Math.min(from + (max - min) / 2, max) });
  }

  #leave() {
    this.#tip.hide();
    this.#plot?.setCursor({ left: -10, top: -10 }, true, true);
  }

  /** As in Grafana: a click shows one alone or all again, with a modifier it shows or hides that one. */
  #pick(name, isAdded) {
    const names = this.#series.map((one) => one.name);
    const others = names.filter((one) => one !== name);
    const isAlone = !this.#hidden.has(name) && others.every((one) => this.#hidden.has(one));
    if (isAdded) {
      if (!this.#hidden.delete(name)) this.#hidden.add(name);
    } else {
      this.#hidden = new Set(isAlone ? [] : others);
    }
    for (const one of this.#series) one.isShown = !this.#hidden.has(one.name);
    this.#draw();
  }

  #size() {
    return { width: Math.max(this.#place.clientWidth, 50), height: Math.max(this.#place.clientHeight, LEAST_HEIGHT) };
  }
}
