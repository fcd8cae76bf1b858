// A plan that the daemon does not have: a file of whoever looks, or pasted; with what it names, and values for its variables.

import { element, say } from "loadgate/elements.js";

const IS_YAML = /\.ya?ml$/i;
/** Rule files are YAML, too. */
const IS_PLAN = /^scenarios\s*:/m;
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

  /** Of what was chosen, the YAML file with scenarios is the plan, and can be changed here before it is sent. */
  async #take() {
    const files = await Promise.all([...this.#choose.files].map(async (file) => ({ file, text: IS_YAML.test(file.name) ? await file.text() : "" })));
    const plan = files.find(({ text }) => IS_PLAN.test(text)) ?? files.find(({ file }) => IS_YAML.test(file.name));
    const others = files.filter((one) => one !== plan).map(({ file }) => file);
    this.#others = new Map(await Promise.all(others.map(async (file) => [file.name, { base64: await base64(file) }])));
    this.#name = plan?.file.name ?? UNNAMED;
    if (plan) this.#text.value = plan.text;
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
