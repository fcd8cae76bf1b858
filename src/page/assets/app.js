// The page: its shell, and which view stands in it.

import { Api } from "loadgate/api.js";
import { element } from "loadgate/elements.js";
import { Router } from "loadgate/router.js";
import { Shell } from "loadgate/shell.js";
import { askToken } from "loadgate/token.js";

const ROUTES = [
  ["/", () => import("loadgate/runs.js").then(({ RunsView }) => RunsView)],
  ["/start", () => import("loadgate/start.js").then(({ StartView }) => StartView)],
  ["/runs/:id", () => import("loadgate/run.js").then(({ RunView }) => RunView)],
  ["/compare", () => import("loadgate/compare.js").then(({ CompareView }) => CompareView)],
  ["/dashboards", () => import("loadgate/dashboards.js").then(({ DashboardsView }) => DashboardsView)],
  ["/dashboards/:uid", () => import("loadgate/dashboards.js").then(({ DashboardsView }) => DashboardsView)],
  ["/runbooks/:name", () => import("loadgate/runbook.js").then(({ RunbookView }) => RunbookView)],
  ["/alerts", () => import("loadgate/alerts.js").then(({ AlertsView }) => AlertsView)],
];

const main = document.getElementById("page");
const api = new Api({ askToken });
const shell = new Shell(api, main);
let shown = { path: null, view: null, visit: 0 };

new Router(ROUTES, show).start();

/**
 * A view has an `element`, a `name` for `main[data-view]`, and perhaps `query(query)` for another query of the same place
 * and `end()`.
 */
async function show(place, load) {
  if (shown.path === place.path && shown.view?.query) return shown.view.query(place.query);
  const visit = shown.visit + 1;
  shown.view?.end?.();
  shown = { path: place.path, view: null, visit };
  const View = load ? await load() : null;
  // Somebody was faster.
  if (shown.visit !== visit) return;
  const view = View ? new View({ api, place, setTitle: (title) => shell.title(visit === shown.visit, title) }) : nowhere();
  shown.view = view;
  shell.place(place.path);
  main.dataset.view = view.name;
  main.replaceChildren(view.element);
  // Whoever uses a screen reader or the keyboard is at the new view's beginning; not when the page opens.
  if (visit > 1) main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function nowhere() {
  shell.title(true, "Nothing here");
  return {
    name: "nowhere",
    element: element("section", {}, element("h1", {}, "There is nothing here"), element("p", {}, element("a", { href: "#/" }, "To the runs"))),
  };
}
