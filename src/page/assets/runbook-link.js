// Where a runbook is to be read: one of ours has a view here, another one is where its address leads.

import { element, outsideLink } from "loadgate/elements.js";

/** As the shipped rules name them, from the folder of loadgate. */
const OURS = /^(?:[\w./-]*\/)?runbooks\/(\w+)\.md$/;

export const placeOf = (name) => `#/runbooks/${encodeURIComponent(name)}`;

/** @returns {string | null} the place of one of ours */
export function ourRunbook(address) {
  const [, name] = OURS.exec(address) ?? [];
  return name ? placeOf(name) : null;
}

export function runbookLink(address, text) {
  const href = ourRunbook(address);
  return href ? element("a", { href }, text) : outsideLink(address, text);
}
