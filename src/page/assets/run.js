// One run: its verdict, how far it has come, gates, alerts, findings, dashboards and log; live while it lasts.

import { Actions } from "loadgate/actions.js";
import { ActiveAlerts } from "loadgate/alerts.js";
import { DashboardTabs } from "loadgate/dashboards.js";
import { element, say, show } from "loadgate/elements.js";
import { Findings } from "loadgate/findings.js";
import { ago, between, counted, duration, when } from "loadgate/format.js";
import { Gates } from "loadgate/gates.js";
import { Log } from "loadgate/log.js";
import { Poll } from "loadgate/poll.js";
import { Progress, Timeline } from "loadgate/progress.js";
import { replaceQuery } from "loadgate/router.js";
import { runbookLink } from "loadgate/runbook-link.js";
import { triggeredBy } from "loadgate/runs.js";
import { save } from "loadgate/save.js";
import { LiveSource } from "loadgate/source.js";
import { hasEnded, titleOf } from "loadgate/state.js";
import { Verdict } from "loadgate/verdict.js";

/** As in page.css. */
const NARROW = "(max-width: 40rem)";
/** How often gates and alerts are asked for; a run keeps its summary every 5 seconds. */
const JUDGED_EVERY_SECONDS = 3;
/** Nothing changes any more in a run that is over, but that it may be deleted. */
const LONG_SECONDS = 600;
/** A run's series are kept in steps of 5 seconds, above an hour of 15. */
const RECORDED = { step: 5, longStep: 15, longFromSeconds: 3600 };
/** A tab that is not looked at gives its connection back, and asks now and then how the run stands. */
const UNSEEN_AFTER_MS = 5_000;
const UNSEEN_EVERY_MS = 15_000;

export class RunView {
  name = "run";
  #api;
  #id;
  #setTitle;
  #run = null;
  #summary = null;
  #progress = null;
  #lastEvent;
  #following = null;
  #frame = 0;
  #newLines = [];
  #unseen = null;
  #ended = new AbortController();
  #poll;
  #dashboard;

  #title = element("h1");
  #meta = element("p.meta.muted");
  #problem = element("div.problem", { role: "alert", hidden: true });
  #verdict = new Verdict();
  #timeline = new Timeline();
  #figures = new Progress();
  #gates = new Gates(runbookLink);
  #alerts = new ActiveAlerts();
  #findings = new Findings();
  #log;
  #logCount = element("span.muted");
  #actions;
  #tabs = null;
  #dashboards = element("section", { "aria-labelledby": "dashboards" }, element("h2", { id: "dashboards" }, "Dashboards"));
  #body;

