// The verdict of a run, large, with the reason in words. A run under way shows how it stands so far.

import { element, say, show } from "loadgate/elements.js";
import { counted, describe } from "loadgate/gates.js";
import { hasEnded, standing } from "loadgate/state.js";

const SHOWN_REASONS = 5;

/** Why the verdict is what it is, the most important first. */
export function reasons(run, summary) {
  const gates = summary?.gates ?? [];
  const { failed, inconclusive, held } = counted(gates);
  if (!hasEnded(run)) return failed.length > 0 ? failed.map((gate) => `${inWords(gate)}, so far`) : [];
  const doubts = summary?.doubts ?? [];
  switch (run.verdict) {
    case "passed":
      return [gates.length > 0 ? `${held.length} of ${gates.length} gates held, none failed` : "nothing was judged"];
    case "failed":
      return failed.map(inWords);
    case "inconclusive":
      return [...doubts, ...inconclusive.map(inWords)];
    default:
      return [run.ended_by ?? "", ...failed.map(inWords)].filter((text) => text !== "");
  }
}

function inWords(gate) {
  const { name, demand } = describe(gate);
  const what = gate.kind === "alert" ? `alert ${name}` : gate.threshold ? `${name} ${demand}` : name;
  return gate.message ? `${what}: ${shortened(gate.message)}` : what;
}

/** With as many digits as the table of gates has. */
function shortened(message) {
  return message.replace(/\b\d+\.\d{4,}\b/g, (number) => String(Number(Number(number).toPrecision(4))));
}

export class Verdict {
  #word = element("span.verdict-word");
  #exit = element("span.verdict-exit.muted");
  #reasons = element("ul.verdict-reasons");
  /** For those who listen: changes of the state, and the reasons once they are known, but not each value on the way. */
  #spoken = element("p.visually-hidden", { role: "status" });
  element = element("div.verdict", {}, element("p", {}, this.#word, " ", this.#exit), this.#reasons, this.#spoken);

  /** @param {object} run as the API has it @param {object | null} summary what is known of it by now */
  update(run, summary) {
    const { sign, word, tone } = standing(run);
    this.element.dataset.tone = tone;
    say(this.#word, `${sign} ${word}`);
    const hasCode = run.exit_code !== null && run.exit_code !== undefined;
    say(this.#exit, hasCode ? `exit code ${run.exit_code}` : "");
    show(this.#exit, hasCode);
    const why = reasons(run, summary);
    this.#show(why);
    say(this.#spoken, [`${run.test}: ${word}`, ...(hasEnded(run) ? why : [])].join(". "));
  }

  #show(texts) {
    const shown = texts.slice(0, SHOWN_REASONS);
    if (texts.length > SHOWN_REASONS) shown.push(`and ${texts.length - SHOWN_REASONS} more: see the gates`);
    const now = [...this.#reasons.children].map((item) => item.textContent);
    if (now.length === shown.length && now.every((text, at) => text === shown[at])) return;
    this.#reasons.replaceChildren(...shown.map((text) => element("li", {}, text)));
  }
}
