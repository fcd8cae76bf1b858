// Rules and alerts: of the daemon as a view, and those of one run that are active now.

import { Children, element, say, show } from "loadgate/elements.js";
import { ago, counted, duration, figure, when } from "loadgate/format.js";
import { Poll } from "loadgate/poll.js";
import { runAddress } from "loadgate/router.js";
import { runbookLink } from "loadgate/runbook-link.js";

const HEADS = ["State", "Alert", "Severity", "Since", "Value", "What", "Labels"];
const SIGNS = { __proto__: null, firing: ["✗", "bad"], pending: ["…", "warn"], inactive: ["✓", "ok"], unknown: ["·", "idle"] };
/** They stand elsewhere in the row. */
const SHOWN_ELSEWHERE = new Set(["alertname", "severity", "testid"]);
const GRAVEST_FIRST = ["firing", "pending"];

/** The alerts of a run that are active at this moment. */
export class ActiveAlerts {
  #table = new AlertTable();
  element = element("section", { "aria-labelledby": "alerts", hidden: true }, element("h2", { id: "alerts" }, "Active alerts"), this.#table.element);

  /** Those with this `testid`, and those of the targets, which have none. */
  async load(api, testid, signal) {
    try {
      const { data } = await api.get("/api/v1/alerts", { signal });
      this.#show(data.alerts.filter(({ labels }) => labels.testid === testid || (labels.testid === undefined && labels.severity !== "none")));
    } catch {
      // What was there stays until it is known again.
    }
  }

  none() {
    this.#show([]);
  }

  #show(alerts) {
    show(this.element, alerts.length > 0);
    this.#table.update(alerts);
  }
}

