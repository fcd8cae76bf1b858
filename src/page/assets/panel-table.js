// The panel of rows and columns; a click on a column's name, or Enter on it, sorts by it.

import { breakable, element, short } from "loadgate/dom.js";
import { display, fieldConfig } from "loadgate/field.js";
import { interpolateText } from "loadgate/interpolate.js";
import { ourRunbook } from "loadgate/runbook-link.js";
import { sorted, tableOf } from "loadgate/transform.js";

/** More rows than anybody reads. */
const MOST_ROWS = 500;
/** A longer text may take several lines, a shorter one only where there is no room otherwise. */
const ONE_LINE = 20;
const YEAR_2001_MS = 1e12;
const SAFE_ADDRESS = /^(?:https?:\/\/|[/#?])/i;

export function table(body, panel, dashboard) {
  return new Table(body, panel, dashboard);
}

class Table {
  #panel;
  /** A report is read where there is no daemon to show a runbook. */
  #hasRunbooks;
  #body;
  #head = element("thead");
  #rows = element("tbody");
  #sort;
  #columns = [];
  #data = null;

  constructor(body, panel, { source }) {
    this.#panel = panel;
    this.#hasRunbooks = !source.isRecorded;
    const { sortBy = [], showHeader = true } = panel.options ?? {};
    this.#sort = sortBy.map(({ displayName, desc }) => ({ field: displayName, desc: Boolean(desc) }));
    this.#head.hidden = !showHeader;
    this.#body = body;
    body.append(element("table", {}, this.#head, this.#rows));
  }

  render(data) {
    this.#data = data;
    const { columns, rows } = tableOf(data.frames, this.#panel.transformations);
    const configs = columns.map((column) => ({ column, config: columnConfig(this.#panel, column, rows), isNumeric: isNumeric(column, rows) }));
    const shown = configs.filter(({ config }) => !config.custom.hidden);
    this.#showHead(shown);
    const ordered = sorted({ columns, rows }, this.#sort).rows;
    this.#rows.replaceChildren(...ordered.slice(0, MOST_ROWS).map((row) => this.#row(row, shown)));
    this.#body.classList.remove("table-tight");
    this.#body.classList.toggle("table-tight", this.#body.scrollWidth > this.#body.clientWidth);
    return Math.max(ordered.length - MOST_ROWS, 0);
  }

  /** Made anew only when there are other columns: the focus stays where it is. */
  #showHead(columns) {
    const names = columns.map(({ column, config }) => config.displayName ?? column);
    if (JSON.stringify(names) !== JSON.stringify(this.#columns)) {
      this.#columns = names;
      this.#head.replaceChildren(element("tr", {}, ...columns.map((one, index) => this.#headCell(one, names[index]))));
    }
    const [first] = this.#sort;
    columns.forEach(({ column }, index) => {
      const isSorted = first?.field === column;
      const cell = this.#head.rows[0].cells[index];
      if (isSorted) cell.setAttribute("aria-sort", first.desc ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
  }

  #headCell({ column, config, isNumeric }, name) {
    const button = element("button", { type: "button", className: "table-sort" }, short(name));
    button.addEventListener("click", () => this.#sortBy(column));
    const cell = element("th", { scope: "col", className: alignment(config, isNumeric) }, button);
    if (config.custom.width) cell.style.width = `${config.custom.width}px`;
    return cell;
  }

  #sortBy(field) {
    const [first] = this.#sort;
    this.#sort = [{ field, desc: first?.field === field && !first.desc }];
    this.render(this.#data);
  }

  #row(row, columns) {
    return element("tr", {}, ...columns.map(({ column, config, isNumeric }) => this.#cell(row, row[column] ?? null, config, isNumeric)));
  }

  #cell(row, value, config, isNumeric) {
    const cell = element("td", { className: alignment(config, isNumeric) });
    const { text, suffix, color } = display(value, { ...config, noValue: "" });
    const { type = "auto" } = config.custom.cellOptions ?? {};
    if (color && type !== "auto") {
      cell.classList.add(`cell-${type}`);
      cell.style.setProperty("--cell", color);
    }
    const address = this.#address(row, value, config);
    const words = short(text + suffix);
    const isWords = typeof value === "string";
    if (isWords) cell.classList.add(words.length > ONE_LINE ? "cell-words" : "cell-short");
    const parts = isWords ? breakable(words) : [words];
    cell.append(...(address && words ? [element("a", { href: address, rel: "noreferrer" }, ...parts)] : parts));
    return cell;
  }

  /** Where a cell leads; a value of somebody else's may not choose the scheme. */
  #address(row, value, { links = [] }) {
    const [link] = links;
    if (!link && this.#hasRunbooks && typeof value === "string") return ourRunbook(value);
    if (!link || value === null) return null;
    const fill = (whole, name) => {
      if (name === "__value.raw" || name === "__value.text") return String(value);
      const [, field] = /^__data\.fields\.(.+)$|^__data\.fields\["(.+)"\]$/.exec(name)?.filter(Boolean) ?? [];
      return field && row[field] !== undefined ? encodeURIComponent(String(row[field])) : whole;
    };
    const address = interpolateText(link.url.replace(/\$\{(__[^}:]+)(?::\w+)?\}/g, fill), this.#data.scope);
    return SAFE_ADDRESS.test(address) ? address : null;
  }
}

/** The time of a query's answer is one; another column that was given its name is not. */
function columnConfig(panel, column, rows) {
  const config = fieldConfig(panel, column);
  const isMoment = column === "Time" && rows.some((row) => row[column] > YEAR_2001_MS);
  return isMoment ? { ...config, unit: "dateTimeAsIso" } : config;
}

function isNumeric(column, rows) {
  return rows.some((row) => typeof row[column] === "number");
}

function alignment({ custom, mappings }, isNumeric) {
  const { align = "auto" } = custom;
  const isFigure = isNumeric && !mappings?.length;
  return `cell-${align === "auto" ? (isFigure ? "right" : "left") : align}`;
}
