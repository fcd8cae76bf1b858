// What the pure modules of the page are to answer: a table for each, and a sentence for each answer that is another.
(async () => {
  const failures = [];
  const load = (name) => import(`loadgate/${name}.js`);
  const text = (value) => JSON.stringify(value, (key, inner) => {
    if (inner === undefined) return "<undefined>";
    return typeof inner === "number" && !Number.isFinite(inner) ? `<${inner}>` : inner;
  });
  const equal = (what, actual, expected) => {
    if (text(actual) !== text(expected)) failures.push(`${what}: ${text(actual)}, expected ${text(expected)}`);
  };

  const { formatValue, fromNow, isoTime } = await load("units");
  for (const [value, unit, decimals, expected] of [
    // Grafana's own answers to the same
    [0.0024, "ms", 4, "0.0024 ms"], [100, "ms", 0, "100 ms"], [1250, "ms", 2, "1.25 s"], [1200, "ms", 0, "1 s"],
    [10000086.123, "ms", 1, "2.8 hour"], [1.5, "s", null, "1.50 s"], [0.0015, "s", null, "1.50 ms"],
    [0.00005, "s", null, "50 µs"], [2e-8, "s", null, "20 ns"], [90, "s", null, "1.50 min"], [5400, "s", null, "1.50 hour"],
    [172800, "s", null, "2 day"], [0, "s", null, "0 s"], [-0.25, "s", null, "-250 ms"],
    [1024, "bytes", null, "1 KiB"], [1536, "bytes", null, "1.50 KiB"], [0, "bytes", null, "0 B"], [1023, "bytes", null, "1023 B"],
    [5 * 1024 ** 3, "bytes", 1, "5.0 GiB"], [1000, "decbytes", null, "1 kB"], [1500, "Bps", null, "1.50 kB/s"],
    [0.5, "percentunit", null, "50%"], [0.01234, "percentunit", null, "1.23%"], [0.999, "percentunit", 2, "99.90%"], [12.5, "percent", null, "12.5%"],
    [10.4, "reqps", null, "10.4 req/s"], [1234, "reqps", null, "1.23K req/s"], [2000000, "ops", null, "2M ops/s"], [100, "hertz", 1, "100.0 Hz"], [1000, "hertz", null, "1 kHz"],
    [98765, "short", 2, "98.77 K"], [1e6, "short", null, "1 Mil"], [0.0123, "short", null, "0.0123"], [0, "short", null, "0"], [999, "short", null, "999"],
    [3, "none", null, "3"], [1234.5, "none", 0, "1235"], [0.1 + 0.2, "none", null, "0.300"], [-0.001, "none", 0, "0"],
    [7, undefined, null, "7"], [7, "furlong", null, "7 furlong"], [7, "suffix:x", null, "7 x"], [7, "constructor", null, "7 constructor"],
    [1, "bool", null, "True"], [0, "bool_yes_no", null, "No"], [93784, "dtdurations", 1, "1 day, 2 hours"], [3661, "dthms", null, "01:01:01"],
    [NaN, "s", null, "NaN"], [Infinity, "s", null, "∞"], [-Infinity, "short", null, "-∞"], [null, "s", null, ""], [undefined, "s", null, ""],
  ]) equal(`${value} in ${unit}, ${decimals} decimals`, formatValue(value, unit, decimals), expected);
  equal("a moment", isoTime(new Date(2026, 10, 21, 3, 4, 5).getTime()), "2026-11-21 03:04:05");
  equal("minutes ago", fromNow(0, 180_000), "3 minutes ago");
  equal("in an hour", fromNow(3_600_000, 0), "in 1 hour");

  const { reduce } = await load("reduce");
  for (const [calc, values, expected] of [
    ["lastNotNull", [1, 2, null], 2], ["last", [1, 2, null], null], ["last", [1, 2], 2], ["mean", [1, null, 3], 2],
    ["max", [1, 5, NaN, 3], 5], ["min", [4, undefined, 3], 3], ["sum", [1, 2, null], 3], ["count", [1, null, 0], 2],
    ["mean", [], null], ["max", [null], null], ["count", [], 0], ["lastNotNull", [NaN], null],
  ]) equal(`${calc} of ${text(values)}`, reduce(values, calc), expected);

  const { fillLabels, interpolateExpr, interpolateText, labelsText, seriesName } = await load("interpolate");
  const { bounds, builtins, gridOf, seconds } = await load("time-range");
  const { scope, cases } = await (await fetch("/cases.json")).json();
  for (const { from, step = scope.step, expression, text: words } of cases) {
    const filled = { variables: scope.variables, builtin: builtins({ from: 0, to: scope.range }, step, scope.scrape_interval) };
    equal(`expression ${from}`, interpolateExpr(from, filled), expression);
    equal(`text ${from}`, interpolateText(from, filled), words);
  }
  const nothing = { variables: { test: { values: ["a"] } }, builtin: {} };
  equal("a legend", seriesName("{{ method }} of $test {{none}}", { method: "GET" }, nothing), "GET of a");
  equal("what a label says is not interpolated", seriesName("{{x}}", { x: "$test ${test} {{y}}", y: "b" }, nothing), "$test ${test} {{y}}");
  equal("no legend", seriesName("", { __name__: "up", job: "a", a: 'q"' }, nothing), 'up{a="q\\"", job="a"}');
  equal("a name alone", labelsText({ __name__: "up" }), "up");
  equal("no labels", labelsText({}), "{}");
  equal("an annotation", fillLabels("{{a}}/{{b}}", { a: "<b>" }), "<b>/");

  equal("the last minutes", bounds({ window: 60, live: true }, 1000), { from: 940, to: 1000 });
  equal("from its start", bounds({ from: 400, live: true }, 1000), { from: 400, to: 1000 });
  equal("a fixed time", bounds({ from: 1, to: 2 }, 1000), { from: 1, to: 2 });
  equal("a second each", gridOf({ from: 0.5, to: 60.5 }, 400, 1), { start: 1, end: 60, step: 1 });
  equal("at most 600 points", gridOf({ from: 0, to: 3600 }, 5000, 1), { start: 0, end: 3600, step: 10 });
  equal("no finer than scraped", gridOf({ from: 0, to: 60 }, 600, 15), { start: 0, end: 60, step: 15 });
  equal("years", gridOf({ from: 0, to: 86400 * 3650 }, 600, 1).step, 86400 * 7);
  equal("a panel's interval", [seconds("15s"), seconds("1m"), seconds(">2s"), seconds(undefined)], [15, 60, 2, 0]);

  const { compare, tableOf } = await load("transform");
  const frame = (ref, rows) => ({ ref, format: "table", series: rows.map(([labels, value]) => ({ labels, points: [[10, value]] })) });
  const two = [frame("A", [[{ m: "x" }, 1], [{ m: "y" }, 2]]), frame("B", [[{ m: "y" }, 3]])];
  equal("one query", tableOf([two[1]]), { columns: ["Time", "m", "Value"], rows: [{ Time: 10000, m: "y", Value: 3 }] });
  equal("merged", tableOf(two, [{ id: "merge" }]), {
    columns: ["Time", "m", "Value #A", "Value #B"],
    rows: [{ Time: 10000, m: "x", "Value #A": 1 }, { Time: 10000, m: "y", "Value #A": 2, "Value #B": 3 }],
  });
  equal("merged with nothing", tableOf([two[0], frame("B", [])], [{ id: "merge" }]).rows.length, 2);
  const organize = { excludeByName: { Time: true }, indexByName: { "Value #B": 0, m: 1 }, renameByName: { "Value #B": "b" } };
  equal("organized", tableOf(two, [{ id: "merge" }, { id: "organize", options: organize }]), {
    columns: ["b", "m", "Value #A"], rows: [{ b: null, m: "x", "Value #A": 1 }, { b: 3, m: "y", "Value #A": 2 }],
  });
  equal("joined", tableOf(two, [{ id: "joinByField", options: { byField: "m", mode: "outer" } }]), {
    columns: ["m", "Time", "Value #A", "Time 2", "Value #B"],
    rows: [{ Time: 10000, m: "x", "Value #A": 1 }, { Time: 10000, m: "y", "Value #A": 2, "Time 2": 10000, "Value #B": 3 }],
  });
  equal("filtered", tableOf(two, [{ id: "merge" }, { id: "filterFieldsByName", options: { include: { pattern: "/^V/" } } }]).columns, ["Value #A", "Value #B"]);
  equal("sorted", tableOf(two, [{ id: "merge" }, { id: "sortBy", options: { sort: [{ field: "Value #A", desc: true }] } }]).rows.map((row) => row.m), ["y", "x"]);
  equal("in order", [10, null, 9, "b10", "b9"].sort(compare), [null, 9, 10, "b9", "b10"]);

  const { aligned, isolated, positive, spanned, stacked } = await load("chart-data");
  const grid = { start: 0, end: 4, step: 1 };
  equal("a gap where nothing is", aligned([{ points: [[0, 1], [1, NaN], [3, 2], [9, 9]] }], grid).values, [[1, null, null, 2, null]]);
  equal("over each gap", spanned([1, null, null, 2, null], true, 1), [1, undefined, undefined, 2, null]);
  equal("over short gaps", spanned([1, null, 2, null, null, 3], 2000, 1), [1, undefined, 2, null, null, 3]);
  equal("over none", spanned([1, null, 2], false, 1), [1, null, 2]);
  equal("no logarithm", positive([-1, 0, 2, null, undefined]), [null, null, 2, null, undefined]);
  equal("stacked", stacked([[1, 2], [3, null], [5, 5]], ["A", "A", null]), { rows: [[1, 2], [4, null], [5, 5]], below: [null, 0, null] });
  equal("what stands alone", isolated([1, null, 2, 3, null, 4, undefined, 5, null, 6]), [0, 9]);

  const { bucketRows } = await load("buckets");
  const bucket = (le, ...values) => ({ labels: { le }, points: values.map((value, at) => [at, value]) });
  const found = bucketRows([bucket("+Inf", 6, 6), bucket("0.5", 5, 1), bucket("0.1", 0, 0), bucket("0.05", 0, 0), bucket("1", 5, 4)], { start: 0, end: 1, step: 1 });
  equal("what is in each bucket", found.rows.map(({ from, to, counts }) => [from, to, counts]), [
    [0.05, 0.1, [0, 0]], [0.1, 0.5, [5, 1]], [0.5, 1, [0, 3]], [1, Infinity, [1, 2]],
  ]);
  equal("the fullest", found.most, 5);
  equal("nothing at all", bucketRows([], grid).rows, []);

  const { blocks, markdown } = await load("markdown");
  equal("blocks", blocks("# A\nb\nc\n\n- d\n  e\n- f\n1. g\n```x\n# h\n\n```").map(({ kind, lines }) => [kind, lines]), [
    ["heading", ["A"]], ["paragraph", ["b", "c"]], ["list", ["d e", "f"]], ["list", ["g"]], ["code", ["# h", ""]],
  ]);
  const written = document.createElement("div");
  written.append(markdown("**a `b`** [c](/d) [e](javascript:f) <img src=x onerror=alert(1)>"));
  equal("no markup but ours", written.innerHTML,
    '<p><strong>a <code>b</code></strong> <a href="/d" rel="noreferrer">c</a> e &lt;img src=x onerror=alert(1)&gt;</p>');

  const { display, fieldConfig, share } = await load("field");
  const panel = { fieldConfig: {
    defaults: { unit: "s", thresholds: { mode: "absolute", steps: [{ color: "green", value: null }, { color: "red", value: 1 }] },
      mappings: [{ type: "value", options: { 3: { text: "three", color: "blue" } } }, { type: "special", options: { match: "null", result: { text: "none" } } }] },
    overrides: [{ matcher: { id: "byName", options: "a" }, properties: [{ id: "unit", value: "bytes" }, { id: "custom.width", value: 9 }] },
      { matcher: { id: "byRegexp", options: "/^b/" }, properties: [{ id: "decimals", value: 0 }] }],
  } };
  equal("defaults", display(0.5, fieldConfig(panel, "x")), { text: "500", suffix: " ms", color: "var(--green)" });
  equal("above the threshold", display(2, fieldConfig(panel, "bc")), { text: "2", suffix: " s", color: "var(--red)" });
  equal("mapped", display(3, fieldConfig(panel, "x")), { text: "three", suffix: "", color: "var(--blue)" });
  equal("mapped nothing", display(null, fieldConfig(panel, "x")).text, "none");
  equal("overridden", [fieldConfig(panel, "a").unit, fieldConfig(panel, "a").custom.width, panel.fieldConfig.defaults.custom], ["bytes", 9, undefined]);
  equal("between", [share(5, { min: 0, max: 10 }), share(-1, { min: 0, max: 10 }), share(99, {}), share(NaN, {})], [0.5, 0, 0.99, 0]);

  const { eventsOf } = await load("annotations");
  const event = (points, more) => eventsOf({ labels: { alert: "A" }, points }, { name: "n", textFormat: "{{alert}}", ...more }, 5, nothing)
    .map(({ time, end, title, text: words }) => [time, end, title, words]);
  equal("what lasts is one", event([[0, 1], [5, 1], [10, 0], [15, 1]]), [[0, 5, "n", "A"], [15, 15, "n", "A"]]);
  equal("a time as value", event([[10, 3000], [15, 3000], [20, 3000]], { useValueForTime: "on" }), [[3, 3, "n", "A"]]);

  const { Target } = await load("target");
  const asked = [];
  const source = { range: async ({ start, end }) => {
    asked.push([start, end]);
    return [{ labels: { a: "b" }, points: Array.from({ length: end - start + 1 }, (none, index) => [start + index, start + index]) }];
  } };
  const target = new Target({ refId: "A", expr: "x", legendFormat: "{{a}}" }, {}, source);
  const points = async (start, end) => (await target.load({ scope: nothing, grid: { start, end, step: 1 }, to: end })).series[0].points.map(([time]) => time);
  await points(0, 30);
  const later = await points(5, 33);
  equal("only what is new is asked for", asked, [[0, 30], [20, 33]]);
  equal("and nothing is lost or doubled", later, Array.from({ length: 29 }, (none, index) => index + 5));
  await points(100, 110);
  equal("after a pause all is asked for", asked.at(-1), [100, 110]);
  await points(90, 110);
  equal("and of an earlier time", asked.at(-1), [90, 110]);

  const { sections } = await load("grid");
  const at = (id, y, more) => ({ id, type: "stat", gridPos: { x: 0, y, w: 1, h: 1 }, ...more });
  equal("rows own what follows", sections([at(4, 3), at(1, 0), at(2, 1, { type: "row" }), at(5, 4, { type: "row", panels: [at(6, 5)] })])
    .map(({ row, panels }) => [row?.id ?? null, panels.map(({ id }) => id)]), [[null, [1]], [2, [4]], [5, [6]]]);

  return failures;
})
