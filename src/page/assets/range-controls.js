// Which time the panels show: the last minutes to choose from, and the way back from what was zoomed to.

import { element } from "loadgate/dom.js";
import { duration, isoTime } from "loadgate/units.js";

const WINDOWS = [
  [300, "Last 5 minutes"], [900, "Last 15 minutes"], [1800, "Last 30 minutes"], [3600, "Last hour"],
  [10800, "Last 3 hours"], [21600, "Last 6 hours"], [86400, "Last 24 hours"],
];

/** @returns {{element: HTMLElement, show(range: object, home: object): void}} */
export function rangeControls({ home, onRange }) {
  const made = element("div", { className: "dashboard-range" });
  const windows = element("select", { "aria-label": "Time range" });
  const zoomed = element("span", { className: "range-zoomed" });
  const back = element("button", { type: "button" }, "Zoom out");
  windows.addEventListener("change", () => onRange({ window: Number(windows.value), live: true }));
  back.addEventListener("click", () => onRange(null));

  function show(range, home) {
    const isZoomed = range !== home && !range.window;
    const { window } = range.window ? range : home;
    zoomed.textContent = isZoomed ? `${isoTime(range.from * 1000)} to ${isoTime(range.to * 1000, true)}` : "";
    if (window) windows.replaceChildren(...options(window));
    made.replaceChildren(...(isZoomed ? [zoomed, back] : window ? [windows] : []));
  }

  show(home, home);
  return { element: made, show };
}

function options(chosen) {
  const known = WINDOWS.some(([seconds]) => seconds === chosen);
  const all = known ? WINDOWS : [[chosen, `Last ${duration(chosen, 0)}`], ...WINDOWS];
  return all.map(([seconds, text]) => element("option", { value: String(seconds), selected: seconds === chosen }, text));
}
