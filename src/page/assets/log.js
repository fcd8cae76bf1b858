// A run's log: its newest lines, followed and filtered. What is kept here is bounded; the whole is one click away.

import { element, say, show } from "loadgate/elements.js";
import { count, counted } from "loadgate/format.js";

/** So many lines are held, and of those that match so many are shown. */
const HELD = 10_000;
const SHOWN = 2_000;

export class Log {
  #lines = [];
  #dropped = 0;
  #rest = [];
  #frame = 0;
  #text = element("pre.log-lines", { tabindex: "0", "aria-label": "Lines of the log" });
  #count = element("span.muted");
  #empty = element("p.muted", {}, "Nothing was logged yet.");
  #filter = element("input", { type: "search", placeholder: "only lines with …", "aria-label": "Only lines with this text", oninput: () => this.#redraw() });
  #follow = element("input", { type: "checkbox", checked: true, onchange: () => this.#toEnd() });

  /** @param {{download?: () => void}} actions */
  constructor({ download } = {}) {
    this.element = element("div.log", {},
      element("div.log-bar", {}, this.#filter,
        element("label.inline", {}, this.#follow, " follow"),
        download ? element("button", { type: "button", onclick: download }, "Download") : null,
        this.#count),
      this.#empty, this.#text);
    this.#text.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#redraw();
  }

  /** A text of many lines, in place of what is there. */
  set(text) {
    this.#lines = [];
    this.#dropped = 0;
    this.append(text.split("\n").filter((line) => line !== ""));
  }

  /** @param {string[]} lines */
  append(lines) {
    for (const line of lines) this.#lines.push(line);
    if (this.#lines.length > HELD) {
      this.#dropped += this.#lines.length - HELD;
      this.#lines = this.#lines.slice(-HELD);
    }
    this.#rest.push(...lines.slice(-SHOWN));
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  get length() {
    return this.#lines.length + this.#dropped;
  }

  #matches() {
    const wanted = this.#filter.value.toLowerCase();
    return (line) => wanted === "" || line.toLowerCase().includes(wanted);
  }

  #redraw() {
    cancelAnimationFrame(this.#frame);
    this.#rest = this.#lines.filter(this.#matches()).slice(-SHOWN);
    this.#text.replaceChildren();
    this.#draw();
  }

  /** Adds what has come since the last frame. */
  #draw() {
    this.#frame = 0;
    const lines = this.#rest.filter(this.#matches()).slice(-SHOWN);
    this.#rest = [];
    const tooMany = this.#text.childElementCount + lines.length - SHOWN;
    for (let left = tooMany; left > 0 && this.#text.firstChild; left -= 1) this.#text.firstChild.remove();
    this.#text.append(...lines.map(lineOf));
    const total = this.length;
    show(this.#empty, total === 0);
    show(this.#text, total > 0);
    const shown = this.#text.childElementCount;
    say(this.#count, shown === total ? counted(total, "line") : `${count(shown)} of ${counted(total, "line")}`);
    this.#toEnd();
  }

  #toEnd() {
    if (this.#follow.checked) this.#text.scrollTop = this.#text.scrollHeight;
  }

  /** Whoever scrolls up wants to read; whoever scrolls to the end wants to follow. */
  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#text;
    this.#follow.checked = scrollHeight - scrollTop - clientHeight < 24;
  }
}

function lineOf(line) {
  const level = /\b(ERROR|WARN)\b/.exec(line.slice(0, 80))?.[1];
  return element(level ? `span.log-${level.toLowerCase()}` : "span", {}, `${line}\n`);
}
