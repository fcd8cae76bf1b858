// What can be done to a run: stop, pause, resume, scale, rerun, compare, delete. Only what the token allows is offered.

import { confirmed, element, openDialog, say, show } from "loadgate/elements.js";
import { address, runAddress } from "loadgate/router.js";
import { save } from "loadgate/save.js";
import { hasEnded } from "loadgate/state.js";

export class Actions {
  #api;
  #run = null;
  #scenarios = [];
  #changed;
  #may = { run: true, admin: true };
  #buttons;
  #note = element("p.muted", { hidden: true });
  #problem = element("p.problem", { role: "alert", hidden: true });
  #onAccess = () => this.#learn();

  /** @param {{changed: () => void, isShort?: boolean}} options `isShort`: only what concerns a run under way */
  constructor(api, { changed, isShort = false }) {
    this.#api = api;
    this.#changed = changed;
    const isIn = (...states) => (run) => states.includes(run.state);
    const offered = [
      ["Pause", "run", isIn("running"), () => this.#post("pause")],
      ["Resume", "run", isIn("paused"), () => this.#post("resume")],
      ["Scale …", "run", isIn("running"), () => this.#scale(), "long"],
      ["Stop", "run", (run) => !hasEnded(run), () => this.#stop()],
      ["Run again", "run", hasEnded, () => this.#rerun()],
      ["Compare with …", "query", hasEnded, () => this.#compare()],
      ["Report", "query", hasEnded, () => this.#save("report", "html")],
      ["Summary (JSON)", "query", (run) => hasEnded(run) && run.has_summary !== false, () => this.#save("summary", "json")],
      ["Delete", "admin", hasEnded, () => this.#delete()],
    ];
    this.#buttons = offered
      .filter(([, , , , size]) => !isShort || size !== "long")
      .map(([text, scope, fits, act]) => ({ scope, fits, button: element("button", { type: "button", hidden: true, onclick: (event) => this.#do(event.currentTarget, act) }, text) }));
    this.element = element("div.actions", {},
      element("div.buttons", { role: "group", "aria-label": "Actions" }, ...this.#buttons.map(({ button }) => button)), this.#note, this.#problem);
    this.#learn();
    api.addEventListener("access", this.#onAccess);
  }

  /** @param {object} run @param {Array<{name: string, executor: string}>} [scenarios] that may be scaled */
  update(run, scenarios = this.#scenarios) {
    this.#run = run;
    this.#scenarios = scenarios;
    const focused = this.#buttons.find(({ button }) => button === document.activeElement)?.button;
    for (const { scope, fits, button } of this.#buttons) show(button, fits(run) && (scope === "query" || this.#may[scope]));
    // What was pressed may be over: whoever uses the keyboard stays among the actions.
    if (focused?.hidden) this.#buttons.find(({ button }) => !button.hidden)?.button.focus();
    show(this.#note, !this.#may.run);
  }

  end() {
    this.#api.removeEventListener("access", this.#onAccess);
  }

  async #learn() {
    const [run, admin] = [await this.#api.may("run"), await this.#api.may("admin")];
    this.#may = { run, admin };
    say(this.#note, run ? "" : "This token may only look: starting and changing runs takes one of scope run.");
    if (this.#run) this.update(this.#run);
  }

  async #do(button, act) {
    // A button that is disabled would lose the focus.
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await act();
      show(this.#problem, false);
    } catch (error) {
      say(this.#problem, error.message);
      show(this.#problem, true);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  #path(action = "") {
    return `/api/v1/runs/${encodeURIComponent(this.#run.id)}${action && `/${action}`}`;
  }

  async #post(action, body) {
    await this.#api.post(this.#path(action), body);
    await this.#changed();
  }

  async #stop() {
    const what = this.#run.state === "queued"
      ? "It has not begun, and never will."
      : "Load ends now; teardown and hooks are still done. The verdict will be stopped, with the exit code 105.";
    if (await confirmed(`Stop ${this.#run.test}?`, what, "Stop the run")) await this.#post("stop");
  }

  async #rerun() {
    const run = await this.#api.post(this.#path("rerun"));
    location.hash = runAddress(run.id);
  }

  async #delete() {
    if (!(await confirmed(`Delete this run of ${this.#run.test}?`, "Its summary, log and series are forgotten. This cannot be undone.", "Delete the run"))) return;
    await this.#api.delete(this.#path());
    location.hash = "#/";
  }

  async #save(what, ending) {
    save(await this.#api.blob(this.#path(what)), `${this.#run.test}-${this.#run.id}-${what}.${ending}`);
  }

  async #compare() {
    const { id, test } = this.#run;
    const { runs } = await this.#api.get(`/api/v1/runs?${new URLSearchParams({ test, limit: "100" })}`);
    const others = runs.filter((run) => run.id !== id && hasEnded(run));
    const other = await openDialog("Compare with …", (close) => choices(others, close));
    if (other === undefined) return;
    // The older one is what is compared with.
    const [a, b] = [id, other].sort();
    location.hash = address("/compare", { a, b });
  }

  async #scale() {
    const wanted = await openDialog("Scale the load", (close) => scaleForm(this.#scenarios, close));
    if (wanted) await this.#post("scale", wanted);
  }
}

function choices(runs, close) {
  const cancel = element("div.buttons", {}, element("button", { type: "button", onclick: () => close(undefined) }, "Cancel"));
  if (runs.length === 0) return [element("p", {}, "There is no other run of this test yet. Any two runs can be chosen in the list of runs."), cancel];
  const select = element("select", { id: "other", size: String(Math.min(10, Math.max(2, runs.length))) },
    ...runs.map((run, at) => element("option", { value: run.id, selected: at === 0 }, [run.verdict ?? run.state, run.profile, run.started_at ?? run.submitted_at, run.id].filter(Boolean).join(" · "))));
  return [
    element("label", { for: "other" }, "Run"), select,
    element("div.buttons", {},
      element("button", { type: "button", onclick: () => close(undefined) }, "Cancel"),
      element("button.primary", { type: "button", onclick: () => close(select.value) }, "Compare")),
  ];
}

function scaleForm(scenarios, close) {
  const scenario = element("select", { id: "scale-scenario" }, ...scenarios.map(({ name, executor }) => element("option", { value: name }, `${name}: ${executor}`)));
  const kind = element("select", { id: "scale-kind" }, element("option", { value: "vus" }, "VUs"), element("option", { value: "rate" }, "iterations per time unit of the plan"));
  // An arrival rate is scaled by its rate.
  const suggest = () => { kind.value = /looping VUs/.test(scenario.selectedOptions[0]?.textContent ?? "") ? "vus" : "rate"; };
  scenario.addEventListener("change", suggest);
  suggest();
  const value = element("input", { id: "scale-value", type: "number", min: "0", step: "any", required: true, autofocus: true });
  const submit = (event) => {
    event.preventDefault();
    close({ scenario: scenario.value || undefined, [kind.value]: Number(value.value) });
  };
  return [element("form.fields", { onsubmit: submit },
    element("label", { for: "scale-scenario" }, "Scenario"), scenario,
    element("label", { for: "scale-kind" }, "What"), kind,
    element("label", { for: "scale-value" }, "To"), value,
    element("p.muted", {}, "Constant executors can be scaled: constant-vus by VUs, constant-arrival-rate by rate."),
    element("div.buttons", {},
      element("button", { type: "button", onclick: () => close(undefined) }, "Cancel"),
      element("button.primary", { type: "submit" }, "Scale")))];
}
