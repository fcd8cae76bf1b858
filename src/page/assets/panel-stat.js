// The panel of one number, or of one for each series: large, coloured, perhaps with the line of its course below.

import { element, svg } from "loadgate/dom.js";
import { display } from "loadgate/field.js";
import { reducedFields } from "loadgate/reduced.js";

/** A course is drawn no larger than this share of its values would be. */
const LEAST_SPAN = 0.1;

export function stat(body, panel) {
  const { colorMode = "value", graphMode = "area", textMode = "auto", orientation } = panel.options ?? {};
  body.classList.toggle("stats-wide", orientation === "horizontal");

  function tile(field, isAlone) {
    const { text, suffix, color } = textMode === "name" ? named(field) : display(field.value, field.config);
    const shows = {
      name: textMode === "value_and_name" || (textMode === "auto" && !isAlone),
      value: textMode !== "none",
    };
    const figures = element("div", { className: "stat-figures" });
    if (shows.name) figures.append(element("span", { className: "stat-name" }, field.name));
    if (shows.value) {
      const number = element("span", { className: "stat-value" }, text);
      if (suffix) number.append(element("span", { className: "stat-unit" }, suffix));
      number.style.setProperty("--length", String(Math.min(Math.max(text.length + suffix.length * 0.6, 3), 40)));
      figures.append(number);
    }
    const made = element("div", { className: `stat stat-by-${colorMode}`, title: field.name }, figures);
    if (color) made.style.setProperty("--stat", color);
    // Below the number, which is to be read.
    if (graphMode === "area" && field.points.length > 1) made.append(sparkline(field.points));
    return made;
  }

  return {
    render(data) {
      const { fields, leftOut } = reducedFields(panel, data);
      body.replaceChildren(...fields.map((field) => tile(field, fields.length === 1)));
      return leftOut;
    },
  };
}

/** The series' name in place of its value, in the value's colour. */
function named({ name, value, config }) {
  const shown = display(value, config);
  return value === null ? shown : { text: name, suffix: "", color: shown.color };
}

/** Stretched to its place: only the course is to be seen, so it is hidden from those who hear the page. */
function sparkline(points) {
  const values = points.map(([, value]) => value).filter(Number.isFinite);
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  // what hardly changes is to look like it
  const span = Math.max(high - low, Math.abs(high) * LEAST_SPAN) || 1;
  const bottom = (high + low - span) / 2;
  const first = points[0][0];
  const width = points[points.length - 1][0] - first || 1;
  const line = points.filter(([, value]) => Number.isFinite(value)).map(([time, value]) => {
    const y = 100 - ((value - bottom) / span) * 100;
    return `${(((time - first) / width) * 100).toFixed(2)},${y.toFixed(1)}`;
  });
  return svg("svg", { class: "stat-line", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("polygon", { points: `0,110 ${line.join(" ")} 100,110` }),
    svg("polyline", { points: line.join(" "), "vector-effect": "non-scaling-stroke" }));
}
