// Tables of what queries answered, and Grafana's transformations of them. Pure.

/** @typedef {{columns: string[], rows: Record<string, string|number|null>[]}} Table */

/** @param {import("loadgate/target.js").Frame[]} frames @returns {Table} */
export function tableOf(frames, transformations = []) {
  const isOnly = frames.filter((frame) => frame.format === "table").length <= 1;
  let tables = frames.map((frame) => frameTable(frame, isOnly));
  for (const { id, options = {}, disabled } of transformations) {
    if (!disabled && Object.hasOwn(TRANSFORMATIONS, id)) tables = TRANSFORMATIONS[id](tables, options);
  }
  return tables.length > 1 ? merge(tables)[0] : tables[0] ?? { columns: [], rows: [] };
}

/** Columns: the time, a label each, the value. Grafana calls the value after its query where there are several. */
function frameTable({ ref, series, format }, isOnly) {
  const labels = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].sort();
  const value = format === "table" && !isOnly ? `Value #${ref}` : "Value";
  const rows = series.flatMap((one) => one.points.map(([time, number]) => (
    { Time: time * 1000, ...one.labels, [value]: number }
  )));
  return { columns: ["Time", ...labels, value], rows };
}

const TRANSFORMATIONS = {
  merge,
  organize: (tables, options) => tables.map((table) => organize(table, options)),
  sortBy: (tables, { sort = [] }) => tables.map((table) => sorted(table, sort)),
  filterFieldsByName: (tables, options) => tables.map((table) => filterByName(table, options)),
  joinByField: (tables, options) => [join(tables, options)],
  seriesToColumns: (tables, options) => [join(tables, options)],
};

/** Rows that agree in the columns that all tables have become one row, as long as nothing in it is overwritten. */
function merge(tables) {
  if (tables.length === 0) return tables;
  const columns = [...new Set(tables.flatMap((table) => table.columns))];
  const filled = tables.filter((table) => table.rows.length > 0);
  const keys = columns.filter((column) => filled.every((table) => table.columns.includes(column)));
  const rows = [];
  const byKey = new Map();
  for (const row of tables.flatMap((table) => table.rows)) {
    const key = JSON.stringify(keys.map((column) => row[column] ?? null));
    const candidates = byKey.get(key) ?? [];
    const place = candidates.find((other) => agree(other, row));
    if (place) {
      Object.assign(place, row);
    } else {
      const copy = { ...row };
      rows.push(copy);
      byKey.set(key, [...candidates, copy]);
    }
  }
  const others = columns.filter((column) => !column.startsWith("Value"));
  return [{ columns: [...others, ...columns.filter((column) => column.startsWith("Value"))], rows }];
}

function agree(a, b) {
  return Object.entries(b).every(([column, value]) => a[column] === undefined || a[column] === value);
}

function organize(table, { excludeByName = {}, includeByName = {}, indexByName = {}, renameByName = {} }) {
  const included = Object.keys(includeByName).filter((name) => includeByName[name]);
  const kept = table.columns.filter((column) => !excludeByName[column] && (!included.length || included.includes(column)));
  const place = (column) => indexByName[column] ?? Number.MAX_SAFE_INTEGER;
  const ordered = kept.map((column, at) => ({ column, at }))
    .sort((a, b) => place(a.column) - place(b.column) || a.at - b.at)
    .map(({ column }) => column);
  const name = (column) => renameByName[column] || column;
  const rows = table.rows.map((row) => Object.fromEntries(ordered.map((column) => [name(column), row[column] ?? null])));
  return { columns: ordered.map(name), rows };
}

function filterByName(table, { include, exclude }) {
  const named = ({ names = [], pattern } = {}) => (column) => (
    names.includes(column) || Boolean(pattern && new RegExp(pattern.replace(/^\/(.*)\/$/s, "$1")).test(column))
  );
  const isIncluded = include && (include.names || include.pattern) ? named(include) : () => true;
  const isExcluded = exclude ? named(exclude) : () => false;
  return { ...table, columns: table.columns.filter((column) => isIncluded(column) && !isExcluded(column)) };
}

/** An outer join: columns that several tables have are told apart by a number, as Grafana does. */
function join(tables, { byField = "Time" }) {
  const columns = [byField];
  const rows = new Map();
  tables.filter((table) => table.columns.includes(byField)).forEach((table, index) => {
    const name = (column) => (columns.includes(column) && column !== byField ? `${column} ${index + 1}` : column);
    const names = table.columns.map((column) => [column, name(column)]);
    for (const row of table.rows) {
      const key = row[byField];
      if (!rows.has(key)) rows.set(key, {});
      Object.assign(rows.get(key), Object.fromEntries(names.map(([column, as]) => [as, row[column] ?? null])));
    }
    columns.push(...names.map(([, as]) => as).filter((as) => as !== byField));
  });
  return { columns, rows: [...rows.values()] };
}

/** @param {{field: string, desc?: boolean}[]} by */
export function sorted(table, by) {
  const rows = [...table.rows].sort((a, b) => {
    for (const { field, desc } of by) {
      const order = compare(a[field], b[field]);
      if (order) return desc ? -order : order;
    }
    return 0;
  });
  return { ...table, rows };
}

/** Numbers by size, texts by name, nothing first. */
export function compare(a, b) {
  const isNone = (value) => value === null || value === undefined || Number.isNaN(value);
  if (isNone(a) || isNone(b)) return Number(isNone(b)) - Number(isNone(a));
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}
