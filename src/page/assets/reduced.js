// What stats, gauges and bar gauges show: of each series one value, or of a table each row.

import { fieldConfig } from "loadgate/field.js";
import { reduce } from "loadgate/reduce.js";
import { tableOf } from "loadgate/transform.js";

/** @typedef {{name: string, value: number|string|null, points: [number, number][], config: object}} Field */

/** More than anybody reads; a target may have any number of series. */
const MOST_FIELDS = 100;

/** @returns {{fields: Field[], leftOut: number}} one field of no value where there is nothing */
export function reducedFields(panel, data) {
  const { calcs = ["lastNotNull"], values: isEachRow = false, fields: wanted = "" } = panel.options?.reduceOptions ?? {};
  const isTable = (panel.transformations ?? []).length > 0 || data.frames.some((frame) => frame.format === "table");
  const fields = isTable ? ofTable(panel, data, wanted, calcs[0], isEachRow) : ofSeries(panel, data.frames, calcs[0]);
  if (fields.length) return { fields: fields.slice(0, MOST_FIELDS), leftOut: Math.max(fields.length - MOST_FIELDS, 0) };
  return { fields: [{ name: "", value: null, points: [], config: fieldConfig(panel, "") }], leftOut: 0 };
}

function ofSeries(panel, frames, calc) {
  return frames.flatMap((frame) => frame.series).map(({ name, points }) => {
    const config = fieldConfig(panel, name);
    const value = reduce(points.map(([, value]) => value), calc);
    return { name: config.displayName ?? name, value, points, config };
  });
}

/** Grafana takes all columns of numbers, or those that `fields` (a name, or a regular expression) says. */
function ofTable(panel, data, wanted, calc, isEachRow) {
  const { columns, rows } = tableOf(data.frames, panel.transformations);
  const [, pattern] = /^\/(.*)\/$/s.exec(wanted) ?? [];
  const isWanted = (column) => (pattern ? new RegExp(pattern).test(column) : wanted ? column === wanted : isNumeric(column, rows));
  return columns.filter(isWanted).flatMap((column) => {
    const config = fieldConfig(panel, column);
    const name = config.displayName ?? column;
    const values = rows.map((row) => row[column]);
    if (isEachRow) return values.map((value) => ({ name, value: value ?? null, points: [], config }));
    const value = isNumeric(column, rows) ? reduce(values, calc) : values[values.length - 1] ?? null;
    return [{ name, value, points: [], config }];
  });
}

function isNumeric(column, rows) {
  return column !== "Time" && rows.some((row) => typeof row[column] === "number");
}
