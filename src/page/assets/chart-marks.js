// What a chart shows beside its curves: thresholds as lines or areas, and what happened as vertical marks.

import { element } from "loadgate/dom.js";
import { thresholdSteps } from "loadgate/field.js";
import { scaleKey } from "loadgate/chart-options.js";
import { computed, cssColor, translucent } from "loadgate/theme.js";

const AREA_SHARE = 0.12;

/** Draws the thresholds of the panel's defaults, where they are asked for. */
export function drawThresholds(plot, series) {
  const drawn = new Set();
  for (const { config } of series) {
    const mode = config.custom.thresholdsStyle?.mode ?? "off";
    const key = scaleKey(config);
    if (mode === "off" || drawn.has(key)) continue;
    drawn.add(key);
    if (mode.includes("area")) areas(plot, key, thresholdSteps(config));
    if (mode !== "area") limitLines(plot, key, thresholdSteps(config), mode.startsWith("dashed"));
  }
}

function limitLines({ ctx, bbox, valToPos }, key, steps, isDashed) {
  ctx.save();
  ctx.lineWidth = 1.5;
  if (isDashed) ctx.setLineDash([8, 6]);
  for (const { color, value } of steps) {
    if (!Number.isFinite(value)) continue;
    const y = Math.round(valToPos(value, key, true));
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = computed(cssColor(color));
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

function areas({ ctx, bbox, valToPos }, key, steps) {
  const inside = (y) => Math.min(Math.max(y, bbox.top), bbox.top + bbox.height);
  const at = (value) => (Number.isFinite(value) ? inside(valToPos(value, key, true)) : bbox.top + bbox.height);
  ctx.save();
  steps.forEach(({ color, value }, index) => {
    if (color === "transparent") return;
    const bottom = at(value);
    const top = index + 1 < steps.length ? at(steps[index + 1].value) : bbox.top;
    ctx.fillStyle = translucent(cssColor(color), AREA_SHARE);
    ctx.fillRect(bbox.left, top, bbox.width, Math.max(bottom - top, 0));
  });
  ctx.restore();
}

/** Elements over the plot: the browser's own hover, and their texts can be selected and read aloud. */
export function placeMarks(plot, events) {
  const { min, max } = plot.scales.x;
  const shown = events.filter(({ time, end }) => end >= min && time <= max);
  const marks = shown.map((event) => {
    const left = Math.max(plot.valToPos(event.time, "x"), 0);
    const right = Math.min(plot.valToPos(event.end, "x"), plot.over.clientWidth);
    const made = element("div", { className: "mark", title: eventText(event) });
    made.style.left = `${left}px`;
    made.style.width = `${Math.max(right - left, 0)}px`;
    made.style.setProperty("--mark", event.color);
    return made;
  });
  plot.under.replaceChildren(...marks);
}

export function eventText({ title, text }) {
  return text ? `${title}: ${text}` : title;
}

/** What happened around a time, as far as a pointer can tell. */
export function eventsAt(plot, events, time) {
  const reach = (plot.scales.x.max - plot.scales.x.min) * (6 / Math.max(plot.over.clientWidth, 1));
  return events.filter((event) => time >= event.time - reach && time <= event.end + reach);
}
