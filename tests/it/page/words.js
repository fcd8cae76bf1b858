// What the page says of runs, and that what is under the reader's hand stays there: a sentence for each that is wrong.
(async () => {
  const failures = [];
  const load = (name) => import(`loadgate/${name}.js`);
  const equal = (what, actual, expected) => {
    const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (is !== should) failures.push(`${what}: ${is}, expected ${should}`);
  };

  const { ago, bytes, counted, duration, milliseconds, percent, quantity } = await load("format");
  for (const [seconds, expected] of [[0, "0s"], [0.4, "0s"], [12.6, "13s"], [60, "1m"], [65, "1m 5s"], [3600, "1h"], [3725, "1h 2m"], [90_000, "1d 1h"], [-3, "0s"]]) {
    equal(`${seconds} seconds`, duration(seconds), expected);
  }
  for (const [value, expected] of [[0.1234, "0.1234 ms"], [43, "43 ms"], [999.94, "999.9 ms"], [1250, "1.25 s"]]) equal(`${value} ms`, milliseconds(value), expected);
  for (const [value, expected] of [[0, "0 B"], [999, "999 B"], [1500, "1.5 kB"], [12_345_678, "12.3 MB"]]) equal(`${value} bytes`, bytes(value), expected);
  equal("no value", quantity(null, "ms"), "no data");
  equal("a share", percent(0.0123), "1.23 %");
  equal("one", counted(1, "line"), "1 line");
  equal("many", counted(12_000, "line"), "12,000 lines");
  const now = Date.parse("2026-11-21T12:00:00Z");
  for (const [moment, expected] of [["11:59:30", "just now"], ["11:55:00", "5 min. ago"], ["10:00:00", "2 hr. ago"]]) equal(moment, ago(`2026-11-21T${moment}Z`, now), expected);

  const { standing, titleOf } = await load("state");
  for (const [run, expected] of [
    [{ state: "running", verdict: null }, "● running · a"],
    [{ state: "finished", verdict: "passed" }, "✓ passed · a"],
    [{ state: "finished", verdict: "preflight_failed" }, "! preflight failed · a"],
    [{ state: "interrupted", verdict: null }, "⚡ interrupted · a"],
    [{ verdict: "failed" }, "✗ failed · a"],
  ]) equal(JSON.stringify(run), titleOf({ test: "a", ...run }), expected);
  equal("a verdict of a later daemon", standing({ state: "finished", verdict: "toString" }).word, "toString");

  const { describe, Gates } = await load("gates");
  const threshold = { kind: "threshold", metric: "checks", threshold: "rate>0.9", value: 0.5, limit: 0.9, unit: null, outcome: "crossed", effect: "failed", message: "rate=50.00%" };
  const alert = { kind: "alert", alert: "Slow", group: "g", prometheus: null, fired: { value: 3, annotations: { runbook_url: "javascript:alert(1)" } }, outcome: "fired", effect: "failed", message: "fired" };
  equal("a threshold on a share", describe(threshold), { name: "checks", demand: "rate>0.9", found: "50 %", limit: "90 %" });
  equal("a threshold without data", describe({ ...threshold, threshold: "p(95)<5s", unit: "ms", value: null, limit: 5000 }).found, "no data");
  equal("an alert", describe(alert), { name: "Slow", demand: "must not fire (g)", found: "3", limit: "" });
  equal("a recovery", describe({ kind: "recovery", fault: "stall", stable_for_seconds: 10, within_seconds: 60, recovery_seconds: null }),
    { name: "recovery from stall", demand: "stable for 10s", found: "", limit: "within 1m" });
  equal("a verification", describe({ kind: "verification", verification: "stock", asked: "redis", found: "1", wanted: "equals 0" }),
    { name: "stock", demand: "redis", found: "1", limit: "equals 0" });

  const { reasons } = await load("verdict");
  const ended = (verdict, more = {}) => ({ state: "finished", verdict, ended_by: null, ...more });
  const held = { ...threshold, outcome: "held", effect: "none" };
  for (const [what, run, summary, expected] of [
    ["passed", ended("passed"), { gates: [held, held] }, ["2 of 2 gates held, none failed"]],
    ["nothing judged", ended("passed"), { gates: [] }, ["nothing was judged"]],
    ["failed", ended("failed"), { gates: [held, threshold, alert] }, ["checks rate>0.9: rate=50.00%", "alert Slow: fired"]],
    ["inconclusive", ended("inconclusive"), { gates: [{ ...threshold, effect: "inconclusive", message: "no data" }], doubts: ["too late"] }, ["too late", "checks rate>0.9: no data"]],
    ["stopped", ended("stopped", { ended_by: "stopped by a request" }), { gates: [held] }, ["stopped by a request"]],
    ["under way", { state: "running" }, { gates: [threshold] }, ["checks rate>0.9: rate=50.00%, so far"]],
    ["under way, without a summary", { state: "preflight" }, null, []],
  ]) equal(what, reasons(run, summary), expected);

  const { sentEvents } = await load("sse");
  const chunks = ["id: 1\nevent: st", "ate\ndata: {\"a\":\n", "data: 1}\n\n: nothing", " new\n\nid: 2\ndata: ü\n\nid: 3\ndata: cut"];
  let pieces = 0;
  const heard = [];
  const bytesOf = new ReadableStream({ start(out) { for (const chunk of chunks) out.enqueue(new TextEncoder().encode(chunk)); out.close(); } });
  for await (const event of sentEvents(bytesOf, () => { pieces += 1; })) heard.push(event);
  equal("events", heard, [{ id: "1", event: "state", data: "{\"a\":\n1}" }, { id: "2", event: "message", data: "ü" }]);
  equal("pieces that were heard", pieces, 4);

  const { address } = await load("router");
  equal("an address", address("/compare", { a: "1", b: "", c: null, d: ["x y", "ü"] }), "#/compare?a=1&d=x+y&d=%C3%BC");

  const { Children, element, outsideLink } = await load("elements");
  for (const wrong of ["javascript:alert(1)", "data:text/html,x", "alerting/runbooks/A.md", "https://"]) equal(wrong, outsideLink(wrong).tagName, "CODE");
  equal("a link", outsideLink("https://example.com/a").rel, "noopener noreferrer");
  const list = document.body.appendChild(element("ul"));
  const children = new Children(list, (key) => ({ element: element("li", {}, element("button", {}, key)), update() {} }));
  const put = (...keys) => children.update(keys.map((key) => [key, key]));
  put("a", "b", "c");
  list.children[1].firstChild.focus();
  put("x", "b", "c", "y");
  put("c", "b");
  equal("children in their order", [...list.children].map((item) => item.textContent), ["c", "b"]);
  put("n", "b");
  equal("what has the focus", document.activeElement.textContent, "b");

  const gates = new Gates();
  document.body.append(gates.element);
  gates.update([held, threshold], { isFinal: false });
  const row = gates.element.querySelector("tbody tr");
  gates.update([{ ...held, value: 0.95 }, threshold], { isFinal: false });
  equal("a row that is updated in place", [row.isConnected, row.children[3].textContent], [true, "95 %"]);
  gates.update([held, { ...alert, alert: "<b>" }], { isFinal: true });
  equal("what failed stands on top in the end", gates.element.querySelector("tbody th").textContent, "<b>");
  equal("no link to a script", gates.element.querySelectorAll("a, b").length, 0);

  const { Log } = await load("log");
  const log = new Log();
  document.body.append(log.element);
  log.append(Array.from({ length: 12_000 }, (_, at) => `line ${at + 1}`));
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const lines = () => log.element.querySelectorAll(".log-lines span");
  equal("lines that are shown", [log.length, lines().length, lines()[1999].textContent], [12_000, 2000, "line 12000\n"]);
  const filter = log.element.querySelector("input[type=search]");
  filter.value = "LINE 1199";
  filter.dispatchEvent(new Event("input"));
  equal("lines with a text", lines().length, 10);
  return failures;
})
