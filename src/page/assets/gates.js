// The gates of a run: what was demanded, what was found, and what that does to the verdict. Live and final.

import { Children, element, outsideLink, say, show } from "loadgate/elements.js";
import { duration, percent, quantity } from "loadgate/format.js";

/** What a gate's effect on the verdict is called. */
const EFFECTS = {
  __proto__: null,
  failed: { sign: "✗", tone: "bad", live: "would fail", final: "failed" },
  inconclusive: { sign: "?", tone: "warn", live: "cannot be told yet", final: "inconclusive" },
  degraded: { sign: "~", tone: "warn", live: "degraded", final: "degraded" },
};
/** Those whose outcome says nothing about the target do not count as held. */
const OUTCOMES = {
  __proto__: null,
  held: { sign: "✓", tone: "ok", text: "held" },
  crossed: { sign: "~", tone: "warn", text: "crossed" },
  fired: { sign: "~", tone: "warn", text: "fired" },
  pending: { sign: "…", tone: "warn", text: "pending" },
  firing_already: { sign: "·", tone: "idle", text: "fired before" },
  not_applicable: { sign: "·", tone: "idle", text: "not applicable" },
  no_fault: { sign: "·", tone: "idle", text: "no fault" },
  no_data: { sign: "·", tone: "idle", text: "no data" },
};
const GRAVEST_FIRST = ["failed", "inconclusive", "degraded", "none"];

/** @returns {{name: string, demand: string, found: string, limit: string}} a gate of a summary in words */
export function describe(gate) {
  switch (gate.kind) {
    case "alert":
      return {
        name: gate.alert,
        demand: `must not fire (${gate.group}${gate.prometheus ? `, ${gate.prometheus}` : ""})`,
        found: gate.fired ? quantity(gate.fired.value) : "",
        limit: "",
      };
    case "verification":
      return { name: gate.verification, demand: gate.asked, found: gate.found ?? "", limit: gate.wanted ?? "" };
    case "recovery":
      return {
        name: `recovery from ${gate.fault}`,
        demand: `stable for ${duration(gate.stable_for_seconds)}`,
        found: gate.recovery_seconds === null ? "" : duration(gate.recovery_seconds),
        limit: `within ${duration(gate.within_seconds)}`,
      };
    default:
      return ofThreshold(gate);
  }
}

function ofThreshold(gate) {
  const isShare = gate.threshold.startsWith("rate") && gate.unit === null;
  const shown = (value) => (isShare && value !== null ? percent(value) : quantity(value, gate.unit));
  return {
    name: gate.kind === "slo" ? `${gate.slo} (${gate.level}): ${gate.metric}` : gate.metric,
    demand: gate.threshold,
    found: shown(gate.value),
    limit: shown(gate.limit),
  };
}

/** Which gates a verdict comes from, in words. */
export function counted(gates) {
  const of = (effect) => gates.filter((gate) => gate.effect === effect);
  return { failed: of("failed"), inconclusive: of("inconclusive"), held: gates.filter((gate) => gate.outcome === "held") };
}

/** A table that is updated in place. */
export class Gates {
  #rows;
  #empty = element("p.muted", {}, "No gate yet: they are judged while load runs.");
  #table;
  #note = element("p.muted", {}, "As they stand so far: thresholds are judged once, at the end.");
  #isFinal = false;
  #runbook;

  /** @param {(address: string, text: string) => Node} [runbook] makes what leads to a runbook */
  constructor(runbook = outsideLink) {
    this.#runbook = runbook;
    const body = element("tbody");
    const heads = ["State", "Gate", "Demand", "Value", "Limit", "Finding"];
    this.#table = element("table.gates.stacks", {},
      element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))),
      body);
    this.#rows = new Children(body, () => this.#row());
    this.element = element("div", {}, this.#note, element("div.scrolls", { tabindex: "0", role: "region", "aria-label": "Gates" }, this.#empty, this.#table));
  }

  /** @param {object[]} gates of a summary @param {{isFinal: boolean}} how whether they are judged for good */
  update(gates, { isFinal }) {
    this.#isFinal = isFinal;
    show(this.#empty, gates.length === 0);
    show(this.#table, gates.length > 0);
    show(this.#note, gates.length > 0 && !isFinal);
    if (isFinal) say(this.#empty, "The plan has no gates: nothing was judged.");
    const keyed = gates.map((gate, at) => [`${at} ${describe(gate).name} ${gate.threshold ?? ""}`, gate]);
    // Live rows keep their places; what decided stands on top in the end.
    if (isFinal) keyed.sort(([, a], [, b]) => GRAVEST_FIRST.indexOf(a.effect) - GRAVEST_FIRST.indexOf(b.effect));
    this.#rows.update(keyed);
  }

  #row() {
    const state = element("span.badge");
    const name = element("th", { scope: "row" });
    const [demand, found, limit, message] = ["code", "span.figure", "span.figure", "span"].map((tag) => element(tag));
    const runbook = element("span");
    const cells = [element("td", {}, demand), element("td", { "data-head": "Value" }, found), element("td", { "data-head": "Limit" }, limit), element("td", {}, message, " ", runbook)];
    return {
      element: element("tr", {}, element("td", {}, state), name, ...cells),
      update: (gate) => {
        const { sign, tone, text } = this.#standing(gate);
        say(state, `${sign} ${text}`);
        state.dataset.tone = tone;
        const words = describe(gate);
        say(name, words.name);
        say(demand, words.demand);
        say(found, words.found);
        say(limit, words.limit);
        say(message, gate.value === null || gate.value === undefined ? gate.message ?? "" : "");
        const book = gate.fired?.annotations?.runbook_url;
        if (book && runbook.childElementCount === 0) runbook.append(this.#runbook(book, "runbook"));
      },
    };
  }

  #standing(gate) {
    const effect = EFFECTS[gate.effect];
    if (effect) return { ...effect, text: this.#isFinal ? effect.final : effect.live };
    return OUTCOMES[gate.outcome] ?? { sign: "·", tone: "idle", text: gate.outcome };
  }
}
