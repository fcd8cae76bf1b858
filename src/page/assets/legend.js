// The series of a chart by name, with what they come to: also what those read who do not see the curves.

import { aside, element, short } from "loadgate/dom.js";
import { display } from "loadgate/field.js";
import { calcName, reduce } from "loadgate/reduce.js";

/**
 * @param {object} options Grafana's `legend`
 * @param {(name: string, isAdded: boolean) => void} onPick a series was chosen; `isAdded`: with Ctrl, Cmd or Shift
 */
export function legend(options = {}, onPick) {
  const { displayMode = "list", showLegend = true, placement = "bottom", calcs = [] } = options;
  const isShown = showLegend && displayMode !== "hidden";
  const isTable = displayMode === "table" || !isShown;
  const columns = isShown || calcs.length ? calcs : ["lastNotNull"];
  const place = element("div", { className: `legend legend-${isTable ? "table" : "list"} legend-${placement}` });
  const hidden = aside();
  let shape = "";
  let values = [];

  /** Made anew only when there are other series: what is pressed or has the focus stays. */
  function render(series) {
    const now = JSON.stringify(series.map(({ name, color, isShown }) => [name, color, isShown]));
    if (now === shape) return values.forEach((fill, index) => fill(series[Math.floor(index / columns.length)]));
    shape = now;
    values = [];
    build(series);
  }

  /** A place for what a series comes to, which is written again with each answer. */
  function figure(tag, one, calc, before = "") {
    const made = element(tag, {});
    const fill = (series) => { made.textContent = before + text(series, calc); };
    fill(one);
    values.push(fill);
    return made;
  }

  function build(series) {
    const name = document.activeElement?.dataset?.series;
    const hadFocus = place.contains(document.activeElement);
    if (!isShown) return hidden.replaceChildren(table(series, (one) => one.name));
    place.replaceChildren(isTable ? table(series, button) : list(series));
    if (hadFocus) [...place.querySelectorAll("button")].find((one) => one.dataset.series === name)?.focus();
  }

  function button({ name, color, isShown }) {
    const swatch = element("i", { className: "swatch" });
    swatch.style.setProperty("--swatch", color);
    const made = element("button", {
      type: "button", className: "legend-name", title: short(name), "aria-pressed": String(isShown),
    }, swatch, short(name));
    made.dataset.series = name;
    made.addEventListener("click", (event) => onPick(name, event.ctrlKey || event.metaKey || event.shiftKey));
    return made;
  }

  function list(series) {
    return element("ul", {}, ...series.map((one) => {
      return element("li", {}, button(one), ...columns.map((calc) => figure("span", one, calc, `${calcName(calc)}: `)));
    }));
  }

  function table(series, first) {
    const names = ["Name", ...columns.map(calcName)];
    const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)));
    const rows = series.map((one) => element("tr", {}, element("th", { scope: "row" }, first(one)),
      ...columns.map((calc) => figure("td", one, calc))));
    return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  }

  return { element: isShown ? place : hidden, isRight: isShown && placement === "right", render };
}

function text({ values, config }, calc) {
  const value = reduce(values, calc);
  if (value === null) return "–";
  const { text: number, suffix } = display(value, calc === "count" ? { decimals: 0 } : config);
  return number + suffix;
}
