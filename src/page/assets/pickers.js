// The controls with which variables are chosen: a list for one value, boxes that unfold for several.

import { element, short } from "loadgate/dom.js";
import { ALL } from "loadgate/variables.js";

/** @param {import("loadgate/variables.js").Variables} variables */
export function pickers(variables) {
  const made = element("div", { className: "dashboard-pickers" });
  const unfolded = () => made.querySelector("details[open]");
  const one = ({ name, label, offered, chosen }) => {
    const options = offered.map(({ value, text }) => element("option", { value, selected: value === chosen[0] }, text));
    const select = element("select", { "data-picker": name }, ...options);
    select.addEventListener("change", () => variables.choose(name, [select.value]));
    return element("label", { className: "picker" }, element("span", {}, label), select);
  };
  const several = ({ name, label, offered, chosen }) => {
    const boxes = offered.map(({ value, text }) => {
      const box = element("input", { type: "checkbox", value, checked: chosen.includes(value), "data-picker": name });
      box.addEventListener("change", () => variables.choose(name, toggled(chosen, value, box.checked)));
      return element("label", {}, box, text);
    });
    const text = chosen.includes(ALL) ? "All" : chosen.map(short).join(" + ") || "none";
    const summary = element("summary", {}, element("span", {}, label), element("b", {}, text));
    const fieldset = element("fieldset", {}, element("legend", { className: "aside" }, label), ...boxes);
    return element("details", { className: "picker", "data-picker": name }, summary, fieldset);
  };

  made.addEventListener("keydown", (event) => {
    const details = unfolded();
    if (event.key !== "Escape" || !details) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
  made.addEventListener("focusout", ({ relatedTarget }) => {
    const details = unfolded();
    if (details && relatedTarget && !details.contains(relatedTarget)) details.open = false;
  });

  /** What is unfolded stays so, and the focus where it is. */
  function show() {
    const open = unfolded()?.dataset.picker;
    const { value, dataset } = made.contains(document.activeElement) ? document.activeElement : {};
    made.replaceChildren(...variables.open.map((each) => (each.isMulti ? several(each) : one(each))));
    for (const details of made.querySelectorAll("details")) details.open = details.dataset.picker === open;
    const focused = [...made.querySelectorAll("input, select")]
      .find((control) => control.dataset.picker === dataset?.picker && (control.type !== "checkbox" || control.value === value));
    focused?.focus();
  }

  const isUsed = () => made.contains(document.activeElement);
  const close = (target) => {
    const details = unfolded();
    if (details && !details.contains(target)) details.open = false;
  };
  return { element: made, show, isUsed, close };
}

/** All excludes the others, and nothing means all. */
function toggled(chosen, value, isOn) {
  if (value === ALL) return [ALL];
  const others = chosen.filter((one) => one !== ALL && one !== value);
  const now = isOn ? [...others, value] : others;
  return now.length ? now : [ALL];
}
