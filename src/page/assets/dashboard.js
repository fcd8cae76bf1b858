// Shows a dashboard's JSON: pickers of its variables, its rows and panels, and keeps what is on the screen fresh.

import { Annotations } from "loadgate/annotations.js";
import { element } from "loadgate/dom.js";
import { happened } from "loadgate/happened.js";
import { Limiter } from "loadgate/limiter.js";
import { grid } from "loadgate/grid.js";
import { pickers } from "loadgate/pickers.js";
import { onThemeChange } from "loadgate/theme.js";
import { bounds } from "loadgate/time-range.js";
import { rangeControls } from "loadgate/range-controls.js";
import { Variables } from "loadgate/variables.js";

/** A browser's connections to one host. */
const REQUESTS_AT_ONCE = 6;
/** How early a panel below the screen begins to ask. */
const NEAR = "200px";
/** How often it is looked whether there are new values for the pickers, and what the daemon's clock says. */
const SELDOM_SECONDS = 30;

/**
 * @param {HTMLElement} place is filled
 * @param {object} options
 * @param {object} options.dashboard its JSON
 * @param {import("loadgate/source.js").LiveSource|import("loadgate/source.js").RecordedSource} options.source
 * @param {Record<string, string|string[]>} [options.variables] fixed: they have no picker
 * @param {Record<string, string[]>} [options.initial] what pickers begin with
 * @param {import("loadgate/time-range.js").Range} options.range
 * @param {number} [options.refresh] seconds; 0: never
 * @param {(values: Record<string, string[]>) => void} [options.onVariables] told of what was picked
 * @param {(range: import("loadgate/time-range.js").Range) => void} [options.onRange] told of what was zoomed to
 * @returns {{update(options: object): void, destroy(): void}}
 */
export function mountDashboard(place, options) {
  const view = new View(place, options);
  view.start();
  return { update: (changes) => view.update(changes), destroy: () => view.destroy() };
}

class View {
  #place;
  #options;
  #home;
  #range;
  #parts;
  #pickers;
  #controls;
  #happened = happened();
  #ending = new AbortController();
  #timer = null;
  #seldom = null;
  #observer;
  #panels = [];
  #endTheme = () => {};
  #retitle = () => {};

