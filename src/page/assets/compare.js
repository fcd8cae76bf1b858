// Two runs side by side: first in sentences, then every metric and every gate.

import { element, say, show } from "loadgate/elements.js";
import { bytes, duration, figure, milliseconds } from "loadgate/format.js";
import { address, runAddress } from "loadgate/router.js";
import { standing } from "loadgate/state.js";

/** A change is told by sign and word; colour comes on top. */
const CHANGES = {
  __proto__: null,
  worse: { sign: "✗", word: "worse", tone: "bad" },
  better: { sign: "✓", word: "better", tone: "ok" },
  same: { sign: "=", word: "same", tone: "idle" },
  incomparable: { sign: "·", word: "not judged", tone: "idle" },
};

export class CompareView {
  name = "compare";
  #api;
  #ids;
  #aborted = new AbortController();
  #content = element("div", {}, element("p.muted", {}, "Comparing …"));

  constructor({ api, place, setTitle }) {
    this.#api = api;
    this.#ids = { a: place.query.get("a") ?? "", b: place.query.get("b") ?? "" };
    const { a, b } = this.#ids;
    this.element = element("div.compare", {},
      element("div.title", {}, element("h1", {}, "Compare"), element("a.button", { href: address("/compare", { a: b, b: a }) }, "Swap")), this.#content);
    setTitle("Compare");
    this.#load();
  }

  query(query) {
    this.#ids = { a: query.get("a") ?? "", b: query.get("b") ?? "" };
    this.element.querySelector(".title a").href = address("/compare", { a: this.#ids.b, b: this.#ids.a });
    this.#load();
  }

  end() {
    this.#aborted.abort();
  }

  async #load() {
    const { a, b } = this.#ids;
    this.#aborted.abort();
    const { signal } = (this.#aborted = new AbortController());
    if (!a || !b) {
      this.#content.replaceChildren(element("p.empty", {}, "Choose two runs in the ", element("a", { href: "#/" }, "list of runs"), ": tick both, then Compare."));
      return;
    }
    try {
      const comparison = await this.#api.get(`/api/v1/runs/compare?${new URLSearchParams({ a, b })}`, { signal });
      this.#content.replaceChildren(sides(comparison), sentences(comparison), gates(comparison.gates), metrics(comparison.metrics));
    } catch (error) {
      if (signal.aborted) return;
      this.#content.replaceChildren(element("p.problem", { role: "alert" }, error.message));
    }
  }
}

function sides({ a, b }) {
  const side = (name, what, run) => {
    const { sign, word, tone } = standing(run);
    return element("div.side", {}, element("h2", {}, `${name}: `, element("a", { href: runAddress(run.id) }, run.test)),
      element("p", {}, element("span.badge", { "data-tone": tone }, `${sign} ${word}`), " ", what),
      element("p.muted", {}, [run.profile, run.id, run.duration_seconds === null ? null : `load for ${duration(run.duration_seconds)}`].filter(Boolean).join(" · ")));
  };
  return element("div.sides", {}, side("A", "what it is compared with", a), side("B", "the run in question", b));
}

function sentences({ sentences, outcome }) {
  const texts = sentences.length > 0 ? sentences : ["Nothing got worse."];
  return element("ul.sentences", { "data-outcome": outcome }, ...texts.map((text) => element("li", {}, text)));
}

function changeOf(change) {
  const { sign, word, tone } = CHANGES[change] ?? CHANGES.incomparable;
  return element("span.badge", { "data-tone": tone }, `${sign} ${word}`);
}

/** A body of rows for each metric; those that neither got better nor worse fold away. */
function metrics(list) {
  const isChanged = ({ change }) => change === "worse" || change === "better";
  const bodies = list.map((metric) => ({ body: metricRows(metric), isChanged: isChanged(metric) || metric.values.some(isChanged) }));
  const all = element("input", { type: "checkbox", onchange: () => draw() });
  const heads = ["Metric", "Value", "A", "B", "Change", "Judged"];
  const table = element("div.scrolls", { tabindex: "0", role: "region", "aria-label": "Metrics" }, element("table.values", {},
    element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))), ...bodies.map(({ body }) => body)));
  const none = element("p.muted", {}, "No metric got better or worse by more than chance makes of one and the same thing.");
  const draw = () => {
    for (const { body, isChanged } of bodies) show(body, all.checked || isChanged);
    const isEmpty = !all.checked && !bodies.some(({ isChanged }) => isChanged);
    show(none, isEmpty);
    show(table, !isEmpty);
  };
  draw();
  return element("section", { "aria-labelledby": "metrics" },
    element("div.title", {}, element("h2", { id: "metrics" }, "Metrics"), element("label.inline", {}, all, " also those that did not change")), none, table);
}

function metricRows(metric) {
  const rows = metric.values.map((value) => {
    const percent = value.change_percent;
    const change = percent === null ? "–" : `${percent > 0 ? "+" : ""}${figure(percent)} %`;
    const cell = (number) => element("td.figure", {}, shown(number, metric, value.value));
    return element("tr", {}, element("td", {}, element("code", {}, value.value)), cell(value.a), cell(value.b), element("td.figure", {}, change),
      element("td", {}, changeOf(value.change)));
  });
  rows[0]?.prepend(element("th", { scope: "rowgroup", rowspan: String(rows.length) }, metric.name, element("br"), changeOf(metric.change)));
  return element("tbody", {}, ...rows);
}

function shown(number, { contains, type }, statistic) {
  if (number === null || number === undefined) return "–";
  const isCount = statistic === "count" || statistic === "passes" || statistic === "fails";
  if (contains === "time" && !isCount) return milliseconds(number);
  if (contains === "data") return bytes(number);
  if (type === "rate" && statistic === "rate") return `${figure(number * 100)} %`;
  return figure(number);
}

function gates(list) {
  const title = element("h2", { id: "gates" }, "Gates");
  const section = element("section", { "aria-labelledby": "gates" }, title);
  if (list.length === 0) {
    section.append(element("p.muted", {}, "Neither run has a gate."));
    return section;
  }
  const side = (name, side) => {
    if (!side) return element("td", { "data-head": name }, "–");
    const tone = { failed: "bad", inconclusive: "warn", degraded: "warn" }[side.effect] ?? (side.outcome === "held" ? "ok" : "idle");
    const sign = { bad: "✗", warn: "?", ok: "✓", idle: "·" }[tone];
    const badge = element("span.badge", { "data-tone": tone });
    say(badge, `${sign} ${side.outcome.replaceAll("_", " ")}`);
    return element("td", { "data-head": name }, badge, " ", side.value === null ? "" : figure(side.value));
  };
  const heads = ["Gate", "A", "B", "Change"];
  section.append(element("div.scrolls", { tabindex: "0", role: "region", "aria-label": "Gates" }, element("table.stacks", {},
    element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...list.map((gate) => element("tr", {}, element("th", { scope: "row" }, gate.name), side("A", gate.a), side("B", gate.b), element("td", { "data-head": "Change" }, changeOf(gate.change))))))));
  return section;
}
