// The small "i" beside a title: what a panel is about, on hover and focus, and read aloud with it.

import { element, freshId } from "loadgate/dom.js";

const FROM_EDGE = 8;

/** @param {() => string} text asked for when it is shown */
export function about(text) {
  const id = freshId("about");
  const tip = element("span", { id, role: "tooltip", className: "panel-tip", hidden: true }, text());
  const button = element("button", {
    type: "button", className: "panel-info", "aria-label": "About this panel", "aria-describedby": id,
  });
  const made = element("span", { className: "panel-about" }, button, tip);

  const show = () => {
    tip.textContent = text();
    tip.hidden = false;
    place(tip, button.getBoundingClientRect());
  };
  const hide = () => { tip.hidden = true; };
  made.addEventListener("pointerenter", show);
  made.addEventListener("pointerleave", hide);
  button.addEventListener("focus", show);
  button.addEventListener("blur", hide);
  button.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  return made;
}

/** Below the button, or above where there is no room, and always within the window. */
function place(tip, { left, top, bottom }) {
  const { offsetWidth: width, offsetHeight: height } = tip;
  const x = Math.max(Math.min(left - 16, document.documentElement.clientWidth - width - FROM_EDGE), FROM_EDGE);
  const isBelow = bottom + height + FROM_EDGE < innerHeight;
  tip.style.left = `${x}px`;
  tip.style.top = `${isBelow ? bottom : Math.max(top - height, 0)}px`;
}
