// What to do about an alert: one of the runbooks that the daemon has.

import { element } from "loadgate/elements.js";
import { markdown } from "loadgate/markdown.js";
import { placeOf } from "loadgate/runbook-link.js";

/** As runbooks name each other. */
const BESIDE = /^(\w+)\.md(?:#.*)?$/;

export class RunbookView {
  name = "runbook";
  #ended = new AbortController();
  #article = element("article.runbook", {}, element("p.muted", {}, "Reading …"));
  element = element("div", {}, element("nav.crumbs", { "aria-label": "Where this is" }, element("a", { href: "#/alerts" }, "Alerts"), " / runbook"), this.#article);

  constructor({ api, place, setTitle }) {
    setTitle(place.parameters.name);
    this.#load(api, place.parameters.name);
  }

  end() {
    this.#ended.abort();
  }

  async #load(api, name) {
    const { signal } = this.#ended;
    try {
      const text = await api.text(`/page/runbooks/${encodeURIComponent(name)}`, { signal });
      this.#article.replaceChildren(markdown(text, { top: 1, lead }));
    } catch (error) {
      if (signal.aborted) return;
      const why = error.status === 404 ? "It is none of those that came with this daemon: look beside the rule file that names it." : error.message;
      this.#article.replaceChildren(element("h1", {}, name), element("p.problem", { role: "alert" }, why));
    }
  }
}

/** What else they link to is not here. */
function lead(address) {
  const [, name] = BESIDE.exec(address) ?? [];
  if (name) return placeOf(name);
  return /^https?:/i.test(address) ? address : null;
}
