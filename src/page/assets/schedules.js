// When the daemon starts runs by itself.

import { Children, element, say, show } from "loadgate/elements.js";
import { when } from "loadgate/format.js";
import { Poll } from "loadgate/poll.js";
import { address } from "loadgate/router.js";

const EVERY_SECONDS = 60;
const HEADS = ["Next", "Schedule", "Plan", "Profile", "When"];

export class Schedules {
  #body = element("tbody");
  #rows = new Children(this.#body, row);
  element = element("section", { "aria-labelledby": "schedules", hidden: true }, element("h2", { id: "schedules" }, "Scheduled"),
    element("div.scrolls", { tabindex: "0", role: "region", "aria-label": "Schedules" }, element("table", {},
      element("thead", {}, element("tr", {}, ...HEADS.map((text) => element("th", { scope: "col" }, text)))), this.#body)));
  #poll;

  constructor(api) {
    this.#poll = new Poll(async (signal) => {
      try {
        const { schedules } = await api.get("/api/v1/schedules", { signal });
        show(this.element, schedules.length > 0);
        // What is due first stands first; one that is never due again stands last.
        const due = ({ next_at: next }) => (next ? Date.parse(next) : Infinity);
        this.#rows.update([...schedules].sort((a, b) => due(a) - due(b)).map((schedule) => [schedule.name, schedule]));
      } catch {
        // What was there stays until it is known again.
      }
    }, () => EVERY_SECONDS);
    this.#poll.now();
  }

  end() {
    this.#poll.end();
  }
}

function row(schedule) {
  const next = element("time");
  const [plan, profile, cron] = [element("a"), element("td"), element("td")];
  return {
    element: element("tr", {}, element("td", {}, next), element("th", { scope: "row" }, schedule.name), element("td", {}, plan), profile, cron),
    update: ({ plan: name, profile: chosen, cron: text, timezone, next_at: at }) => {
      if (at) next.dateTime = at;
      say(next, at ? when(at) : "never again");
      plan.href = address("/", { test: name });
      say(plan, name);
      say(profile, chosen ?? "–");
      say(cron, `${text} (${timezone})`);
    },
  };
}
