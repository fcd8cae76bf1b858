// The markdown of text panels: paragraphs, headings, lists, blocks of code, **bold**, `code` and links. Builds nodes, never markup.

import { element } from "loadgate/dom.js";

const INLINE = /\*\*(.+?)\*\*|`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)/g;
const SAFE_LINK = /^(?:https?:|[/#?.]|[\w-]+\.(?:md|html)\b)/i;

/**
 * @param {string} text
 * @param {{top?: number, lead?: (address: string) => string | null}} [how] the level of a `#` (below a panel's own `h3`, unless
 *   it is said), and where a link leads; null: nowhere, its words alone are shown
 * @returns {DocumentFragment}
 */
export function markdown(text, { top = 4, lead = (address) => address } = {}) {
  const fragment = document.createDocumentFragment();
  for (const block of blocks(text)) fragment.append(node(block, top, lead));
  return fragment;
}

/**
 * What a text is made of; pure, for tests.
 * @returns {{kind: "heading"|"list"|"paragraph"|"code", ordered?: boolean, level?: number, lines: string[]}[]}
 */
export function blocks(text) {
  const all = [];
  let open = null;
  for (const line of (text ?? "").split(/\r?\n/)) {
    const isFence = line.startsWith("```");
    if (open?.kind === "code") {
      if (isFence) open = null;
      else open.lines.push(line);
      continue;
    }
    if (isFence) {
      all.push(open = { kind: "code", lines: [] });
      continue;
    }
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    const item = /^\s*(?:([-*])|\d+[.)])\s+(.*)$/.exec(line);
    if (heading) {
      all.push({ kind: "heading", level: heading[1].length, lines: [heading[2]] });
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

function node({ kind, ordered, level, lines }, top, lead) {
  if (kind === "code") return element("pre", { tabIndex: 0 }, element("code", {}, lines.join("\n")));
  if (kind === "list") {
    return element(ordered ? "ol" : "ul", {}, ...lines.map((line) => element("li", {}, ...inline(line, lead))));
  }
  const tag = kind === "heading" ? `h${Math.min(top + level - 1, 6)}` : "p";
  return element(tag, {}, ...inline(lines.join(" "), lead));
}

function inline(text, lead) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, bold, code, label, address] = found;
    if (found.index > done) nodes.push(text.slice(done, found.index));
    done = found.index + whole.length;
    if (bold !== undefined) nodes.push(element("strong", {}, ...inline(bold, lead)));
    else if (code !== undefined) nodes.push(element("code", {}, code));
    else nodes.push(link(label, lead(address)));
  }
  if (done < text.length) nodes.push(text.slice(done));
  return nodes;
}

/** `javascript:` is no address. */
function link(label, address) {
  if (address === null || !SAFE_LINK.test(address)) return label;
  return element("a", { href: address, rel: "noreferrer" }, label);
}
