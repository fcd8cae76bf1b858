// The list of runs: what is under way on top, then what was, the newest first.

import { Actions } from "loadgate/actions.js";
import { Children, element, say, show } from "loadgate/elements.js";
import { ago, between, duration, when } from "loadgate/format.js";
import { Poll } from "loadgate/poll.js";
import { Progress } from "loadgate/progress.js";
import { address, replaceQuery, runAddress } from "loadgate/router.js";
import { Schedules } from "loadgate/schedules.js";
import { ACTIVE, hasEnded, standing } from "loadgate/state.js";

const PAGE = 50;
/** Further back one finds runs by filters. */
const MOST = 500;
const FILTERS = {
  __proto__: null,
  all: { text: "all", states: [] },
  active: { text: "under way", states: ACTIVE },
  finished: { text: "finished", states: ["finished"] },
  interrupted: { text: "interrupted", states: ["interrupted"] },
};

export class RunsView {
  name = "runs";
  #api;
  #filter = { state: "all", test: "" };
  #pages = 1;
  #runs = [];
  #next = null;
  #chosen = new Set();
  #poll;
  #onConnection;
  #problem = element("p.problem", { role: "alert", hidden: true });
  #active = element("ul.cards");
  #activeSection = element("section", { "aria-labelledby": "active", hidden: true }, element("h2", { id: "active" }, "Under way"), this.#active);
  #activeCards;
  #body = element("tbody");
  #rows = new Children(this.#body, () => this.#row());
  #table;
  #empty = element("div.empty", { hidden: true });
  #older = element("button", { type: "button", hidden: true, onclick: () => this.#more() }, "Older runs");
  #compare = element("button", { type: "button", disabled: true, onclick: () => this.#toCompare() }, "Compare");
  #compareHint = element("span.muted", { id: "compare-hint" }, "Choose two runs to compare them.");
  #tests = element("datalist", { id: "tests" });
  #schedules;

