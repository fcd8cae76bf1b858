// Fills variables into expressions and texts, and labels into the names of series.

// The daemon does the same for reports (src/dashboard/interpolate.rs); both are tested with src/dashboard/cases.json.

/**
 * A variable's value: these, or all there are, by what All means in an expression (a regular expression).
 * @typedef {{values: string[]} | {all: string}} VariableValue
 */
/** @typedef {{variables: Record<string, VariableValue>, builtin: Record<string, string|number>}} Scope */

const REFERENCE = /\$(?:(\w+)|\{(\w+)(?::regex)?\})/g;
const LABEL = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** In an expression a variable stands inside of a quoted regular expression: `label=~"$name"`. */
export function interpolateExpr(text, scope) {
  return replace(text, scope, pattern);
}

/** In a title or a text a variable is read by people. */
export function interpolateText(text, scope) {
  return replace(text, scope, words);
}

/** A series' name: its `legendFormat` filled in, or else its labels as PromQL writes them. */
export function seriesName(legendFormat, labels, scope) {
  if (!legendFormat || legendFormat === "__auto") return labelsText(labels);
  // labels last: what a target says is not interpolated
  return fillLabels(interpolateText(legendFormat, scope), labels).trim() || labelsText(labels);
}

/** Labels into `{{label}}`, for the texts of annotations. */
export function fillLabels(text, labels) {
  return (text ?? "").replace(LABEL, (whole, label) => labels[label] ?? "");
}

/** `up{job="backend"}` */
export function labelsText(labels) {
  const { __name__: name = "", ...others } = labels;
  const pairs = Object.keys(others).sort().map((label) => `${label}=${JSON.stringify(others[label])}`);
  return pairs.length || !name ? `${name}{${pairs.join(", ")}}` : name;
}

/** What matches all that a variable stands for, as it is written between PromQL's double quotes. */
function pattern(value) {
  if (value.all !== undefined) return value.all;
  return value.values.map((one) => quoted(one.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&"))).join("|");
}

function replace(text, scope, write) {
  return (text ?? "").replace(REFERENCE, (whole, plain, braced) => {
    const name = plain ?? braced;
    if (Object.hasOwn(scope.builtin, name)) return String(scope.builtin[name]);
    if (Object.hasOwn(scope.variables, name)) return write(scope.variables[name]);
    return whole; // not ours: `$1` of a regular expression
  });
}

function words(value) {
  return value.all !== undefined ? "All" : value.values.join(" + ");
}

function quoted(text) {
  return text.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n");
}
