// A dashboard's variables: their possible values, and which of them are chosen.

import { short } from "loadgate/dom.js";
import { interpolateExpr } from "loadgate/interpolate.js";
import { compare } from "loadgate/transform.js";

/** Stands for all values, as in Grafana. */
export const ALL = "$__all";
const LABEL_VALUES = /^label_values\(\s*(?:(.+),\s*)?([a-zA-Z_]\w*)\s*\)$/s;
/** Options that are offered: a picker with more is of no use. */
const MOST_OPTIONS = 500;

export class Variables {
  #list;
  #source;
  #fixed;
  #isRecorded;
  #onChange;
  #options = new Map();
  #chosen = new Map();

  constructor(list, { source, fixed, initial, isRecorded, onChange }) {
    this.#list = list;
    this.#source = source;
    this.#isRecorded = isRecorded;
    this.#onChange = onChange;
    this.#fixed = new Map();
    this.fix(fixed);
    for (const [name, values] of Object.entries(initial)) this.#chosen.set(name, [values].flat());
  }

  /** What these stand for is not to be picked. */
  fix(values) {
    for (const [name, value] of Object.entries(values)) this.#fixed.set(name, [value].flat());
  }

  /** @returns {Record<string, import("loadgate/interpolate.js").VariableValue>} */
  get values() {
    const all = {};
    for (const [name, values] of this.#fixed) all[name] = this.#value(this.#named(name), values);
    for (const variable of this.#list) {
      if (!Object.hasOwn(all, variable.name)) all[variable.name] = this.#value(variable, this.#choice(variable));
    }
    return all;
  }

  /** What was picked, by name, for an address. */
  get picked() {
    return Object.fromEntries(this.#chosen);
  }

  /**
   * Asks for the possible values of all at once. One's may hang on what another one stands for: where that turns out to be
   * something else, it is asked again.
   */
  async load({ from, to }, signal) {
    if (this.#isRecorded) return;
    const asked = new Map();
    for (const _round of this.#list) {
      const due = this.#questions().filter(({ variable, match }) => !asked.has(variable) || asked.get(variable) !== match);
      if (due.length === 0) return;
      await Promise.all(due.map(async ({ variable, match, label }) => {
        asked.set(variable, match);
        const found = await this.#source.labelValues(match, label, { start: from, end: to, signal });
        this.#options.set(variable.name, arranged(found, variable).slice(0, MOST_OPTIONS));
      }));
    }
  }

  /** Whether what all of them stand for is known without asking: All, or what is fixed. */
  get areKnown() {
    return this.#isRecorded || this.#list.filter((variable) => this.#isOpen(variable)).every((variable) => (
      !this.#chosen.has(variable.name) && this.#choice(variable)[0] === ALL
    ));
  }

  #questions() {
    const scope = { variables: this.values, builtin: {} };
    return this.#list.filter((variable) => this.#isOpen(variable)).flatMap((variable) => {
      const [, selector, label] = LABEL_VALUES.exec(queryOf(variable)) ?? [];
      return label ? [{ variable, label, match: selector && interpolateExpr(selector, scope) }] : [];
    });
  }

  /**
   * What is to be picked.
   * @returns {{name: string, label: string, isMulti: boolean, offered: {value: string, text: string}[], chosen: string[]}[]}
   */
  get open() {
    if (this.#isRecorded) return [];
    return this.#list.filter((variable) => this.#isOpen(variable) && variable.hide !== 2).map((variable) => ({
      name: variable.name,
      label: variable.label || variable.name,
      isMulti: Boolean(variable.multi),
      offered: this.#offered(variable),
      chosen: this.#choice(variable),
    }));
  }

  choose(name, values) {
    this.#chosen.set(name, values);
    this.#onChange();
  }

  #named(name) {
    return this.#list.find((variable) => variable.name === name) ?? { name };
  }

  #isOpen(variable) {
    return variable.type === "query" && !this.#fixed.has(variable.name);
  }

  #value(variable, values) {
    return values.includes(ALL) ? { all: variable.allValue || ".*" } : { values };
  }

  /** What was chosen, as far as it is still there; else what the dashboard begins with; else the first. */
  #choice(variable) {
    const options = this.#options.get(variable.name) ?? [];
    const chosen = this.#chosen.get(variable.name);
    if (chosen?.length && (chosen.includes(ALL) || !options.length || chosen.some((one) => options.includes(one)))) return chosen;
    if (variable.includeAll && (!beginsWith(variable) || beginsWith(variable) === ALL)) return [ALL];
    const first = options.includes(beginsWith(variable)) ? beginsWith(variable) : options[0];
    return first === undefined ? [] : [first];
  }

  #offered(variable) {
    const options = (this.#options.get(variable.name) ?? []).map((value) => ({ value, text: short(value) }));
    return variable.includeAll ? [{ value: ALL, text: "All" }, ...options] : options;
  }
}

function beginsWith({ current }) {
  return [current?.value].flat()[0];
}

function queryOf({ query, definition }) {
  return (typeof query === "string" ? query : query?.query) ?? definition ?? "";
}

/** Grafana's `regex` and `sort`: 1 and 2 by name, 3 and 4 by number, even ones descending. */
function arranged(values, { regex, sort = 0 }) {
  const [, pattern] = /^\/(.*)\/$/s.exec(regex ?? "") ?? [];
  const kept = pattern ? values.filter((value) => new RegExp(pattern).test(value)) : values;
  if (!sort) return kept;
  const ordered = [...kept].sort(compare);
  return sort % 2 === 0 ? ordered.reverse() : ordered;
}
