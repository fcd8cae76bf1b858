// How a dashboard asks a daemon: what is asked at once, when, and what becomes of it. A sentence for all that is otherwise.
(async () => {
  const { mountDashboard } = await import("loadgate/dashboard.js");
  const { LiveSource } = await import("loadgate/source.js");
  const failures = [];
  const check = (what, isSo) => isSo || failures.push(what);
  const frames = async (count) => {
    for (let frame = 0; frame < count; frame += 1) await new Promise(requestAnimationFrame);
  };
  const until = async (what, isSo) => {
    for (let frame = 0; frame < 1200; frame += 1) {
      if (isSo()) return;
      await frames(1);
    }
    failures.push(`waited in vain until ${what}`);
  };

  /** A daemon whose answers are held back until they are let go. */
  class Daemon {
    held = [];
    asked = [];
    most = 0;
    refusal = null;

    get(path, { signal } = {}) {
      const query = new URLSearchParams(path.split("?")[1]).get("query");
      if (query === "time()") return Promise.resolve({ data: { resultType: "scalar", result: [0, String(Date.now() / 1000)] } });
      this.asked.push(query);
      if (this.refusal) return Promise.reject(new Error(this.refusal));
      return new Promise((resolve, reject) => {
        const one = { query, isAborted: false, answer: () => resolve({ data: { resultType: "vector", result: [{ metric: {}, value: [0, "1"] }] } }) };
        signal.addEventListener("abort", () => {
          one.isAborted = true;
          reject(signal.reason);
        });
        this.held.push(one);
        this.most = Math.max(this.most, this.held.length);
      });
    }

    letGo() {
      for (const one of this.held.splice(0)) one.answer();
    }
  }

  const panel = (id, y) => ({
    id, type: "stat", title: `Panel ${id}`, gridPos: { x: (id % 6) * 4, y, w: 4, h: 4 },
    targets: [{ refId: "A", expr: `metric_${id}`, instant: true }],
  });
  const main = document.querySelector("main");
  const mount = (daemon, panels, refresh) => mountDashboard(main, {
    dashboard: { uid: "d", panels }, source: new LiveSource(daemon), range: { window: 60, live: true }, refresh,
  });
  const state = (id) => main.querySelector(`[data-panel="${id}"]`).dataset.state;
  const twelve = Array.from({ length: 12 }, (none, index) => panel(index, Math.floor(index / 6) * 4));
  const far = panel(99, 400);

  const daemon = new Daemon();
  let view = mount(daemon, [...twelve, far], 0.01);
  await until("six are asked", () => daemon.held.length === 6);
  await frames(20);
  check(`more than six at once: ${daemon.most}`, daemon.most === 6);
  check(`asked again while it was under way: ${daemon.asked}`, new Set(daemon.asked).size === daemon.asked.length);
  for (let round = 0; round < 40 && !twelve.every(({ id }) => state(id) === "drawn"); round += 1) {
    daemon.letGo();
    await frames(2);
  }
  check("each panel is drawn", twelve.every(({ id }) => state(id) === "drawn"));
  check("what is far below is not asked for", !daemon.asked.includes("metric_99"));
  main.querySelector('[data-panel="99"]').scrollIntoView();
  await until("what is looked at is asked for", () => {
    daemon.letGo();
    return state(99) === "drawn";
  });
  scrollTo(0, 0);

  const before = daemon.asked.length;
  await until("it is refreshed", () => {
    daemon.letGo();
    return daemon.asked.length > before + 12;
  });
  Object.defineProperty(document, "hidden", { value: true, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
  for (let round = 0; round < 10; round += 1) {
    daemon.letGo();
    await frames(2);
  }
  const unseen = daemon.asked.length;
  await frames(20);
  check("nobody looks, and it asks", daemon.asked.length === unseen);
  delete document.hidden;
  document.dispatchEvent(new Event("visibilitychange"));
  await until("somebody looks again", () => daemon.asked.length > unseen);
  await until("six are under way", () => daemon.held.length === 6);
  const open = [...daemon.held];
  view.destroy();
  check("what is under way is given up", open.every((one) => one.isAborted));
  check("nothing is left", main.childElementCount === 0);

  const refusing = new Daemon();
  refusing.refusal = "parse error: <b>here</b>";
  view = mount(refusing, [panel(1, 0)], 0.01);
  await until("the error is shown", () => state(1) === "error");
  check("the error in words", main.querySelector(".panel-message").textContent === refusing.refusal);
  const refused = refusing.asked.length;
  await frames(20);
  check("a wrong question is not asked again at once", refusing.asked.length === refused);
  refusing.refusal = null;
  view.update({ range: { window: 30, live: true } });
  await until("another time is asked for", () => {
    refusing.letGo();
    return state(1) === "drawn";
  });
  check("the error is gone", main.querySelector(".panel-message").hidden);
  view.destroy();
  return failures;
})()
