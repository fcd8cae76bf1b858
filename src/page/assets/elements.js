// Elements from names and texts. A text only ever becomes a text node: no label and no log line can be markup.

/**
 * `element("p.muted", {id: "a", onclick: act}, "text", child)`: attributes by name, listeners as `on…`; `null`, `false`
 * and `undefined` leave an attribute or a child out.
 * @param {string} selector a tag, with classes
 */
export function element(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const made = document.createElement(tag);
  if (classes.length > 0) made.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

function setAttribute(on, name, value) {
  if (name.startsWith("on")) on.addEventListener(name.slice(2), value);
  else if (value === true) on.setAttribute(name, "");
  else if (value !== false && value !== null && value !== undefined) on.setAttribute(name, value);
}

/** Sets a text where it is another one: selections stay, and a live region speaks of changes only. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** A link, if it leads to the web; where a rule file says something else, the text alone. */
export function outsideLink(address, text = address) {
  const isWeb = /^https?:\/\//i.test(address) && URL.canParse(address);
  if (!isWeb) return element("code", {}, text === address ? address : `${text}: ${address}`);
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, text);
}

/** Children that stay the same elements while what they show changes, so that focus stays where it is. */
export class Children {
  #parent;
  #make;
  #known = new Map();

  /** @param {(item) => {element: Element, update: (item) => void, end?: () => void}} make */
  constructor(parent, make) {
    this.#parent = parent;
    this.#make = make;
  }

  /** @param {Array<[string, object]>} items by key, in their order */
  update(items) {
    const wanted = new Set(items.map(([key]) => key));
    for (const [key, child] of this.#known) {
      if (wanted.has(key)) continue;
      child.element.remove();
      child.end?.();
      this.#known.delete(key);
    }
    let place = this.#parent.firstElementChild;
    for (const [key, item] of items) {
      const child = this.#child(key, item);
      if (child.element === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(child.element, place);
    }
  }

  #child(key, item) {
    let child = this.#known.get(key);
    if (!child) {
      child = this.#make(item);
      this.#known.set(key, child);
    }
    child.update(item);
    return child;
  }
}

/** A dialog that is there while it is open. Answers what `close` was called with; escape answers `undefined`. */
export function openDialog(title, fill) {
  return new Promise((resolve) => {
    const dialog = element("dialog", { "aria-labelledby": "dialog-title" });
    let answer;
    const close = (value) => {
      answer = value;
      dialog.close();
    };
    dialog.append(element("h2", { id: "dialog-title" }, title), ...fill(close));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Whether what is about to be done is meant. */
export async function confirmed(title, text, doIt) {
  const answer = await openDialog(title, (close) => [
    element("p", {}, text),
    element("div.buttons", {},
      element("button", { type: "button", autofocus: true, onclick: () => close(false) }, "Cancel"),
      element("button.danger", { type: "button", onclick: () => close(true) }, doIt)),
  ]);
  return answer === true;
}