  constructor(place, options) {
    this.#place = place;
    this.#options = options;
    this.#home = options.range;
    this.#range = options.range;
    const { dashboard, source } = options;
    const fixed = { ...(source.isRecorded ? source.variables : {}), ...options.variables };
    const variables = new Variables(dashboard.templating?.list ?? [], {
      source, fixed, initial: options.initial ?? {}, isRecorded: source.isRecorded, onChange: () => this.#picked(),
    });
    this.#pickers = pickers(variables);
    const shared = {
      uid: dashboard.uid,
      source,
      variables,
      limiter: new Limiter(REQUESTS_AT_ONCE),
      syncKey: `${dashboard.uid}-${Math.random()}`,
      isCrosshairShared: (dashboard.graphTooltip ?? 0) > 0,
      bounds: () => bounds(this.#range, source.now()),
      scope: (builtin) => ({ variables: variables.values, builtin }),
      onZoom: (range) => this.#zoom(range),
    };
    shared.annotations = new Annotations(dashboard.annotations?.list ?? [], shared);
    this.#parts = shared;
    this.#controls = rangeControls({ home: this.#home, onRange: (range) => this.#zoom(range) });
  }

  async start() {
    const { dashboard } = this.#options;
    const { panels, nodes, retitle } = grid(dashboard.panels ?? [], this.#parts);
    this.#panels = panels;
    this.#retitle = () => [retitle, ...panels.map((panel) => () => panel.retitle())].forEach((each) => each());
    const toolbar = element("div", { className: "dashboard-bar" }, this.#pickers.element, this.#happened.element, this.#controls.element);
    const title = element("h2", { className: "aside" }, dashboard.title ?? "Dashboard");
    this.#place.replaceChildren(element("div", { className: "dashboard" }, title, toolbar, ...nodes));
    this.#endTheme = onThemeChange(() => this.#panels.forEach((panel) => panel.recolor()));
    const { signal } = this.#ending;
    document.addEventListener("visibilitychange", this.#wake, { signal });
    document.addEventListener("pointerdown", ({ target }) => [this.#pickers, this.#happened].forEach((each) => each.close(target)), { signal });
    addEventListener("beforeprint", () => panels.forEach((panel) => { panel.isVisible = true; }), { signal });
    // Panels wait for nothing that does not change what they ask.
    const loaded = this.#loadVariables();
    await Promise.all([this.#range.live && this.#synchronize(), this.#parts.variables.areKnown || loaded]);
    if (signal.aborted) return;
    await this.#watch();
    if (signal.aborted) return;
    this.#tick();
    this.#seldom = setInterval(() => this.#rarely(), SELDOM_SECONDS * 1000);
  }

  update({ range, variables, refresh }) {
    if (refresh !== undefined) this.#options.refresh = refresh;
    if (variables) this.#parts.variables.fix(variables);
    if (range) {
      this.#home = range;
      this.#range = range;
      this.#controls.show(range, range);
    }
    if (range || variables) this.#restart();
    clearTimeout(this.#timer);
    this.#tick();
  }

  destroy() {
    this.#ending.abort();
    this.#endTheme();
    clearTimeout(this.#timer);
    clearInterval(this.#seldom);
    this.#observer?.disconnect();
    this.#panels.forEach((panel) => panel.destroy());
    this.#place.replaceChildren();
  }

  /** Panels ask when they come near the screen. Resolves when those that are there have asked. */
  #watch() {
    const of = new Map(this.#panels.map((panel) => [panel.element, panel]));
    return new Promise((known) => {
      this.#observer = new IntersectionObserver((entries) => {
        for (const entry of entries) of.get(entry.target).isVisible = entry.isIntersecting;
        known();
      }, { rootMargin: NEAR });
      for (const made of of.keys()) this.#observer.observe(made);
      if (of.size === 0) known();
    });
  }

  #wake = () => {
    if (document.hidden) return;
    clearTimeout(this.#timer);
    this.#tick();
  };

  /** Refreshes, and comes again, but not while nobody looks; a panel that still waits for an answer is left alone. */
  #tick = () => {
    const { refresh = 0 } = this.#options;
    if (this.#ending.signal.aborted || document.hidden) return;
    // Marks come after what they are on.
    Promise.all(this.#panels.map((panel) => panel.refresh())).then(() => this.#refreshAnnotations());
    if (refresh > 0 && this.#range.live) this.#timer = setTimeout(this.#tick, refresh * 1000);
  };

  async #refreshAnnotations() {
    try {
      const isNew = await this.#parts.annotations.load(this.#ending.signal);
      if (!isNew) return;
      this.#panels.forEach((panel) => panel.annotate());
      this.#happened.show(this.#parts.annotations.events);
    } catch {
      // marks are an aid: the panels themselves say that the daemon does not answer
    }
  }

  async #rarely() {
    if (document.hidden || !this.#range.live) return;
    await Promise.all([this.#synchronize(), this.#loadVariables()]);
  }

  async #synchronize() {
    try {
      await this.#parts.source.synchronize({ signal: this.#ending.signal });
    } catch {
      // the panels say what is wrong, each in its place
    }
  }

  async #loadVariables() {
    const { variables } = this.#parts;
    try {
      await variables.load(this.#parts.bounds(), this.#ending.signal);
    } catch {
      // as above
    }
    if (!this.#pickers.isUsed()) this.#pickers.show();
    this.#retitle();
  }

  async #picked() {
    this.#options.onVariables?.(this.#parts.variables.picked);
    await this.#loadVariables();
    this.#pickers.show();
    this.#restart();
  }

  #zoom(range) {
    this.#range = range ?? this.#home;
    this.#controls.show(this.#range, this.#home);
    this.#options.onRange?.(this.#range);
    this.#restart();
    clearTimeout(this.#timer);
    this.#tick();
  }

  #restart() {
    this.#parts.annotations.forget();
    this.#panels.forEach((panel) => panel.restart());
  }
}
