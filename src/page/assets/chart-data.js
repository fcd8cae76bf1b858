// Series of points on one grid of times, as the chart takes them: gaps, spans, stacks. Pure.

/** A value that is drawn as a gap is `null`; one over which the line goes on is `undefined`. */

/**
 * @param {{points: [number, number][]}[]} series
 * @param {import("loadgate/time-range.js").Grid} grid
 * @returns {{times: number[], values: (number|null)[][]}}
 */
export function aligned(series, { start, end, step }) {
  const count = Math.max(Math.floor((end - start) / step + 1e-6) + 1, 0);
  const times = Array.from({ length: count }, (none, index) => start + index * step);
  const values = series.map(({ points }) => {
    const row = new Array(count).fill(null);
    for (const [time, value] of points) {
      const index = Math.round((time - start) / step);
      if (index >= 0 && index < count && Number.isFinite(value)) row[index] = value;
    }
    return row;
  });
  return { times, values };
}

/** Lets lines go on over gaps: over each (`true`), or those shorter than so many milliseconds. */
export function spanned(values, span, step) {
  if (!span) return values;
  const longest = span === true ? Infinity : span / 1000 / step;
  const made = [...values];
  let last = -1;
  for (let index = 0; index < values.length; index += 1) {
    if (values[index] === null) continue;
    if (last >= 0 && index - last <= longest) made.fill(undefined, last + 1, index);
    last = index;
  }
  return made;
}

/** On a logarithmic axis there is nothing at or below 0. */
export function positive(values) {
  return values.map((value) => (value > 0 ? value : value === undefined ? undefined : null));
}

/**
 * Each series on top of those before it in its group; a missing value adds nothing.
 * @param {(number|null)[][]} rows
 * @param {(string|null)[]} groups null: not stacked
 * @returns {{rows: (number|null)[][], below: (number|null)[]}} `below`: the index of the series that a series lies on
 */
export function stacked(rows, groups) {
  const tops = new Map();
  const below = [];
  const made = rows.map((row, index) => {
    const group = groups[index];
    const under = group === null ? undefined : tops.get(group);
    below.push(under?.index ?? null);
    if (group === null) return row;
    const sums = under ? row.map((value, at) => (value ?? 0) + (under.sums[at] ?? 0)) : row.map((value) => value ?? 0);
    tops.set(group, { index, sums });
    return row.map((value, at) => (value === null || value === undefined ? value : sums[at]));
  });
  return { rows: made, below };
}

/** Indexes of points that stand alone: without a mark they would not be seen. */
export function isolated(values) {
  const alone = [];
  const isThere = (index) => values[index] !== null && values[index] !== undefined;
  const goesOn = (index, by) => {
    let at = index + by;
    while (values[at] === undefined && at >= 0 && at < values.length) at += by;
    return at >= 0 && at < values.length && isThere(at);
  };
  values.forEach((value, index) => {
    if (isThere(index) && !goesOn(index, -1) && !goesOn(index, 1)) alone.push(index);
  });
  return alone;
}
