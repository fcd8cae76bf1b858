// The markdown of text panels: paragraphs, headings, lists, **bold**, `code` and links. Builds nodes, never markup.

import { element } from "loadgate/dom.js";

const INLINE = /\*\*(.+?)\*\*|`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)/g;
const SAFE_LINK = /^(?:https?:|[/#?.]|[\w-]+\.(?:md|html)\b)/i;

/** @returns {DocumentFragment} */
export function markdown(text) {
  const fragment = document.createDocumentFragment();
  for (const block of blocks(text)) fragment.append(node(block));
  return fragment;
}

/**
 * What a text is made of; pure, for tests.
 * @returns {{kind: "heading"|"list"|"paragraph", ordered?: boolean, lines: string[]}[]}
 */
export function blocks(text) {
  const all = [];
  let open = null;
  for (const line of (text ?? "").split(/\r?\n/)) {
    const heading = /^#{1,6}\s+(.*)$/.exec(line);
    const item = /^\s*(?:([-*])|\d+[.)])\s+(.*)$/.exec(line);
    if (heading) {
      all.push({ kind: "heading", lines: [heading[1]] });
      open = null;
    } else if (item) {
      const ordered = item[1] === undefined;
      if (open?.kind !== "list" || open.ordered !== ordered) all.push(open = { kind: "list", ordered, lines: [] });
      open.lines.push(item[2]);
    } else if (line.trim() === "") {
      open = null;
    } else if (open?.kind === "list" && /^\s/.test(line)) {
      open.lines[open.lines.length - 1] += ` ${line.trim()}`;
    } else {
      if (open?.kind !== "paragraph") all.push(open = { kind: "paragraph", lines: [] });
      open.lines.push(line.trim());
    }
  }
  return all;
}

function node({ kind, ordered, lines }) {
  if (kind === "list") {
    return element(ordered ? "ol" : "ul", {}, ...lines.map((line) => element("li", {}, ...inline(line))));
  }
  // below the panel's own h3
  return element(kind === "heading" ? "h4" : "p", {}, ...inline(lines.join(" ")));
}

function inline(text) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, bold, code, label, address] = found;
    if (found.index > done) nodes.push(text.slice(done, found.index));
    done = found.index + whole.length;
    if (bold !== undefined) nodes.push(element("strong", {}, ...inline(bold)));
    else if (code !== undefined) nodes.push(element("code", {}, code));
    else nodes.push(link(label, address));
  }
  if (done < text.length) nodes.push(text.slice(done));
  return nodes;
}

/** `javascript:` is no address. */
function link(label, address) {
  if (!SAFE_LINK.test(address)) return label;
  return element("a", { href: address, rel: "noreferrer" }, label);
}
