// From cumulative `le` buckets to how many lie in each: what a heatmap draws. Pure.

/**
 * @param {import("loadgate/target.js").Series[]} series one for each `le`
 * @param {import("loadgate/time-range.js").Grid} grid
 * @returns {{rows: {from: number, to: number, counts: (number|null)[]}[], times: number[], most: number}} lowest first,
 *   without the empty ones at both ends
 */
export function bucketRows(series, { start, end, step }) {
  const count = Math.max(Math.floor((end - start) / step + 1e-6) + 1, 0);
  const times = Array.from({ length: count }, (none, index) => start + index * step);
  const bounds = series.filter(({ labels }) => labels.le !== undefined)
    .map(({ labels, points }) => ({ le: labels.le === "+Inf" ? Infinity : Number(labels.le), points }))
    .sort((a, b) => a.le - b.le);
  let below = new Array(count).fill(0);
  const rows = bounds.map(({ le, points }, index) => {
    const upTo = new Array(count).fill(null);
    for (const [time, value] of points) {
      const at = Math.round((time - start) / step);
      if (at >= 0 && at < count && Number.isFinite(value)) upTo[at] = value;
    }
    // rates of buckets that were scraped a moment apart may differ by less than nothing
    const counts = upTo.map((value, at) => (value === null ? null : Math.max(value - below[at], 0)));
    below = upTo.map((value, at) => value ?? below[at]);
    return { from: index ? bounds[index - 1].le : -Infinity, to: le, counts };
  });
  const trimmed = trim(rows);
  const most = trimmed.reduce((most, { counts }) => counts.reduce((a, b) => Math.max(a, b ?? 0), most), 0);
  return { rows: trimmed, times, most };
}

function trim(rows) {
  const isUsed = ({ counts }) => counts.some((count) => count > 1e-9);
  const first = rows.findIndex(isUsed);
  const last = rows.findLastIndex(isUsed);
  return first < 0 ? [] : rows.slice(Math.max(first - 1, 0), last + 2);
}
