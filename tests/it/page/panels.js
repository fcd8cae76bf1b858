// A dashboard with each type of panel, mounted over a report's frames whose labels are hostile; `mounted` is its handle.
(async () => {
  const { mountDashboard } = await import("loadgate/dashboard.js");
  const { RecordedSource } = await import("loadgate/source.js");
  const EVIL = "<img src=x onerror=globalThis.ran=1>";
  const LONG = "x".repeat(10_000);
  const from = 1_700_000_000;
  const range = { from, to: from + 300, step: 5 };
  const course = (labels, value) => ({ labels, t0: from, values: Array.from({ length: 61 }, (none, at) => value(at)) });
  const frames = {
    "all/1/A": { series: [course({ s: "a" }, (at) => 10 + at), course({ s: EVIL }, (at) => (at > 20 && at < 30 ? null : 5)), course({ s: LONG }, () => 1)] },
    "all/2/A": { instant: [{ labels: { s: EVIL }, value: 1.5 }] },
    "all/3/A": { instant: [{ labels: { s: "dial" }, value: 0.25 }] },
    "all/4/A": { instant: [{ labels: { s: EVIL }, value: 3 }, { labels: { s: "b" }, value: "NaN" }] },
    "all/5/A": { instant: [{ labels: { s: EVIL, t: "one" }, value: 2 }, { labels: { s: "b", t: LONG }, value: 1 }] },
    "all/6/A": { series: ["0.1", "1", "+Inf"].map((le, at) => course({ le }, (time) => (at + 1) * 5 + (time % 7))) },
    "all/8/A": { error: "no such function: evil(" },
    "all/9/A": { series: [] },
    "all/12/A": { series: [course({ s: "course" }, (at) => 1000 + at * 7)] },
    "all/13/A": { instant: [{ labels: { s: "message_response_time{scenario:chat} p(90)<10s" }, value: 2 }, { labels: { s: "b" }, value: 1 }] },
    "all/14/A": { instant: [1, 2].map((value) => ({ labels: { test: "chat-streaming", metric: "message_response_time{scenario:chat}", threshold: "p(99)<20000", slo: "first message", level: "critical", testid: "01a2011e76df-1c61" }, value })) },
    "all/annotation/Fault": { series: [course({ s: EVIL }, (at) => (at === 30 ? 1 : 0))] },
  };
  const target = (more) => [{ refId: "A", expr: "x", legendFormat: "{{s}}", ...more }];
  const now = { instant: true };
  const panel = (id, type, title, more) => ({
    id, type, title, description: `What ${title} is`, targets: target(), fieldConfig: { defaults: { unit: "s" }, overrides: [] },
    gridPos: { x: (id % 3) * 8, y: Math.floor(id / 3) * 8, w: 8, h: 8 }, options: {}, ...more,
  });
  const mapped = { defaults: { mappings: [{ type: "value", options: { 1: { text: "one!", color: "green" } } }] }, overrides: [] };
  const dashboard = {
    uid: "all", title: "All", graphTooltip: 1, templating: { list: [] },
    annotations: { list: [{ name: "Fault", enable: true, expr: "x", iconColor: "red", textFormat: "{{s}}" }] },
    panels: [
      panel(1, "timeseries", "Curves of $test", { options: { legend: { displayMode: "table", placement: "bottom", calcs: ["mean", "max"], showLegend: true }, tooltip: { mode: "multi" } } }),
      panel(2, "stat", "Number", { targets: target(now), options: { textMode: "value_and_name" } }),
      panel(3, "gauge", "Dial", { targets: target(now), fieldConfig: { defaults: { unit: "percentunit", min: 0, max: 1 }, overrides: [] } }),
      panel(4, "bargauge", "Bars", { targets: target(now) }),
      panel(5, "table", "Rows", { targets: target({ ...now, format: "table" }), fieldConfig: mapped, options: { sortBy: [{ displayName: "Value", desc: true }] } }),
      panel(6, "heatmap", "Spread", { targets: target({ format: "heatmap", legendFormat: "{{le}}" }), options: { yAxis: { unit: "s" } } }),
      panel(7, "text", "Words", { targets: [], options: { mode: "markdown", content: `**bold** [x](javascript:ran=1) ${EVIL}` } }),
      panel(8, "timeseries", "Refused"),
      panel(9, "timeseries", "Empty", { fieldConfig: { defaults: { noValue: "Nothing was asked" }, overrides: [] } }),
      panel(12, "stat", "Course", { options: { graphMode: "area" }, gridPos: { x: 0, y: 32, w: 4, h: 4 } }),
      panel(13, "bargauge", "Long names", { targets: target(now), gridPos: { x: 4, y: 32, w: 8, h: 5 } }),
      panel(14, "table", "Wide", { targets: target({ ...now, format: "table" }), gridPos: { x: 0, y: 38, w: 14, h: 8 } }),
      { id: 10, type: "row", title: "More of $test", collapsed: true, gridPos: { x: 0, y: 40, w: 24, h: 1 }, panels: [panel(11, "stat", "Folded", { targets: target(now) })] },
    ],
  };
  const source = new RecordedSource({ frames, range, variables: { test: EVIL } });
  globalThis.zoomed = [];
  globalThis.mounted = mountDashboard(document.querySelector("main"), {
    dashboard, source, range: { from: range.from, to: range.to }, onRange: (range) => globalThis.zoomed.push(range),
  });
})()
