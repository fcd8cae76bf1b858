// Dashboards: as tabs below a run, and as a view of what is live.

import { mountDashboard } from "loadgate/dashboard.js";
import { element, say, show } from "loadgate/elements.js";
import { replaceQuery } from "loadgate/router.js";
import { LiveSource } from "loadgate/source.js";

const LIVE_WINDOW_SECONDS = 15 * 60;
/** It knows nothing of a single run. */
const OF_MANY_RUNS = "loadgate-runs";

/** The dashboards that the daemon has, by their uids. */
async function shipped(api) {
  const uids = await api.get("/page/dashboards");
  return Promise.all(uids.map((uid) => api.get(`/page/dashboards/${encodeURIComponent(uid)}`)));
}

/** Tabs (https://www.w3.org/WAI/ARIA/apg/patterns/tabs/), of which one is mounted. */
export class DashboardTabs {
  #options;
  #dashboards = [];
  #mounted = null;
  #uid;
  #isOver = false;
  #list = element("div.tabs", { role: "tablist", "aria-label": "Dashboards" });
  #panel = element("div.tab-panel", { role: "tabpanel", id: "dashboard" });
  #problem = element("p.problem", { role: "alert", hidden: true });
  element = element("div", {}, this.#list, this.#problem, this.#panel);

  /**
   * @param {{api, uid: string | null, choose: (uid: string) => void, variables: object, key: string, source: () => object,
   *   range: object | null, refresh: number, initial?: object, onVariables?: Function, all?: boolean}} options a change of
   *   `key` is another source; without a range each dashboard shows its own
   */
  constructor(options) {
    this.#options = options;
    this.#uid = options.uid;
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    this.#load();
  }

  /** The one with this uid; the first if there is none. */
  choose(uid) {
    const wanted = this.#dashboards.find((dashboard) => dashboard.uid === uid) ?? this.#dashboards[0];
    if (!wanted || (this.#mounted && wanted.uid === this.#uid)) return;
    this.#uid = wanted.uid;
    for (const tab of this.#list.children) {
      const isChosen = tab.dataset.uid === wanted.uid;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      if (isChosen) this.#panel.setAttribute("aria-labelledby", tab.id);
    }
    this.#mount(wanted);
  }

  /** Where its data come from now, and of which time. */
  update({ key, source, range, refresh }) {
    if (key === this.#options.key) return;
    Object.assign(this.#options, { key, source, range, refresh });
    const shown = this.#dashboards.find((dashboard) => dashboard.uid === this.#uid);
    if (shown) this.#mount(shown);
  }

  end() {
    this.#isOver = true;
    this.#mounted?.destroy();
    this.#mounted = null;
  }

  async #load() {
    const { api, uid, all } = this.#options;
    try {
      this.#dashboards = (await shipped(api)).filter((dashboard) => all || dashboard.uid !== OF_MANY_RUNS);
    } catch (error) {
      say(this.#problem, error.message);
      show(this.#problem, true);
      if (error.passes) api.addEventListener("connection", () => this.#isOver || this.#load(), { once: true });
      return;
    }
    if (this.#isOver) return;
    show(this.#problem, this.#dashboards.length === 0);
    say(this.#problem, "This daemon has no dashboards.");
    this.#list.replaceChildren(...this.#dashboards.map(({ uid, title }) => element("button", {
      type: "button", role: "tab", id: `tab-${uid}`, "data-uid": uid, "aria-controls": "dashboard", "aria-selected": "false",
      onclick: () => this.#chosen(uid),
    }, title.replace(/^loadgate \/ /, ""))));
    this.choose(uid);
  }

  #chosen(uid) {
    this.choose(uid);
    this.#options.choose(uid);
  }

  #key(event) {
    const tabs = [...this.#list.children];
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const tab = tabs[(to + tabs.length) % tabs.length];
    tab.focus();
    this.#chosen(tab.dataset.uid);
  }

  #mount(dashboard) {
    this.#mounted?.destroy();
    const { source, variables, initial, range, refresh, onVariables } = this.#options;
    this.#panel.replaceChildren();
    this.#mounted = mountDashboard(this.#panel, {
      dashboard, source: source(), variables, initial, range: range ?? ownRange(dashboard), refresh, onVariables,
    });
  }
}

/** What is live, with pickers for which of it; what is picked stands in the address. */
export class DashboardsView {
  name = "dashboard";
  #tabs;
  #path;

  constructor({ api, place, setTitle }) {
    this.#path = place.path;
    this.#tabs = new DashboardTabs({
      api, all: true, uid: place.parameters.uid ?? null, variables: {}, key: "live", initial: picked(place.query),
      choose: (uid) => {
        this.#path = `/dashboards/${uid}`;
        replaceQuery(this.#path);
      },
      onVariables: (values) => replaceQuery(this.#path, Object.fromEntries(Object.entries(values).map(([name, value]) => [PICKED + name, value]))),
      source: () => new LiveSource(api), range: null, refresh: 5,
    });
    this.element = element("div", {}, element("h1", {}, "Dashboards"), this.#tabs.element);
    setTitle("Dashboards");
  }

  end() {
    this.#tabs.end();
  }
}

/** As in Grafana's addresses. */
const PICKED = "var-";

function picked(query) {
  const names = [...query.keys()].filter((name) => name.startsWith(PICKED));
  return Object.fromEntries(names.map((name) => [name.slice(PICKED.length), query.getAll(name)]));
}

/** The time that a dashboard shows by itself: the last minutes. */
function ownRange(dashboard) {
  const [, number, unit] = /^now-(\d+)([smhd])$/.exec(dashboard.time?.from ?? "") ?? [];
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }[unit];
  return { window: seconds ? Number(number) * seconds : LIVE_WINDOW_SECONDS, live: true };
}
