// Colours by name, as the page's CSS gives them now: light or dark, for canvases as well.

const SERIES_COLORS = 12;
/** Grafana's shades are one colour here: each is chosen to be read on both backgrounds. */
const SHADES = /^(?:super-light|light|semi-dark|dark)-/;
const NAMED = new Set(["green", "yellow", "orange", "red", "blue", "purple", "text", "muted", "border", "surface", "accent", "background"]);

const schemes = matchMedia("(prefers-color-scheme: dark)");
const resolved = new Map();
const listeners = new Set();

schemes.addEventListener("change", () => {
  resolved.clear();
  for (const listener of listeners) listener();
});

/** Calls `listener` when light turns to dark; returns what ends it. */
export function onThemeChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A CSS value for Grafana's name of a colour: `semi-dark-red`, `#ff0000`, `text`, `transparent`. */
export function cssColor(name) {
  const base = (name ?? "text").replace(SHADES, "");
  return NAMED.has(base) ? `var(--${base})` : base;
}

/** The color of the `index`th series. */
export function seriesColor(index) {
  return `var(--series-${(index % SERIES_COLORS) + 1})`;
}

/** What a CSS value is now, in a form that a canvas takes. */
export function computed(css) {
  if (!resolved.has(css)) {
    if (resolved.size > 500) resolved.clear();
    resolved.set(css, probe(css));
  }
  return resolved.get(css);
}

/** The same, let through: `share` from 0 (nothing) to 1. */
export function translucent(css, share) {
  return computed(`color-mix(in srgb, ${css} ${Math.round(share * 100)}%, transparent)`);
}

function probe(css) {
  const element = document.createElement("span");
  element.hidden = true;
  element.style.color = css;
  document.body.append(element);
  const { color } = getComputedStyle(element);
  element.remove();
  return color;
}
