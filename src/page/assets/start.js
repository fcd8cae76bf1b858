// Starts a run: one of the daemon's plans, its profile, and values for the variables that it declares; or a plan of one's own.

import { element, say, show } from "loadgate/elements.js";
import { OwnPlan, pair } from "loadgate/own-plan.js";
import { replaceQuery, runAddress } from "loadgate/router.js";

/** In the list of plans; no plan is called so. */
const OWN = "";

export class StartView {
  name = "start";
  #api;
  #plans = [];
  #variables = [];
  #key = newKey();
  #problem = element("pre.problem", { role: "alert", hidden: true });
  #plan = element("select", { id: "plan", onchange: () => this.#choose(this.#plan.value) });
  #description = element("p.muted");
  #profile = element("select", { id: "profile", onchange: () => this.#suggest() });
  #own = new OwnPlan();
  /** What is asked for one of the daemon's. */
  #given;
  #fields = element("div.fields");
  #tags = element("input", { id: "tags", placeholder: "suite=nightly team=core", spellcheck: "false", autocomplete: "off" });
  #start = element("button.primary", { type: "submit" }, "Start the run");
  #form;
  #empty = element("div.empty", { hidden: true });

  constructor({ api, place, setTitle }) {
    this.#api = api;
    this.#given = element("div", {},
      element("div.fields", {}, element("label", { for: "profile" }, "Profile"), this.#profile),
      element("fieldset", {}, element("legend", {}, "Variables"), element("p.muted", {}, "What is left empty keeps the value that is shown."), this.#fields));
    this.#form = element("form.start", { hidden: true, onsubmit: (event) => this.#submit(event) },
      element("div.fields", {}, element("label", { for: "plan" }, "Plan"), element("div", {}, this.#plan, this.#description)),
      this.#given, this.#own.element,
      element("div.fields", {}, element("label", { for: "tags" }, "Tags"), this.#tags),
      this.#problem,
      element("div.buttons", {}, this.#start, element("a.button", { href: "#/" }, "Cancel")));
    this.element = element("div", {}, element("h1", {}, "Start a run"), this.#empty, this.#form);
    setTitle("Start a run");
    this.#load(place.query.has("own") ? OWN : place.query.get("plan"));
  }

  async #load(wanted) {
    try {
      const [{ plans }, may] = await Promise.all([this.#api.get("/api/v1/plans"), this.#api.may("run")]);
      this.#plans = plans;
      if (!may) return this.#say("This token may only look: starting a run takes one of scope run. Another one can be given by Token, above.");
      this.#plan.replaceChildren(
        ...plans.map(({ name, problem }) => element("option", { value: name }, problem ? `${name} (not as it is)` : name)),
        element("option", { value: OWN }, "one of your own: a file, or pasted"));
      show(this.#form, true);
      this.#choose(wanted === OWN || plans.some(({ name }) => name === wanted) ? wanted : plans[0]?.name ?? OWN);
    } catch (error) {
      this.#say(error.message);
      this.#api.addEventListener("connection", () => this.#load(wanted), { once: true });
    }
  }

  #say(text) {
    say(this.#empty, text);
    show(this.#empty, true);
    show(this.#form, false);
  }

  #choose(name) {
    show(this.#given, name !== OWN);
    show(this.#own.element, name === OWN);
    if (name === OWN) return this.#chooseOwn();
    const plan = this.#plans.find((plan) => plan.name === name);
    this.#plan.value = name;
    replaceQuery("/start", { plan: name });
    say(this.#description, plan.description ?? plan.path);
    const byDefault = plan.default_profile ? `default: ${plan.default_profile}` : "none";
    this.#profile.replaceChildren(element("option", { value: "" }, byDefault), ...plan.profiles.map((profile) => element("option", { value: profile }, profile)));
    this.#profile.disabled = plan.profiles.length === 0;
    this.#variables = plan.variables.map((variable) => field(variable));
    this.#fields.replaceChildren(...this.#variables.flatMap(({ label, input }) => [label, input]));
    show(this.#fields.parentElement, this.#variables.length > 0);
    this.#suggest();
    this.#refuse(plan.problem);
    // What is wrong may be that a value is missing, which can be given here.
    this.#start.disabled = Boolean(plan.problem) && !plan.variables.some(({ required }) => required);
  }

  #chooseOwn() {
    this.#plan.value = OWN;
    replaceQuery("/start", { own: "yes" });
    say(this.#description, this.#plans.length > 0 ? "" : "This daemon has no plans of its own: they are named by plans in its configuration.");
    this.#refuse(null);
    this.#start.disabled = false;
  }

  /** Which values there are without ours. */
  #suggest() {
    const plan = this.#plans.find((plan) => plan.name === this.#plan.value);
    const profile = this.#profile.value || plan.default_profile;
    for (const { variable, input } of this.#variables) {
      const value = variable.profiles[profile] ?? variable.value;
      input.placeholder = value ?? (variable.required ? "needed" : "kept secret");
      input.required = variable.required && value === null;
    }
  }

  /** An error of a plan has lines and places: it is shown as it is. */
  #refuse(text) {
    say(this.#problem, text ?? "");
    show(this.#problem, Boolean(text));
  }

  async #submit(event) {
    event.preventDefault();
    this.#refuse(null);
    this.#start.disabled = true;
    try {
      const run = await this.#api.post("/api/v1/runs", this.#wanted(), { headers: { "Idempotency-Key": this.#key } });
      location.hash = runAddress(run.id);
    } catch (error) {
      this.#refuse(error.message);
      // Another request than the one that was refused; one that was perhaps not heard is made again as it was.
      if (!error.passes) this.#key = newKey();
    } finally {
      this.#start.disabled = false;
    }
  }

  #wanted() {
    const tags = Object.fromEntries(this.#tags.value.split(/\s+/).filter((text) => text !== "").map(pair));
    if (this.#plan.value === OWN) return { ...this.#own.wanted(), tags };
    const given = this.#variables.filter(({ input }) => input.value !== "").map(({ variable, input }) => [variable.name, input.value]);
    return {
      plan: this.#plan.value,
      ...(this.#profile.value ? { profile: this.#profile.value } : {}),
      env: Object.fromEntries(given),
      tags,
    };
  }
}

function field(variable) {
  const id = `var-${variable.name}`;
  const input = element("input", { id, type: variable.secret ? "password" : "text", spellcheck: "false", autocomplete: "off" });
  return { variable, input, label: element("label", { for: id }, element("code", {}, variable.name)) };
}

/** A second press of the button, or a second try, is the same run. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
