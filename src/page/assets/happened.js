// What happened meanwhile as a list, unfolded by a button: the marks on the charts for those who do not use a pointer.

import { eventText } from "loadgate/chart-marks.js";
import { element, short } from "loadgate/dom.js";
import { isoTime } from "loadgate/units.js";

export function happened() {
  const count = element("b", {});
  const list = element("ol", {});
  const made = element("details", { className: "happened", hidden: true }, element("summary", {}, element("span", {}, "Happened"), count), list);
  made.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !made.open) return;
    made.open = false;
    made.querySelector("summary").focus();
  });

  /** @param {import("loadgate/annotations.js").Event[]} events in order of time */
  function show(events) {
    made.hidden = events.length === 0;
    count.textContent = String(events.length);
    list.replaceChildren(...events.map(line));
  }

  function close(target) {
    if (!made.contains(target)) made.open = false;
  }
  return { element: made, show, close };
}

function line(event) {
  const { time, end, color } = event;
  const [from, to] = [time, end].map((seconds) => isoTime(seconds * 1000));
  const swatch = element("span", { className: "swatch" });
  swatch.style.setProperty("--swatch", color);
  // One that goes on for a while says until when.
  return element("li", {}, swatch, element("time", {}, end > time ? `${from} – ${to.slice(-8)}` : from), element("span", {}, short(eventText(event))));
}
