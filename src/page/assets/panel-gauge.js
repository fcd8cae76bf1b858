// The panel of dials: where a value lies between least and most, and what the thresholds say of it.

import { element, short, svg } from "loadgate/dom.js";
import { display, share, thresholdSteps } from "loadgate/field.js";
import { reducedFields } from "loadgate/reduced.js";
import { cssColor } from "loadgate/theme.js";
import { formatValue } from "loadgate/units.js";

/** Degrees, clockwise from the top. */
const FIRST = -120;
const LAST = 120;
const RADIUS = 40;
const MARKER_RADIUS = 47;

export function gauge(body, panel) {
  const { showThresholdMarkers = true } = panel.options ?? {};
  return {
    render(data) {
      const { fields, leftOut } = reducedFields(panel, data);
      body.replaceChildren(...fields.map((field) => dial(field, showThresholdMarkers, fields.length > 1)));
      return leftOut;
    },
  };
}

function dial({ name, value, config }, hasMarkers, isNamed) {
  const { text, suffix, color } = display(value, config);
  const { min = 0, max = 100 } = config;
  const drawing = svg("svg", { viewBox: "-52 -52 104 84", class: "dial", "aria-hidden": "true" },
    arc(RADIUS, 0, 1, "dial-track"));
  if (typeof value === "number" && Number.isFinite(value)) {
    const part = arc(RADIUS, 0, share(value, config), "dial-value");
    if (color) part.style.setProperty("--dial", color);
    drawing.append(part);
  }
  if (hasMarkers) drawing.append(...markers(config));
  const number = svg("text", { class: "dial-number", "text-anchor": "middle", y: 6 }, short(text + suffix));
  number.style.setProperty("--length", String(Math.max((text + suffix).length, 4)));
  drawing.append(number);
  const made = element("div", {
    className: "gauge", title: short(name), role: "meter", "aria-label": short(name || "value"),
    "aria-valuemin": min, "aria-valuemax": max, "aria-valuenow": value ?? undefined, "aria-valuetext": text + suffix,
  }, drawing);
  made.append(element("span", { className: "gauge-ends" }, `${formatValue(min, config.unit)} – ${formatValue(max, config.unit)}`));
  if (isNamed) made.append(element("span", { className: "gauge-name" }, short(name)));
  return made;
}

/** A thin ring outside in the thresholds' colours. */
function markers(config) {
  const steps = thresholdSteps(config);
  return steps.map(({ color, value }, index) => {
    const from = Number.isFinite(value) ? share(value, config) : 0;
    const to = index + 1 < steps.length ? share(steps[index + 1].value, config) : 1;
    const made = arc(MARKER_RADIUS, from, to, "dial-marker");
    made.style.setProperty("--dial", cssColor(color));
    return made;
  });
}

function arc(radius, from, to, name) {
  const point = (share) => {
    const angle = ((FIRST + (LAST - FIRST) * share) * Math.PI) / 180;
    return `${(radius * Math.sin(angle)).toFixed(2)} ${(-radius * Math.cos(angle)).toFixed(2)}`;
  };
  const isLarge = (to - from) * (LAST - FIRST) > 180 ? 1 : 0;
  const path = to > from ? `M ${point(from)} A ${radius} ${radius} 0 ${isLarge} 1 ${point(to)}` : "";
  return svg("path", { class: name, d: path });
}
