// How far a run has come: the states of its life, time, users, rate, errors and latency, as its events tell.

import { Children, element, say, show } from "loadgate/elements.js";
import { clock, count, duration, figure, milliseconds, percent } from "loadgate/format.js";
import { LIFE, hasEnded } from "loadgate/state.js";

/** The states that a run went through, and when. */
export class Timeline {
  #list = element("ol.timeline", { "aria-label": "States of the run" });
  #steps = new Children(this.#list, () => step());
  element = this.#list;
  #times = [];

  /** @param {string} state @param {string} [at] when it was entered */
  enter(state, at) {
    this.#times.push({ state, at });
  }

  update(run) {
    const ended = hasEnded(run);
    const end = { state: run.state === "interrupted" ? "interrupted" : "finished", at: run.ended_at };
    const passed = ended ? [...this.#times.filter(({ state }) => state !== end.state), end] : [...this.#times];
    if (passed.length === 0) passed.push({ state: run.state, at: run.submitted_at });
    const reached = Math.max(...passed.map(({ state }) => LIFE.indexOf(state)));
    const ahead = ended ? [] : LIFE.slice(reached + 1).filter((state) => state === "finished");
    const all = [...passed.map((at) => ({ ...at, ahead: false })), ...ahead.map((state) => ({ state, ahead: true }))];
    const current = ended ? -1 : passed.length - 1;
    this.#steps.update(all.map((each, at) => [`${at} ${each.state}`, { ...each, isCurrent: at === current }]));
  }
}

function step() {
  const name = element("span.step-name");
  const time = element("time.muted");
  const item = element("li", {}, name, " ", time);
  return {
    element: item,
    update: ({ state, at, ahead, isCurrent }) => {
      say(name, state);
      item.classList.toggle("ahead", ahead);
      if (isCurrent) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
      if (at) time.dateTime = at;
      say(time, at ? clock(at) : "");
    },
  };
}

/** Numbers of the newest `progress` event. */
export class Progress {
  #bar = element("progress", { max: "1", value: "0", "aria-label": "Time that has passed of the load" });
  #time = element("span.figure");
  #line = element("p.muted");
  #figures = element("dl.figures");
  #tiles = new Children(this.#figures, () => tile());
  #scenarios = element("tbody");
  #rows = new Children(this.#scenarios, () => scenarioRow());
  #table = element("div.scrolls", { tabindex: "0", role: "region", "aria-label": "Scenarios" }, element("table.stacks", {},
    element("thead", {}, element("tr", {}, ...HEADS.map((text) => element("th", { scope: "col" }, text)))), this.#scenarios));
  element = element("div.progress", {}, element("div.progress-bar", {}, this.#bar, this.#time), this.#line, this.#figures, this.#table);

  #isShort;

  /** @param {{isShort?: boolean}} [options] `isShort`: without the scenarios */
  constructor({ isShort = false } = {}) {
    this.#isShort = isShort;
    this.update(null);
  }

  /** @param {object | null} progress data of a `progress` event */
  update(progress) {
    show(this.element, progress !== null);
    if (progress === null) return;
    const { elapsed_seconds: elapsed, planned_seconds: planned, waiting } = progress;
    show(this.#bar.parentElement, planned > 0);
    this.#bar.max = planned > 0 ? planned : 1;
    this.#bar.value = Math.min(elapsed, this.#bar.max);
    say(this.#time, `${duration(elapsed)} of ${duration(planned)}`);
    say(this.#line, waiting ? waitingFor(waiting) : progress.line);
    this.#tiles.update(progress.scenarios.length > 0 ? figures(progress) : []);
    show(this.#table, progress.scenarios.length > 1 && !this.#isShort);
    this.#rows.update(progress.scenarios.map((scenario) => [scenario.name, scenario]));
  }
}

function waitingFor({ what, why, waited_seconds: waited, at_most_seconds: most }) {
  return `waiting for ${what} (${duration(waited)} of at most ${duration(most)}): ${why}`;
}

/** Over all scenarios; percentiles are not added up, so of several p95 the highest is shown, and said so. */
function figures({ scenarios, probes }) {
  const sum = (value) => scenarios.reduce((total, each) => total + value(each), 0);
  const highest = (value) => scenarios.map(value).filter((each) => each !== null).reduce((a, b) => Math.max(a, b), -1);
  const p95 = highest((each) => each.p95_seconds);
  const failed = highest((each) => each.failed_share);
  const several = scenarios.length > 1;
  const tiles = [
    ["VUs", `${count(sum((each) => each.active_vus))} of ${count(sum((each) => each.allocated_vus))}`],
    ["Iterations", `${figure(sum((each) => each.iterations_per_second))} /s`],
    ["Completed", count(sum((each) => each.completed))],
    [several ? "Failed, worst scenario" : "Failed", failed < 0 ? "–" : percent(failed), failed > 0 ? "bad" : "ok"],
    [several ? "p95, slowest scenario" : "p95", p95 < 0 ? "–" : milliseconds(p95 * 1000)],
    ["Dropped", count(sum((each) => each.dropped)), sum((each) => each.dropped) > 0 ? "warn" : "ok"],
  ];
  const measured = probes.map(({ name, last, avg }) => [name, last === null ? "–" : figure(last), undefined, avg === null ? "" : `avg ${figure(avg)}`]);
  return [...tiles, ...measured].map(([name, value, tone, aside]) => [name, { name, value, tone, aside }]);
}

function tile() {
  const [name, value, aside] = [element("dt"), element("dd.figure"), element("dd.muted")];
  const box = element("div", {}, name, value, aside);
  return {
    element: box,
    update: (figure) => {
      say(name, figure.name);
      say(value, figure.value);
      say(aside, figure.aside ?? "");
      show(aside, Boolean(figure.aside));
      box.dataset.tone = figure.tone ?? "";
    },
  };
}

const HEADS = ["Scenario", "Executor", "VUs", "Iterations /s", "Completed", "Interrupted", "Dropped", "Failed", "p95"];

function scenarioRow() {
  const name = element("th", { scope: "row" });
  const cells = HEADS.slice(1).map((head, at) => (at === 0 ? element("td") : element("td.figure", { "data-head": head })));
  return {
    element: element("tr", {}, name, ...cells),
    update: (scenario) => {
      say(name, scenario.name);
      const texts = [
        scenario.waits_for ? `after ${scenario.waits_for}: ${scenario.executor}` : scenario.executor,
        `${count(scenario.active_vus)} of ${count(scenario.allocated_vus)}`,
        figure(scenario.iterations_per_second),
        scenario.iterations === null ? count(scenario.completed) : `${count(scenario.completed)} of ${count(scenario.iterations)}`,
        count(scenario.interrupted),
        count(scenario.dropped),
        scenario.failed_share === null ? "–" : percent(scenario.failed_share),
        scenario.p95_seconds === null ? "–" : milliseconds(scenario.p95_seconds * 1000),
      ];
      texts.forEach((text, at) => say(cells[at], text));
    },
  };
}
