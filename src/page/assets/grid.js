// Places panels as the dashboard's JSON says: 24 columns, rows that fold; on a narrow screen one below the other.

import { element, freshId } from "loadgate/dom.js";
import { interpolateText } from "loadgate/interpolate.js";
import { Panel } from "loadgate/panel.js";

/** Panels up to this width stand side by side on a phone. */
const HALF_COLUMNS = 6;

/** @returns {{panels: Panel[], nodes: HTMLElement[], retitle(): void}} */
export function grid(list, dashboard) {
  const made = sections(list).map((section) => sectionView(section, dashboard));
  return { panels: made.flatMap(({ panels }) => panels), nodes: made.map(({ node }) => node), retitle: () => made.forEach((one) => one.retitle()) };
}

/** A row owns what follows it up to the next one, or what it holds while it is collapsed. */
export function sections(list) {
  const ordered = [...list].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
  const all = [{ row: null, panels: [] }];
  for (const panel of ordered) {
    if (panel.type === "row") all.push({ row: panel, panels: [...(panel.panels ?? [])] });
    else all[all.length - 1].panels.push(panel);
  }
  return all.filter(({ row, panels }) => row || panels.length);
}

function sectionView({ row, panels: list }, dashboard) {
  const top = list.reduce((least, panel) => Math.min(least, panel.gridPos.y), Infinity);
  const panels = list.map((panel) => new Panel(panel, dashboard));
  panels.forEach(({ element: made }, index) => place(made, list[index].gridPos, top));
  const body = element("div", { className: "dashboard-grid", id: freshId("row") }, ...panels.map((panel) => panel.element));
  if (!row) return { panels, node: body, retitle() {} };
  const head = rowHead(row, body, dashboard);
  return { panels, node: element("section", { className: "dashboard-row" }, head.element, body), retitle: head.retitle };
}

function place(made, { x, y, w, h }, top) {
  made.style.setProperty("--column", `${x + 1} / span ${w}`);
  made.style.setProperty("--row", `${y - top + 1} / span ${h}`);
  made.style.setProperty("--rows", String(h));
  made.classList.toggle("panel-half", w <= HALF_COLUMNS);
}

function rowHead(row, body, dashboard) {
  const button = element("button", { type: "button", className: "row-fold", "aria-controls": body.id });
  const fold = (isFolded) => {
    body.hidden = isFolded;
    button.setAttribute("aria-expanded", String(!isFolded));
  };
  button.addEventListener("click", () => fold(!body.hidden));
  const retitle = () => { button.textContent = interpolateText(row.title, dashboard.scope({})); };
  fold(Boolean(row.collapsed));
  retitle();
  return { element: element("h2", { className: "row-head" }, button), retitle };
}
