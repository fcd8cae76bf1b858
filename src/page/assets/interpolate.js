// Fills variables into expressions and texts, and labels into the names of series.

/**
 * A variable's value: one, several, or all; `all` is what All means in an expression (a regular expression).
 * @typedef {{values: string[], isAll?: boolean, all?: string}} VariableValue
 */
/** @typedef {{variables: Record<string, VariableValue>, builtin: Record<string, string|number>}} Scope */

const REFERENCE = /\$(\w+)|\$\{(\w+)(?::(\w+))?\}/g;
const LABEL = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** In an expression a variable stands inside of a quoted regular expression: `label=~"$name"`. */
export function interpolateExpr(text, scope) {
  return replace(text, scope, (value) => quoted(regexOf(value)));
}

/** In a title or a text a variable is read by people. */
export function interpolateText(text, scope) {
  return replace(text, scope, (value, format) => (format === "regex" ? regexOf(value) : words(value)));
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

/** A regular expression that matches what a variable stands for. */
export function regexOf(value) {
  if (value.isAll && value.all) return value.all;
  const escaped = value.values.map((one) => one.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&"));
  return escaped.length > 1 ? `(${escaped.join("|")})` : escaped[0] ?? (value.isAll ? ".*" : "");
}

function replace(text, scope, write) {
  return (text ?? "").replace(REFERENCE, (whole, plain, braced, format) => {
    const name = plain ?? braced;
    if (Object.hasOwn(scope.builtin, name)) return String(scope.builtin[name]);
    if (Object.hasOwn(scope.variables, name)) return write(scope.variables[name], format);
    return whole; // not ours: `$1` of a regular expression
  });
}

function words(value) {
  return value.isAll ? "All" : value.values.join(" + ");
}

/** As it stands between PromQL's double quotes. */
function quoted(text) {
  return text.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n");
}
