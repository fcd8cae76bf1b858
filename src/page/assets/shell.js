// What stands around every view: the name, where one can go, and whether the daemon is there.

import { element, say, show } from "loadgate/elements.js";

const PLACES = [
  ["#/", "Runs", (path) => path === "/" || path.startsWith("/runs") || path === "/start" || path === "/compare"],
  ["#/dashboards", "Dashboards", (path) => path.startsWith("/dashboards")],
  ["#/alerts", "Alerts", (path) => path === "/alerts" || path.startsWith("/runbooks")],
];

export class Shell {
  #api;
  #links;
  #state = element("span.daemon-state", { role: "status" });
  #version = element("span.muted");
  #lost = element("p.lost", { role: "alert", hidden: true });

  constructor(api, main) {
    this.#api = api;
    this.#links = PLACES.map(([href, text, isHere]) => ({ isHere, link: element("a", { href }, text) }));
    const toContent = () => main.focus();
    const nav = element("nav", { "aria-label": "Views" }, element("ul", {}, ...this.#links.map(({ link }) => element("li", {}, link))));
    const header = element("header.shell", {},
      element("a.brand", { href: "#/" }, "loadgate"), nav,
      element("p.daemon", {}, this.#version, " ", this.#state,
        element("button.plain", { type: "button", onclick: () => api.changeToken() }, "Token")));
    document.body.prepend(element("button.skip", { type: "button", onclick: toContent }, "To the content"), header, this.#lost);
    api.addEventListener("connection", () => this.#connection());
    this.#connection();
    this.#ask();
  }

  /** Where we are. */
  place(path) {
    for (const { isHere, link } of this.#links) {
      if (isHere(path)) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  title(isShown, title) {
    if (isShown) document.title = title ? `${title} · loadgate` : "loadgate";
  }

  #connection() {
    const { isLost } = this.#api;
    say(this.#state, isLost ? "✗ not connected" : "✓ connected");
    this.#state.dataset.tone = isLost ? "bad" : "ok";
    show(this.#lost, isLost);
    say(this.#lost, isLost ? "The daemon cannot be reached: what is shown may be old. It is looked for every 2 seconds; is `loadgate serve` running?" : "");
    if (!isLost && this.#version.textContent === "") this.#ask();
  }

  async #ask() {
    try {
      const { data } = await this.#api.get("/api/v1/status/buildinfo");
      // The version itself is Prometheus', for clients that go by it.
      say(this.#version, data.revision);
    } catch {
      // It is asked again when the daemon is found.
    }
  }
}
