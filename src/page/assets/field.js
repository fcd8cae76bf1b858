// How a field is shown: a panel's defaults with the overrides that match its name, thresholds, mappings, colour.

import { formatParts } from "loadgate/units.js";
import { cssColor, seriesColor } from "loadgate/theme.js";

/** @typedef {{text: string, suffix: string, color: string|null}} Display `color` is a CSS value */

/** Names may be somebody else's, so not all that there were are remembered. */
const MOST_REMEMBERED = 500;
const remembered = new WeakMap();

/** The configuration of the field called `name`; not to be changed. */
export function fieldConfig(panel, name) {
  if (!remembered.has(panel)) remembered.set(panel, new Map());
  const known = remembered.get(panel);
  if (!known.has(name)) {
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(name, configured(panel, name));
  }
  return known.get(name);
}

function configured(panel, name) {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  const config = structuredClone(defaults);
  for (const { matcher, properties } of overrides) {
    if (!matches(matcher, name)) continue;
    for (const { id, value } of properties) set(config, id.split("."), value);
  }
  config.custom ??= {};
  return config;
}

function matches({ id, options }, name) {
  if (id !== "byRegexp") return options === name;
  const [, pattern, flags] = /^\/(.*)\/([a-z]*)$/s.exec(options) ?? [null, options, ""];
  try {
    return new RegExp(pattern, flags).test(name);
  } catch {
    return false; // the dashboards' test refuses such a one
  }
}

function set(config, path, value) {
  const last = path.pop();
  let place = config;
  for (const part of path) place = place[part] ??= {};
  place[last] = value;
}

/**
 * A value as people read it: its mapping, or its number with its unit.
 * @returns {Display}
 */
export function display(value, config) {
  const mapped = mapping(value, config.mappings ?? []);
  const color = mapped?.color ? cssColor(mapped.color) : valueColor(value, config);
  if (mapped?.text !== undefined && mapped.text !== null) return { text: mapped.text, suffix: "", color };
  if (value === null || value === undefined) return { text: config.noValue ?? "No data", suffix: "", color: null };
  if (typeof value === "string") return { text: value, suffix: "", color };
  return { ...formatParts(value, config.unit, config.decimals), color };
}

/** What the mappings say of a value: `{text, color}`, or nothing. */
function mapping(value, mappings) {
  for (const { type, options } of mappings) {
    if (type === "value" && value !== null && Object.hasOwn(options, String(value))) return options[String(value)];
    if (type === "range" && typeof value === "number" && inRange(value, options)) return options.result;
    if (type === "special" && isSpecial(value, options.match)) return options.result;
  }
  return null;
}

function inRange(value, { from, to }) {
  return (from === null || from === undefined || value >= from) && (to === null || to === undefined || value <= to);
}

function isSpecial(value, match) {
  const isNull = value === null || value === undefined;
  switch (match) {
    case "null": return isNull;
    case "nan": return Number.isNaN(value);
    case "null+nan": return isNull || Number.isNaN(value);
    case "true": return value === true;
    case "false": return value === false;
    case "empty": return value === "";
    default: return false;
  }
}

/** The colour that a value has by thresholds (or by its place between min and max), as a CSS value. */
function valueColor(value, config) {
  const mode = config.color?.mode ?? "thresholds";
  if (mode === "fixed") return cssColor(config.color.fixedColor);
  if (mode.startsWith("continuous")) return continuous(share(value, config));
  if (mode === "palette-classic") return null;
  return thresholdColor(value, config);
}

function thresholdColor(value, config) {
  const step = thresholdSteps(config).filter((step) => step.value <= value).pop();
  return step ? cssColor(step.color) : null;
}

/** In order; the first one begins below everything. */
export function thresholdSteps(config) {
  const steps = config.thresholds?.steps ?? [{ color: "green", value: null }];
  return steps.map(({ color, value }) => ({ color, value: value ?? -Infinity }));
}

/** Where a value lies between `min` and `max`: 0 to 1. */
export function share(value, { min, max }) {
  const low = min ?? 0;
  const high = max ?? 100;
  if (!(high > low) || !Number.isFinite(value)) return value > low ? 1 : 0;
  return Math.min(Math.max((value - low) / (high - low), 0), 1);
}

/** Green over yellow to red. */
function continuous(share) {
  const percent = Math.round(share * 200);
  return percent <= 100
    ? `color-mix(in srgb, var(--yellow) ${percent}%, var(--green))`
    : `color-mix(in srgb, var(--red) ${percent - 100}%, var(--yellow))`;
}

/** The colour of the `index`th series of a panel, whose last value is `last`. */
export function colorOfSeries(config, index, last) {
  const mode = config.color?.mode ?? "palette-classic";
  if (mode === "fixed") return cssColor(config.color.fixedColor);
  if (mode === "palette-classic") return seriesColor(index);
  return valueColor(last, config) ?? seriesColor(index);
}
