// How a dashboard's variables are asked for: all at once, and again what hangs on something that turned out to be another.
(async () => {
  const { Variables } = await import("loadgate/variables.js");
  const failures = [];
  const equal = (what, found, expected) => {
    const [is, be] = [found, expected].map((value) => JSON.stringify(value));
    if (is !== be) failures.push(`${what}: ${is} is not ${be}`);
  };
  const variable = (name, query, more) => ({ name, type: "query", query, ...more });
  const all = { includeAll: true, multi: true, allValue: ".+" };

  /** Holds its answers back until they are let go. */
  class Source {
    asked = [];
    held = [];
    labelValues(match, label) {
      this.asked.push(`${label} of ${match}`);
      return new Promise((resolve) => this.held.push(() => resolve(label === "job" ? ["b", "a"] : ["x"])));
    }
    letGo() {
      this.held.splice(0).forEach((answer) => answer());
    }
  }
  const of = (list, source, initial = {}) => new Variables(list, { source, fixed: {}, initial, isRecorded: false, onChange: () => {} });
  const chain = (more) => [
    variable("job", "label_values(up, job)", more),
    variable("instance", 'label_values(up{job=~"$job"}, instance)', all),
    variable("run", 'label_values(info{job=~"$job", instance=~"$instance"}, run)', all),
  ];

  let source = new Source();
  let variables = of(chain(all), source);
  equal("known without asking", variables.areKnown, true);
  let loaded = variables.load({ from: 0, to: 1 });
  equal("asked at once", source.asked, ["job of up", 'instance of up{job=~".+"}', 'run of info{job=~".+", instance=~".+"}']);
  source.letGo();
  await loaded;
  equal("and once", source.asked.length, 3);

  source = new Source();
  variables = of(chain({ sort: 1 }), source);
  equal("not known: it is the first there is", variables.areKnown, false);
  loaded = variables.load({ from: 0, to: 1 });
  equal("all at once again", source.asked.length, 3);
  source.letGo();
  for (let turn = 0; turn < 10; turn += 1) await null;
  source.letGo();
  await loaded;
  equal("what hangs on it is asked again", source.asked.slice(3), ['instance of up{job=~"a"}', 'run of info{job=~"a", instance=~".+"}']);
  equal("what is offered", variables.open.map(({ chosen }) => chosen), [["a"], ["$__all"], ["$__all"]]);

  variables = of(chain(all), source, { job: ["b"] });
  equal("what was picked may be gone", variables.areKnown, false);
  return failures;
})()