  constructor({ api, place, setTitle }) {
    this.#api = api;
    this.#id = place.parameters.id;
    this.#dashboard = place.query.get("dashboard");
    this.#setTitle = setTitle;
    this.#actions = new Actions(api, { changed: () => this.#refresh() });
    this.#log = new Log({ download: () => this.#download() });
    const judged = [
      element("section", { "aria-labelledby": "gates" }, element("h2", { id: "gates" }, "Gates"), this.#gates.element),
      this.#alerts.element, this.#findings.element,
    ];
    // A desk shows charts at first sight, and the verdict names what fails; on a phone they would push the gates out of reach.
    const order = matchMedia(NARROW).matches ? [...judged, this.#dashboards] : [this.#dashboards, ...judged];
    this.#body = element("div", { hidden: true },
      this.#verdict.element, this.#actions.element, this.#timeline.element, this.#figures.element, ...order,
      element("details.log-section", { open: true }, element("summary", {}, element("h2", {}, "Log"), " ", this.#logCount), this.#log.element));
    this.element = element("div.run", {}, element("nav.crumbs", { "aria-label": "Where this is" }, element("a", { href: "#/" }, "Runs"), " / ", element("span.run-id", {}, this.#id)),
      this.#title, this.#meta, this.#problem, this.#body);
    setTitle(this.#id);
    this.#poll = new Poll((signal) => this.#judge(signal), () => (this.#run && hasEnded(this.#run) ? LONG_SECONDS : JUDGED_EVERY_SECONDS));
    this.#open();
  }

  /** Another dashboard of the same run. */
  query(query) {
    this.#dashboard = query.get("dashboard");
    this.#tabs?.choose(this.#dashboard);
  }

  end() {
    this.#ended.abort();
    this.#following?.abort();
    this.#poll.end();
    this.#tabs?.end();
    this.#actions.end();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#unseen);
    clearInterval(this.#unseen);
  }

  get #path() {
    return `/api/v1/runs/${encodeURIComponent(this.#id)}`;
  }

  async #open() {
    const { signal } = this.#ended;
    try {
      this.#run = await this.#api.get(this.#path, { signal });
    } catch (error) {
      if (signal.aborted) return;
      this.#fail(error);
      // A daemon that comes back is asked again; a run that is not there stays so.
      if (error.passes) this.#api.addEventListener("connection", () => this.#open(), { once: true, signal });
      else this.#api.addEventListener("access", () => this.#open(), { once: true, signal });
      return;
    }
    show(this.#problem, false);
    show(this.#body, true);
    this.#draw();
    this.#mountDashboards();
    this.#poll.now();
    this.#api.addEventListener("connection", () => this.#api.isLost || this.#poll.now(), { signal });
    document.addEventListener("visibilitychange", () => this.#seen(), { signal });
    this.#follow();
  }

  #fail(error) {
    say(this.#title, error.status === 404 ? "There is no such run" : "The run cannot be shown");
    this.#problem.replaceChildren(element("p", {}, error.message),
      element("p", {}, error.status === 401
        ? element("button", { type: "button", onclick: () => this.#api.changeToken(error.message) }, "Give a token")
        : element("a", { href: "#/" }, "To the runs")));
    show(this.#problem, true);
    if (error.status !== 404) return;
    // It was deleted.
    this.#poll.end();
    show(this.#body, false);
  }

  /** Takes events as long as somebody looks and the run lasts. */
  async #follow() {
    if (this.#following || this.#ended.signal.aborted) return;
    const following = new AbortController();
    this.#following = following;
    try {
      for await (const event of this.#api.events(this.#id, { after: this.#lastEvent, signal: following.signal })) {
        if (following.signal.aborted) return;
        this.#lastEvent = event.id;
        this.#take(event);
      }
      if (!following.signal.aborted) await this.#refresh();
    } catch (error) {
      if (!following.signal.aborted) this.#fail(error);
    } finally {
      if (this.#following === following) this.#following = null;
    }
  }

  #take({ event, data }) {
    if (event === "state") this.#enter(data);
    else if (event === "progress") this.#progress = data;
    else if (event === "log") this.#newLines.push(data.line ?? JSON.stringify(data));
    else if (event === "finished") Object.assign(this.#run, { state: "finished", ...data });
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #enter({ state, at }) {
    this.#timeline.enter(state, at);
    // What the API said of a run that is over is newer than its old events.
    if (!hasEnded(this.#run)) this.#run.state = state;
    if (state !== "queued") this.#run.started_at ??= at ?? null;
  }

  async #judge(signal) {
    try {
      this.#run = await this.#api.get(this.#path, { signal });
      if (this.#run.has_summary) this.#summary = await this.#api.get(`${this.#path}/summary`, { signal });
    } catch (error) {
      if (error.status === 404 && !signal.aborted) return this.#fail(error);
    }
    if (signal.aborted) return;
    if (!hasEnded(this.#run)) {
      await this.#alerts.load(this.#api, this.#id, signal);
    } else {
      this.#alerts.none();
    }
    if (!signal.aborted) this.#draw();
  }

  /** As the API has it now, with its summary. */
  #refresh() {
    return this.#poll.now();
  }

  #draw() {
    this.#frame = 0;
    const run = this.#run;
    this.element.dataset.runState = run.state;
    this.element.dataset.verdict = run.verdict ?? "";
    this.#setTitle(titleOf(run));
    say(this.#title, run.profile ? `${run.test} (${run.profile})` : run.test);
    say(this.#meta, metaOf(run));
    this.#verdict.update(run, this.#summary);
    this.#timeline.update(run);
    this.#figures.update(this.#progress);
    this.#figures.element.classList.toggle("over", hasEnded(run));
    this.#gates.update(this.#summary?.gates ?? [], { isFinal: hasEnded(run) });
    this.#findings.update(this.#summary);
    this.#actions.update(run, this.#progress?.scenarios ?? []);
    if (this.#newLines.length > 0) this.#log.append(this.#newLines.splice(0));
    say(this.#logCount, counted(this.#log.length, "line"));
    this.#tabs?.update(this.#shownTime());
  }

  #mountDashboards() {
    this.#tabs = new DashboardTabs({
      api: this.#api,
      uid: this.#dashboard,
      choose: (uid) => replaceQuery(`/runs/${encodeURIComponent(this.#id)}`, { dashboard: uid }),
      variables: { testid: this.#id, test: this.#run.test },
      ...this.#shownTime(),
    });
    this.#dashboards.append(this.#tabs.element);
  }

  /** Which time dashboards show, and where its series are: of a run that is over in its record. */
  #shownTime() {
    const run = this.#run;
    const seconds = (moment) => new Date(moment).getTime() / 1000;
    const from = seconds(run.started_at ?? run.submitted_at);
    // What waits in the queue is not part of its time.
    // And until its end is known, its record has none to be looked at.
    if (!hasEnded(run) || !run.ended_at) return { key: run.started_at ? "live" : "waiting", source: () => new LiveSource(this.#api), range: { from, live: true }, refresh: 1 };
    const to = seconds(run.ended_at);
    const scrapeInterval = to - from > RECORDED.longFromSeconds ? RECORDED.longStep : RECORDED.step;
    const source = () => new LiveSource(this.#api, { prefix: `${this.#path}/api/v1`, scrapeInterval });
    return { key: "recorded", source, range: { from, to, live: false }, refresh: 0 };
  }

  #seen() {
    clearTimeout(this.#unseen);
    clearInterval(this.#unseen);
    if (!document.hidden) return void this.#follow();
    this.#unseen = setTimeout(() => {
      this.#following?.abort();
      this.#following = null;
      this.#unseen = setInterval(() => hasEnded(this.#run) || this.#refresh(), UNSEEN_EVERY_MS);
    }, UNSEEN_AFTER_MS);
  }

  async #download() {
    try {
      save(await this.#api.blob(`${this.#path}/log`), `${this.#run.test}-${this.#id}.log`);
    } catch (error) {
      this.#problem.replaceChildren(element("p", {}, error.message));
      show(this.#problem, true);
    }
  }
}

function metaOf(run) {
  const tags = Object.entries(run.tags ?? {}).map(([name, value]) => `${name}=${value}`);
  const took = run.started_at && run.ended_at ? `took ${duration(between(run.started_at, run.ended_at))}` : null;
  const at = run.started_at ? `started ${when(run.started_at)} (${ago(run.started_at)})` : `submitted ${when(run.submitted_at)}`;
  return [at, took, `by ${triggeredBy(run.trigger)}`, run.plan, ...tags].filter(Boolean).join(" · ");
}

