// What else a summary says: doubts, disagreements, faults, hooks, checks and why things failed.

import { element } from "loadgate/elements.js";
import { count, duration, percent } from "loadgate/format.js";

export class Findings {
  element = element("div.findings");
  #shown = "";

  /** @param {object | null} summary */
  update(summary) {
    const parts = summary ? PARTS.map((part) => part(summary)).filter(Boolean) : [];
    // What did not change stays, with whatever is selected or open in it.
    const text = JSON.stringify(parts);
    if (text === this.#shown) return;
    this.#shown = text;
    this.element.replaceChildren(...parts.map(section));
  }
}

/** Each answers `{title, items: string[]}` or `{title, heads, rows}`, or nothing. */
const PARTS = [
  (summary) => items("Doubts", summary.doubts),
  (summary) => items("Disagreements", summary.disagreements),
  (summary) => table("Faults", ["Fault", "Action", "Injected", "Cleared", "Recovered", "Outcome"], summary.faults, fault),
  (summary) => table("Hooks", ["List", "Action", "Outcome", "Took"], summary.hooks, hook),
  (summary) => table("Checks", ["Check", "Passed", "Failed", "Share"], summary.checks, check),
  (summary) => table("Why", ["Metric", "Cause", "Count", "Meaning"], summary.causes, cause),
  (summary) => table("Scrapes missed", ["Job", "Missed", "Due", "Last error"], summary.scrapes?.filter((scrape) => scrape.missed > 0), scrape),
  (summary) => table("Notes", ["Note", "Count"], summary.notes, (note) => [note.text, count(note.count)]),
];

const items = (title, texts) => (texts?.length > 0 ? { title, items: texts.map(words) } : null);

const table = (title, heads, list, row) => (list?.length > 0 ? { title, heads, rows: list.map(row) } : null);

const words = (text) => (typeof text === "string" ? text : JSON.stringify(text));

const moment = (seconds) => (seconds === null || seconds === undefined ? "–" : duration(seconds));

const fault = (fault) => [
  fault.name, fault.action, moment(fault.injected_seconds), moment(fault.cleared_seconds), moment(fault.recovery_seconds),
  [outcome(fault.do), outcome(fault.undo)].filter(Boolean).join("; undo: "),
];

const hook = ({ list, action, result }) => [list, action, outcome(result), moment(result?.took_seconds)];

const check = ({ name, passes, fails }) => [name, count(passes), count(fails), percent(passes / Math.max(1, passes + fails))];

const cause = (cause) => [cause.metric, `${cause.label}=${cause.value}`, cause.count === null ? "" : count(cause.count), cause.meaning ?? ""];

const scrape = (scrape) => [scrape.job, count(scrape.missed), count(scrape.due), scrape.last_error ?? ""];

function outcome(outcome) {
  if (!outcome) return "";
  return outcome.ok ? "done" : `failed: ${outcome.error ?? outcome.stderr?.text ?? "no reason given"}`;
}

function section({ title, items, heads, rows }) {
  return element("section", { "aria-label": title }, element("h3", {}, title),
    items ? element("ul", {}, ...items.map((text) => element("li", {}, text))) : rowsOf(title, heads, rows));
}

function rowsOf(title, heads, rows) {
  const cells = ([first, ...rest]) => [element("th", { scope: "row" }, first), ...rest.map((text) => element("td", {}, text))];
  return element("div.scrolls", { tabindex: "0", role: "region", "aria-label": title }, element("table", {},
    element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row))))));
}
