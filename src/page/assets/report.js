// The report of one run, which is over: what its page shows, from the data that the file holds.

import { DashboardTabs } from "loadgate/dashboards.js";
import { element, outsideLink, say } from "loadgate/elements.js";
import { Findings } from "loadgate/findings.js";
import { between, count, duration, when } from "loadgate/format.js";
import { Gates } from "loadgate/gates.js";
import { Log } from "loadgate/log.js";
import { markdown } from "loadgate/markdown.js";
import { RecordedSource } from "loadgate/source.js";
import { titleOf } from "loadgate/state.js";
import { Verdict } from "loadgate/verdict.js";

/**
 * @param {HTMLElement} main is filled
 * @param {{run: object, summary: object | null, log: string, dashboards: object[], variables: object,
 *   range: {from: number, to: number, step: number}, frames: object, version: string}} report
 */
export function showReport(main, report) {
  const { run, summary } = report;
  document.title = titleOf(run);
  main.dataset.view = "report";
  const verdict = new Verdict();
  const gates = new Gates(bookOf(report.runbooks ?? {}));
  const findings = new Findings();
  verdict.update(run, summary);
  gates.update(summary?.gates ?? [], { isFinal: true });
  findings.update(summary);
  main.replaceChildren(element("div.run", { "data-run-state": run.state, "data-verdict": run.verdict },
    element("h1", {}, run.profile ? `${run.test} (${run.profile})` : run.test),
    element("p.meta.muted", {}, metaOf(run)),
    verdict.element,
    section("gates", "Gates", gates.element),
    findings.element,
    report.dashboards.length > 0 && section("dashboards", "Dashboards", tabs(report)),
    report.log !== "" && logOf(report.log),
    element("footer.muted", {}, element("p", {}, `Written by loadgate ${report.version}. All data are in this file.`))));
}

/** The runbooks of what fired are in the file; of another one there is where it is. */
function bookOf(runbooks) {
  return (address, text) => (Object.hasOwn(runbooks, address)
    ? element("details.runbook", {}, element("summary", {}, text), markdown(runbooks[address], { top: 3, lead: (to) => (/^https?:/i.test(to) ? to : null) }))
    : outsideLink(address, text));
}

function section(id, title, content) {
  return element("section", { "aria-labelledby": id }, element("h2", { id }, title), content);
}

/** Tabs as on the page; their dashboards are here already. */
function tabs({ dashboards, variables, range, ...report }) {
  const files = new Map([["/page/dashboards", dashboards.map(({ uid }) => uid)]]);
  for (const dashboard of dashboards) files.set(`/page/dashboards/${encodeURIComponent(dashboard.uid)}`, dashboard);
  const { element: shown } = new DashboardTabs({
    api: { get: async (path) => files.get(path) },
    uid: null,
    choose: () => {},
    variables,
    key: "report",
    source: () => new RecordedSource({ ...report, variables, range }),
    range: { from: range.from, to: range.to, live: false },
    refresh: 0,
  });
  return shown;
}

function logOf(text) {
  const log = new Log();
  log.set(text);
  const lines = element("span.muted");
  say(lines, `${count(log.length)} lines`);
  return element("details.log-section", {}, element("summary", {}, element("h2", {}, "Log"), " ", lines), log.element);
}

function metaOf(run) {
  const tags = Object.entries(run.tags ?? {}).map(([name, value]) => `${name}=${value}`);
  const took = run.started_at && run.ended_at ? `took ${duration(between(run.started_at, run.ended_at))}` : null;
  return [run.started_at && `started ${when(run.started_at)}`, took, run.plan, `run ${run.id}`, ...tags].filter(Boolean).join(" · ");
}
