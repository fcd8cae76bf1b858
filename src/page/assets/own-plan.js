// A plan that the daemon does not have: a file of whoever looks, or pasted; with what it names, and values for its variables.

import { element, say } from "loadgate/elements.js";

const IS_PLAN = /\.ya?ml$/i;
const UNNAMED = "plan.yml";

export class OwnPlan {
  #name = UNNAMED;
  /** What the plan names (data, rule files), by their names. */
  #others = new Map();
  #choose = element("input", { id: "own-files", type: "file", multiple: true, onchange: () => this.#take() });
  #taken = element("p.muted", {});
  #text = element("textarea", { id: "own-text", rows: "16", spellcheck: "false", autocomplete: "off", wrap: "off", placeholder: "name: my-plan\nscenarios: …" });
  #profile = element("input", { id: "own-profile", spellcheck: "false", autocomplete: "off" });
  #variables = element("textarea", { id: "own-variables", rows: "3", spellcheck: "false", autocomplete: "off", placeholder: "BASE_URL=http://localhost:4000\nVUS=10" });
  element = element("div.fields.own", { hidden: true },
    element("label", { for: "own-files" }, "Files"), element("div", {}, this.#choose, this.#taken),
    element("label", { for: "own-text" }, "YAML"), this.#text,
    element("label", { for: "own-profile" }, "Profile"), this.#profile,
    element("label", { for: "own-variables" }, "Variables"), this.#variables);

  constructor() {
    this.#sayTaken();
  }

  /** Of what was chosen, the first YAML file is the plan, and can be changed here before it is sent. */
  async #take() {
    const files = [...this.#choose.files];
    const plan = files.find(({ name }) => IS_PLAN.test(name));
    const others = files.filter((file) => file !== plan);
    this.#others = new Map(await Promise.all(others.map(async (file) => [file.name, { base64: await base64(file) }])));
    this.#name = plan?.name ?? UNNAMED;
    if (plan) this.#text.value = await plan.text();
    this.#sayTaken();
  }

  #sayTaken() {
    const others = [...this.#others.keys()];
    say(this.#taken, others.length > 0 ? `${this.#name}, with ${others.join(", ")}` : "The plan, and beside it what it names: data, rule files. Or paste it:");
  }

  /** What a run of it is asked for with. */
  wanted() {
    const lines = this.#variables.value.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    const profile = this.#profile.value.trim();
    return {
      source: { plan: this.#name, files: { ...Object.fromEntries(this.#others), [this.#name]: this.#text.value } },
      ...(profile ? { profile } : {}),
      env: Object.fromEntries(lines.map(pair)),
    };
  }
}

/** `NAME=value`; without a sign the name alone. */
export function pair(text) {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    // data:TYPE;base64,…
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