class AlertTable {
  #body = element("tbody");
  #rows = new Children(this.#body, alertRow);
  element = element("div.scrolls", { tabindex: "0", role: "region", "aria-label": "Alerts" }, element("table.alerts.stacks", {},
    element("thead", {}, element("tr", {}, ...HEADS.map((text) => element("th", { scope: "col" }, text)))), this.#body));

  update(alerts) {
    const sorted = [...alerts].sort((a, b) => GRAVEST_FIRST.indexOf(a.state) - GRAVEST_FIRST.indexOf(b.state));
    this.#rows.update(sorted.map((alert) => [JSON.stringify(alert.labels), alert]));
  }
}

function alertRow(alert) {
  const state = element("span.badge");
  const { alertname, severity, testid } = alert.labels;
  const [since, value, what] = [element("time"), element("td.figure", { "data-head": "Value" }), element("span")];
  const book = alert.annotations.runbook_url;
  const labels = Object.entries(alert.labels).filter(([name]) => !SHOWN_ELSEWHERE.has(name)).map(([name, label]) => element("code.label", {}, `${name}=${label}`));
  const row = element("tr", {}, element("td", {}, state), element("th", { scope: "row" }, alertname), element("td", {}, severity ?? "–"),
    element("td", { "data-head": "Since" }, since), value, element("td.text", {}, what, " ", book ? runbookLink(book, "Runbook") : null),
    element("td", {}, testid ? element("a", { href: runAddress(testid) }, testid) : null, " ", ...labels));
  return {
    element: row,
    update: (alert) => {
      // What only informs is no trouble, although it fires.
      const [sign, tone] = alert.labels.severity === "none" ? SIGNS.unknown : SIGNS[alert.state] ?? SIGNS.unknown;
      say(state, `${sign} ${alert.state}`);
      state.dataset.tone = tone;
      since.dateTime = alert.activeAt;
      since.title = when(alert.activeAt);
      say(since, ago(alert.activeAt));
      say(value, figure(Number(alert.value)));
      say(what, alert.annotations.summary ?? alert.annotations.description ?? "");
    },
  };
}

export class AlertsView {
  name = "alerts";
  #api;
  #setTitle;
  #problem = element("p.problem", { role: "alert", hidden: true });
  #none = element("p.empty", { hidden: true }, "No alert is active.");
  #active = new AlertTable();
  #noRules = element("p.empty", { hidden: true }, "No rules are loaded: they are named by rule_files in the daemon's configuration, and by the plans of runs.");
  #groups = element("div");
  #groupList = new Children(this.#groups, groupOf);
  #poll;

  constructor({ api, setTitle }) {
    this.#api = api;
    this.#setTitle = setTitle;
    this.element = element("div", {}, element("h1", {}, "Alerts"), this.#problem,
      element("section", { "aria-labelledby": "active-alerts" }, element("h2", { id: "active-alerts" }, "Active"), this.#none, this.#active.element),
      element("section", { "aria-labelledby": "rules" }, element("h2", { id: "rules" }, "Rules"), this.#noRules, this.#groups));
    setTitle("Alerts");
    this.#poll = new Poll((signal) => this.#load(signal), () => 3);
    this.#poll.now();
  }

  end() {
    this.#poll.end();
  }

  async #load(signal) {
    try {
      const [alerts, rules] = await Promise.all([this.#api.get("/api/v1/alerts", { signal }), this.#api.get("/api/v1/rules", { signal })]);
      show(this.#problem, false);
      this.#draw(alerts.data.alerts, rules.data.groups);
    } catch (error) {
      if (signal.aborted) return;
      show(this.#problem, error.status !== 0);
      say(this.#problem, error.message);
    }
  }

  #draw(alerts, groups) {
    show(this.#none, alerts.length === 0);
    show(this.#active.element, alerts.length > 0);
    this.#active.update(alerts);
    show(this.#noRules, groups.length === 0);
    this.#groupList.update(groups.map((group) => [`${group.file} ${group.name}`, group]));
    const firing = alerts.filter(({ state, labels }) => state === "firing" && labels.severity !== "none").length;
    this.#setTitle(firing > 0 ? `✗ ${firing} firing` : "Alerts");
  }
}

function groupOf(group) {
  const body = element("tbody");
  const rules = new Children(body, ruleRow);
  const heads = ["State", "Rule", "For", "Expression", "What"];
  const summary = element("span.muted");
  return {
    element: element("details.rule-group", { open: group.rules.some(isUp) }, element("summary", {}, element("h3", {}, group.name), " ", summary),
      element("p.muted.path", {}, group.file),
      element("div.scrolls", { tabindex: "0", role: "region", "aria-label": `Rules of ${group.name}` }, element("table.stacks", {},
        element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))), body))),
    update: ({ rules: list }) => {
      const up = list.filter(isUp).length;
      say(summary, `${counted(list.length, "rule")}${up > 0 ? `, ${up} of them firing, pending or in error` : ""}`);
      rules.update(list.map((rule, at) => [`${at} ${rule.name}`, rule]));
    },
  };
}

/** There is something to look at. */
const isUp = (rule) => rule.health === "err" || (rule.labels?.severity !== "none" && (rule.state === "firing" || rule.state === "pending"));

function standing(rule) {
  if (rule.health === "err") return ["!", "bad"];
  if (rule.state === undefined) return ["✓", "ok"];
  return rule.labels?.severity === "none" ? SIGNS.unknown : SIGNS[rule.state] ?? SIGNS.unknown;
}

function ruleRow(rule) {
  const state = element("span.badge");
  const error = element("p.problem", { hidden: true });
  const { summary, description, runbook_url: book } = rule.annotations ?? {};
  return {
    element: element("tr", {}, element("td", {}, state), element("th", { scope: "row" }, rule.name), element("td.figure", { "data-head": "For" }, rule.duration === undefined ? "–" : duration(rule.duration)),
      element("td", {}, element("code.expression", {}, rule.query)),
      element("td.text", {}, summary ?? description ?? "", " ", book ? runbookLink(book, "Runbook") : null, error)),
    update: (rule) => {
      const [sign, tone] = standing(rule);
      say(state, `${sign} ${rule.state ?? rule.health}`);
      state.dataset.tone = tone;
      show(error, Boolean(rule.lastError));
      say(error, rule.lastError ?? "");
    },
  };
}
