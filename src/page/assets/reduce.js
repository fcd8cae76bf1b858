// From many values to one: the reducers ("calcs") of stats, gauges and legends. Missing values are no values.

/** @typedef {(number|null|undefined)[]} Values */

const NAMES = {
  lastNotNull: "Last *", last: "Last", mean: "Mean", max: "Max", min: "Min", sum: "Total", count: "Count",
};

/** What Grafana heads a column of this reducer with. */
export function calcName(calc) {
  return NAMES[calc] ?? calc;
}

/**
 * @param {Values} values
 * @param {string} calc one of the pinned subset's reducers
 * @returns {number|null} null where there is nothing to reduce
 */
export function reduce(values, calc) {
  const there = values.filter(isValue);
  switch (calc) {
    case "last": {
      const last = values[values.length - 1];
      return isValue(last) ? last : null;
    }
    case "count": return there.length;
    case "sum": return there.length ? sum(there) : null;
    case "mean": return there.length ? sum(there) / there.length : null;
    // not Math.max(...): an hour's points would be as many arguments
    case "max": return there.length ? there.reduce((a, b) => Math.max(a, b)) : null;
    case "min": return there.length ? there.reduce((a, b) => Math.min(a, b)) : null;
    default: return there.length ? there[there.length - 1] : null; // lastNotNull, Grafana's own default
  }
}

function isValue(value) {
  return value !== null && value !== undefined && !Number.isNaN(value);
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
