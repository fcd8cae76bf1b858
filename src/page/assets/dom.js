// Makes elements. Texts become text nodes: what a target or a label says is never read as markup.

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] those with a dash, and `role`, are attributes; the others properties
 * @param {...(Node|string)} children
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.includes("-") || name === "role") made.setAttribute(name, String(value));
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** The same for drawings. */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

let count = 0;

/** An id that no other element of the page has. */
export function freshId(name) {
  count += 1;
  return `${name}-${count}`;
}

/** What is not shown but read aloud. */
export function aside(...children) {
  return element("div", { className: "aside" }, ...children);
}

/** Calls back when an element's size is another; returns what ends it. */
export function onResize(watched, callback) {
  const observer = new ResizeObserver(() => callback());
  observer.observe(watched);
  return () => observer.disconnect();
}

const LONGEST = 300;

/** A text of somebody else's that may be of any length, cut for the eye. */
export function short(text) {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** A name that may be broken after what joins its parts, so that a table need not be as wide as its longest one. */
export function breakable(text) {
  return text.split(/(?<=[_:,/{}.-])(?=\w)/).flatMap((part, index) => (index ? [document.createElement("wbr"), part] : [part]));
}
