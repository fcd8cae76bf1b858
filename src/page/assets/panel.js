// A panel of a dashboard: its frame, its questions, and what it says while there is no answer.

import { about } from "loadgate/about.js";
import { element, freshId, short } from "loadgate/dom.js";
import { interpolateText } from "loadgate/interpolate.js";
import { Target } from "loadgate/target.js";
import { builtins, gridOf, seconds } from "loadgate/time-range.js";
import { barGauge } from "loadgate/panel-bargauge.js";
import { gauge } from "loadgate/panel-gauge.js";
import { heatmap } from "loadgate/panel-heatmap.js";
import { stat } from "loadgate/panel-stat.js";
import { table } from "loadgate/panel-table.js";
import { text } from "loadgate/panel-text.js";
import { timeSeries } from "loadgate/panel-timeseries.js";

/**
 * Draws into `body` what it is given: `{frames, grid, range, annotations}`; says how many series or rows it left out.
 * @typedef {{render(data: object): number|void, annotate?(events: object[]): void, recolor?(): void, destroy?(): void}} Renderer
 */

/** One file per type of panel; each makes a {@link Renderer}. */
const TYPES = { timeseries: timeSeries, stat, gauge, bargauge: barGauge, table, heatmap, text };

/** A daemon that is gone, or a query that is wrong, is not asked every second. */
const PAUSE_AFTER_ERROR_MS = 5000;
/** Pixels between two points. */
const POINT_PIXELS = 1.5;

export class Panel {
  #panel;
  #dashboard;
  #targets;
  #renderer;
  #title;
  #body;
  #message;
  #note;
  #busy = null;
  #last = null;
  #isVisible = false;
  #askAgainAt = 0;

  /**
   * @param {object} panel the dashboard's JSON of it
   * @param dashboard what all panels of it share: source, limiter, variables, range, annotations, onZoom
   */
  constructor(panel, dashboard) {
    this.#panel = panel;
    this.#dashboard = dashboard;
    this.#targets = (panel.targets ?? []).filter((target) => !target.hide).map((target) => {
      const key = { dashboard: dashboard.uid, panel: panel.id, ref: target.refId };
      return new Target(target, key, dashboard.source);
    });
    this.#build();
    const make = TYPES[panel.type];
    if (make) this.#renderer = make(this.#body, panel, dashboard);
    else this.#fail(new Error(`This page does not know panels of the type “${panel.type}”.`));
  }

  #build() {
    const id = freshId("panel");
    const name = this.#panel.title ? { "aria-labelledby": id } : { "aria-label": this.#panel.type };
    this.#title = element("h3", { id, className: "panel-title", hidden: !this.#panel.title });
    this.#body = element("div", { className: "panel-body" });
    this.#note = element("p", { className: "panel-note", hidden: true });
    this.#message = element("p", { className: "panel-message", role: "status", hidden: true });
    const head = element("header", { className: "panel-head" }, this.#title);
    if (this.#panel.description) head.append(about(() => interpolateText(this.#panel.description, this.#dashboard.scope({}))));
    this.element = element("section", {
      ...name, className: `panel panel-${this.#panel.type}`,
      "data-panel": this.#panel.id, "data-type": this.#panel.type, "data-state": "loading",
    }, head, this.#message, this.#body, this.#note);
    if (this.#panel.transparent) this.element.classList.add("panel-transparent");
    this.retitle();
  }

  /** Whether it is on the screen: only then it asks. */
  set isVisible(isVisible) {
    const appears = isVisible && !this.#isVisible;
    this.#isVisible = isVisible;
    if (appears) this.refresh();
  }

  /** Asks and draws, unless it is asking already or there can be nothing new. */
  async refresh() {
    if (!this.#isVisible || this.#busy || !this.#renderer || performance.now() < this.#askAgainAt) return;
    const question = this.#question();
    const expressions = this.#targets.map((target) => target.expression(question.scope));
    const name = JSON.stringify([question.grid, expressions, this.#hasInstant() && question.to]);
    if (name === this.#last) return;
    this.#busy = new AbortController();
    const { signal } = this.#busy;
    if (!this.#last) this.element.setAttribute("aria-busy", "true");
    try {
      const frames = await Promise.all(this.#targets.map((target) => (
        this.#dashboard.limiter.run(() => target.load({ ...question, signal }), signal)
      )));
      if (signal.aborted) return;
      this.#last = name;
      this.#show(frames, question);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    } finally {
      if (this.#busy?.signal === signal) this.#busy = null;
      this.element.removeAttribute("aria-busy");
    }
  }

  /** Something else is looked at: what is under way is of no use. */
  restart() {
    this.#busy?.abort();
    this.#busy = null;
    this.#last = null;
    this.#askAgainAt = 0;
    this.refresh();
  }

  /** What happened meanwhile is known now. */
  annotate() {
    this.#renderer?.annotate?.(this.#dashboard.annotations.events);
  }

  recolor() {
    this.#renderer?.recolor?.();
  }

  destroy() {
    this.#busy?.abort();
    this.#isVisible = false;
    this.#renderer?.destroy?.();
    this.element.remove();
  }

  #hasInstant() {
    return this.#targets.some((target) => target.isInstant);
  }

  #question() {
    const { source, bounds } = this.#dashboard;
    const own = seconds(this.#panel.interval);
    const points = Math.min(this.#body.clientWidth / POINT_PIXELS, this.#panel.maxDataPoints ?? Infinity);
    const range = bounds();
    const grid = source.isRecorded ? source.grid(range) : gridOf(range, points, Math.max(source.scrapeInterval, own));
    return { grid, to: range.to, range, scope: this.#dashboard.scope(builtins(range, grid.step, source.scrapeInterval)) };
  }

  #show(frames, { grid, range, scope }) {
    const isEmpty = this.#targets.length > 0 && frames.every((frame) => frame.series.length === 0);
    this.#state = isEmpty ? "empty" : "drawn";
    this.#say(isEmpty ? this.#panel.fieldConfig?.defaults?.noValue ?? "No data" : null);
    this.retitle();
    const leftOut = this.#renderer.render({ frames, grid, range, scope, annotations: this.#dashboard.annotations.events });
    this.#note.hidden = !leftOut;
    this.#note.textContent = `and ${leftOut} more, which are not shown`;
  }

  #fail(error) {
    this.#state = "error";
    this.#askAgainAt = performance.now() + PAUSE_AFTER_ERROR_MS;
    this.#say(short(error.message || String(error)));
  }

  /** For the style sheet, and for tests. */
  set #state(state) {
    this.element.dataset.state = state;
  }

  /** @param {string|null} message null: nothing is to be said */
  #say(message) {
    this.#message.hidden = message === null;
    if (this.#message.textContent !== (message ?? "")) this.#message.textContent = message ?? "";
  }

  /** A title may name variables. */
  retitle() {
    const title = interpolateText(this.#panel.title ?? "", this.#dashboard.scope({}));
    if (this.#title.textContent !== title) this.#title.textContent = title;
  }
}
