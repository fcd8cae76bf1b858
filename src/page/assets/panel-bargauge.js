// The panel of bars: one for each series, as long as its value.

import { breakable, element, short } from "loadgate/dom.js";
import { display, share } from "loadgate/field.js";
import { reducedFields } from "loadgate/reduced.js";

export function barGauge(body, panel) {
  const { showUnfilled = true } = panel.options ?? {};
  return {
    render(data) {
      const { fields, leftOut } = reducedFields(panel, data);
      const numbers = fields.map(({ value }) => value).filter(Number.isFinite);
      const limits = { min: Math.min(0, ...numbers), max: Math.max(0, ...numbers) };
      body.replaceChildren(...fields.map((field) => bar(field, limits, showUnfilled)));
      return leftOut;
    },
  };
}

/** Without `min` and `max` of its own it is compared with the others. */
function bar({ name, value, config }, limits, showUnfilled) {
  const ends = { min: config.min ?? limits.min, max: config.max ?? limits.max };
  const { text, suffix, color } = display(value, { ...config, ...ends });
  const fill = element("span", { className: "bar-fill" });
  fill.style.width = `${(share(value, ends) * 100).toFixed(2)}%`;
  const track = element("span", { className: showUnfilled ? "bar-track" : "bar-track bar-bare" }, fill);
  const made = element("div", {
    className: "bar", role: "meter", "aria-label": short(name || "value"), "aria-valuemin": ends.min, "aria-valuemax": ends.max,
    "aria-valuenow": value ?? undefined, "aria-valuetext": text + suffix,
  }, element("span", { className: "bar-name", title: short(name) }, ...breakable(short(name))), track, element("b", { className: "bar-value" }, text + suffix));
  if (color) made.style.setProperty("--bar", color);
  return made;
}