  constructor({ api, place, setTitle }) {
    this.#api = api;
    this.#schedules = new Schedules(api);
    this.#filter = { state: place.query.get("state") ?? "all", test: place.query.get("test") ?? "" };
    this.#activeCards = new Children(this.#active, () => activeCard(api, () => this.#poll.now()));
    const heads = ["", "Verdict", "Test", "Profile", "Started", "Duration", "By", "Run"];
    this.#table = element("table.runs", { hidden: true },
      element("caption.visually-hidden", {}, "Runs, the newest first"),
      element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text || element("span.visually-hidden", {}, "Compare"))))),
      this.#body);
    this.element = element("div", {},
      element("div.title", {}, element("h1", {}, "Runs"), element("a.button.primary", { href: "#/start" }, "Start a run")),
      this.#problem, this.#activeSection,
      element("section", { "aria-label": "Runs" },
        element("div.filter-bar", {}, ...this.#filters(), element("span.spacer"), this.#compareHint, this.#compare),
        element("div.scrolls", {}, this.#table), this.#empty, this.#older),
      this.#schedules.element);
    setTitle("Runs");
    this.#setTitle = setTitle;
    this.#poll = new Poll((signal) => this.#load(signal), () => (this.#runs.some((run) => !hasEnded(run)) ? 1 : 5));
    this.#onConnection = () => this.#api.isLost || this.#poll.now();
    api.addEventListener("connection", this.#onConnection);
    api.addEventListener("access", this.#onConnection);
    this.#poll.now();
  }

  #setTitle;

  end() {
    this.#poll.end();
    this.#schedules.end();
    this.#activeCards.update([]);
    this.#api.removeEventListener("connection", this.#onConnection);
    this.#api.removeEventListener("access", this.#onConnection);
  }

  #filters() {
    const options = Object.entries(FILTERS).map(([value, { text }]) => element("option", { value, selected: value === this.#filter.state }, text));
    const state = element("select", { id: "filter-state", onchange: (event) => this.#narrow({ state: event.target.value }) }, ...options);
    const test = element("input", {
      id: "filter-test", type: "search", list: "tests", placeholder: "any", value: this.#filter.test, spellcheck: "false",
      onchange: (event) => this.#narrow({ test: event.target.value.trim() }),
    });
    return [["State", state], ["Test", test]].map(([text, control]) => element("label.filter", {}, text, control)).concat(this.#tests);
  }

  #narrow(change) {
    Object.assign(this.#filter, change);
    this.#pages = 1;
    replaceQuery("/", { state: this.#filter.state === "all" ? "" : this.#filter.state, test: this.#filter.test });
    this.#poll.now();
  }

  #more() {
    this.#pages += 1;
    this.#poll.now();
  }

  async #load(signal) {
    const { state, test } = this.#filter;
    const query = new URLSearchParams({ limit: String(Math.min(MOST, PAGE * this.#pages)) });
    for (const each of FILTERS[state]?.states ?? []) query.append("state", each);
    if (test) query.set("test", test);
    try {
      const { runs, next } = await this.#api.get(`/api/v1/runs?${query}`, { signal });
      [this.#runs, this.#next] = [runs, next];
      show(this.#problem, false);
      this.#draw();
    } catch (error) {
      if (signal.aborted) return;
      // A lost daemon is spoken of above.
      show(this.#problem, error.status !== 0);
      say(this.#problem, error.message);
    }
  }

  #draw() {
    const active = this.#runs.filter((run) => !hasEnded(run));
    const ended = this.#runs.filter(hasEnded);
    show(this.#activeSection, active.length > 0);
    // What runs stands before what waits.
    this.#activeCards.update([...active].reverse().sort((a, b) => (a.state === "queued") - (b.state === "queued")).map((run) => [run.id, run]));
    this.#rows.update(ended.map((run) => [run.id, run]));
    show(this.#table, ended.length > 0);
    this.#sayEmpty(ended.length === 0 && active.length === 0);
    show(this.#older, Boolean(this.#next) && this.#runs.length < MOST);
    const known = new Set(ended.map((run) => run.id));
    for (const id of this.#chosen) if (!known.has(id)) this.#chosen.delete(id);
    this.#drawCompare();
    const tests = [...new Set(this.#runs.map((run) => run.test))].sort();
    if (tests.join() !== [...this.#tests.children].map((option) => option.value).join()) {
      this.#tests.replaceChildren(...tests.map((value) => element("option", { value })));
    }
    const running = active.find((run) => run.state !== "queued");
    this.#setTitle(running ? `${standing(running).sign} Runs` : "Runs");
  }

  #sayEmpty(isEmpty) {
    show(this.#empty, isEmpty);
    if (!isEmpty) return;
    const isNarrowed = this.#filter.state !== "all" || this.#filter.test !== "";
    this.#empty.replaceChildren(...(isNarrowed
      ? [element("p", {}, "No run is like this.")]
      : [
        element("p", {}, "No runs yet."),
        element("p", {}, "Start one ", element("a", { href: "#/start" }, "here"), ", or from a shell: ",
          element("code", {}, `loadgate run PLAN --server ${location.origin}`)),
      ]));
  }

  #drawCompare() {
    const count = this.#chosen.size;
    this.#compare.disabled = count !== 2;
    say(this.#compareHint, count === 2 ? "" : count === 0 ? "Choose two runs to compare them." : count === 1 ? "Choose one more." : "Choose two only.");
  }

  #toCompare() {
    // The list is the newest first: what is older is what is compared with.
    const [b, a] = this.#runs.filter((run) => this.#chosen.has(run.id)).map((run) => run.id);
    location.hash = address("/compare", { a, b });
  }

  #row() {
    const box = element("input", { type: "checkbox" });
    const badge = element("span.badge");
    const test = element("a");
    const [profile, by, id, length] = [element("td"), element("td"), element("td.run-id"), element("td.figure")];
    const started = element("time");
    const row = element("tr", {}, element("td", {}, box), element("td", {}, badge), element("th", { scope: "row" }, test), profile,
      element("td", {}, started), length, by, id);
    let run;
    box.addEventListener("change", () => {
      if (box.checked) this.#chosen.add(run.id);
      else this.#chosen.delete(run.id);
      this.#drawCompare();
    });
    const update = (next) => {
      run = next;
      const { sign, word, tone } = standing(run);
      say(badge, `${sign} ${word}`);
      badge.dataset.tone = tone;
      row.dataset.runState = run.state;
      row.dataset.verdict = run.verdict ?? "";
      test.href = runAddress(run.id);
      say(test, run.test);
      box.setAttribute("aria-label", `Compare ${run.test}, ${run.id}`);
      box.checked = this.#chosen.has(run.id);
      say(profile, run.profile ?? "–");
      const at = run.started_at ?? run.submitted_at;
      started.dateTime = at;
      started.title = when(at);
      say(started, ago(at));
      say(length, run.started_at && run.ended_at ? duration(between(run.started_at, run.ended_at)) : "–");
      say(by, triggeredBy(run.trigger));
      say(id, run.id);
    };
    return { element: row, update };
  }
}

/** Who asked for a run, in words. */
export function triggeredBy({ by, of }) {
  if (by === "schedule") return `schedule ${of}`;
  if (by === "rerun") return `rerun of ${of}`;
  return "a request";
}

function activeCard(api, changed) {
  const badge = element("span.badge");
  const link = element("a.card-title");
  const meta = element("span.muted");
  const progress = new Progress({ isShort: true });
  const actions = new Actions(api, { changed, isShort: true });
  const card = element("li.card", {}, element("div.card-head", {}, badge, link, meta), progress.element, actions.element);
  return {
    element: card,
    update: (run) => {
      const { sign, word, tone } = standing(run);
      say(badge, `${sign} ${word}`);
      badge.dataset.tone = tone;
      card.dataset.runState = run.state;
      link.href = runAddress(run.id);
      say(link, run.test);
      say(meta, [run.profile, run.id, triggeredBy(run.trigger), ago(run.started_at ?? run.submitted_at)].filter(Boolean).join(" · "));
      progress.update(run.progress ?? null);
      actions.update(run);
    },
    end: () => actions.end(),
  };
}
