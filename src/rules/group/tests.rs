//! Groups on a store in memory, tick by tick.

use std::cell::Cell;
use std::time::Duration;

use super::*;
use crate::promql::notation::{self, StepValue};
use crate::promql::{Matcher, Source, TimeRange, is_stale};
use crate::rules::RuleFile;
use crate::rules::unit_test::Memory;

const TICK_MS: i64 = 5000;

/// A group over a store, with a tick of 5 s.
struct Bench {
    group: Group,
    memory: Memory,
    tick: i64,
    options: Options,
}

impl Bench {
    /// `rules` are the lines of the only group, from `rules:` on or before it.
    fn new(lines: &str) -> Self {
        let text = format!("groups:\n- name: g\n  interval: 5s\n{lines}");
        let file = RuleFile::read("rules.yml", &text).map_err(|problems| panic!("{problems}")).unwrap().file;
        let spec = file.groups.into_iter().next().unwrap();
        let group = Group::new(spec, DEFAULT_INTERVAL);
        Bench { group, memory: Memory::default(), tick: 0, options: Options::default() }
    }

    /// The next tick: first the series get what they have now (`x 1`, `y{a="b"} stale`), then the rules see it.
    fn tick(&mut self, series: &[&str]) -> Evaluation {
        let at_ms = self.tick * TICK_MS;
        for line in series {
            let (labels, values) = notation::series(line).unwrap();
            if let [StepValue::Point(value)] = values[..] {
                self.memory.append(&labels, Point { at_ms, value }).unwrap();
            }
        }
        self.evaluate(at_ms)
    }

    fn evaluate(&mut self, at_ms: i64) -> Evaluation {
        let context = Context {
            options: &self.options,
            external_labels: &Labels::new([("cluster", "test")]),
            external_url: "http://loadgate",
            stopwatch: &|| Duration::ZERO,
        };
        self.tick = at_ms / TICK_MS + 1;
        self.group.evaluate(&self.memory, at_ms, &context)
    }

    /// Of the alerts of the first rule, in the order of their labels: `F` fires, `P` is pending, `I` was resolved.
    fn states(&self) -> String {
        let letter = |alert: &ActiveAlert| match alert.state {
            AlertState::Firing => 'F',
            AlertState::Pending => 'P',
            AlertState::Inactive => 'I',
        };
        let states: String = self.group.rules()[0].alerts().map(letter).collect();
        if states.is_empty() { "-".to_owned() } else { states }
    }

    fn only_alert(&self) -> &ActiveAlert {
        self.group.rules()[0].alerts().next().unwrap()
    }

    /// Everything a metric has, a line for each series: `{a="b"} 0:1 5:1 10:stale`, times in seconds.
    fn written(&self, metric: &str) -> Vec<String> {
        let all = TimeRange { from_ms: i64::MIN, to_ms: i64::MAX };
        let found = self.memory.select(&[Matcher::equal("__name__", metric)], all).unwrap();
        let point = |point: &Point| {
            let value = if is_stale(point.value) { "stale".to_owned() } else { point.value.to_string() };
            format!("{}:{value}", point.at_ms / 1000)
        };
        let line = |series: &crate::promql::Series| {
            let points: Vec<String> = series.points.iter().map(point).collect();
            format!("{} {}", series.labels.without("__name__"), points.join(" "))
        };
        found.iter().map(line).collect()
    }
}

/// The states of an alert on `x > 0` at each tick, for each value of `x`.
fn states_over(options: &str, values: &str) -> String {
    let mut bench = Bench::new(&format!("  rules:\n  - alert: A\n    expr: x > 0\n{options}"));
    let state = |value: &str| {
        let failures = bench.tick(&[&format!("x {value}")]).failures;
        assert_eq!(failures, []);
        bench.states()
    };
    values.split(' ').map(state).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_alert_is_pending_until_for_has_passed_and_starts_anew_after_one_gap() {
    for (options, values, expected) in [
        ("", "0 1 1 0 1", "- F F I F"),
        ("    for: 0s\n", "1 0", "F I"),
        ("    for: 10s\n", "1 1 1 1 0 0", "P P F F I I"),
        ("    for: 10s\n", "1 1 0 1 1 1", "P P - P P F"),
        ("    for: 10s\n", "1 1 stale 1 1 1", "P P - P P F"),
        // Shorter than the interval: at the next tick.
        ("    for: 1s\n", "1 1", "P F"),
        ("    for: 5s\n", "1 1", "P F"),
        ("    for: 6s\n", "1 1 1", "P P F"),
        ("    keep_firing_for: 10s\n", "1 0 0 0 0", "F F F I I"),
        ("    keep_firing_for: 10s\n", "1 0 0 1 0 0 0", "F F F F F F I"),
        ("    keep_firing_for: 3s\n", "1 0 0", "F F I"),
        // What is only pending is not kept.
        ("    for: 5s\n    keep_firing_for: 10s\n", "1 0 1 1 0 0 0", "P - P F F F I"),
    ] {
        assert_eq!(states_over(options, values), expected, "{options:?} {values}");
    }
}

#[test]
fn an_alert_knows_when_it_became_what_it_is() {
    let mut bench =
        Bench::new("  rules:\n  - alert: A\n    expr: x > 0\n    for: 5s\n    keep_firing_for: 5s\n");
    let times = |bench: &Bench| {
        let alert = bench.only_alert();
        (alert.active_at_ms, alert.fired_at_ms, alert.keep_firing_since_ms, alert.resolved_at_ms)
    };
    bench.tick(&["x 1"]);
    assert_eq!(times(&bench), (0, None, None, None));
    bench.tick(&["x 2"]);
    assert_eq!(times(&bench), (0, Some(5000), None, None));
    assert_eq!(bench.only_alert().value, 2.0, "the value follows");
    bench.tick(&["x 0"]);
    assert_eq!(times(&bench), (0, Some(5000), Some(10_000), None));
    assert_eq!(bench.only_alert().value, 2.0, "the last one that held");
    bench.tick(&["x 0"]);
    assert_eq!(times(&bench), (0, Some(5000), Some(10_000), Some(15_000)));
    bench.tick(&["x 3"]);
    assert_eq!(times(&bench), (20_000, None, None, None), "another alert");
}

#[test]
fn a_resolved_alert_is_forgotten_after_fifteen_minutes() {
    let mut bench = Bench::new("  rules:\n  - alert: A\n    expr: x > 0\n");
    bench.tick(&["x 1"]);
    bench.tick(&["x 0"]);
    bench.evaluate(5000 + 15 * 60_000);
    assert_eq!(bench.states(), "I");
    bench.evaluate(5000 + 15 * 60_000 + 1);
    assert_eq!(bench.states(), "-");
}

#[test]
fn an_error_leaves_the_alerts_as_they_are_and_writes_nothing() {
    let mut bench = Bench::new("  rules:\n  - alert: A\n    expr: x > on () y\n    for: 10s\n");
    assert_eq!(bench.group.rules()[0].health(), Health::Unknown);
    assert_eq!(bench.group.rules()[0].state(), None);
    bench.tick(&["x 1", "y{a=\"1\"} 0"]);
    assert_eq!(bench.states(), "P");
    // A second series on one side: many-to-many.
    let failures = bench.tick(&["x 1", "y{a=\"2\"} 0", "y{a=\"1\"} 0"]).failures;
    assert_eq!(failures.len(), 1);
    let rule = &bench.group.rules()[0];
    assert_eq!(rule.last_error(), Some(failures[0].message.as_str()));
    assert_eq!((rule.health(), rule.state()), (Health::Err, Some(AlertState::Pending)));
    assert_eq!(bench.written("ALERTS"), ["{alertname=\"A\",alertstate=\"pending\"} 0:1"]);
    assert!(bench.tick(&["x 1", "y{a=\"2\"} stale"]).failures.is_empty());
    let rule = &bench.group.rules()[0];
    assert_eq!((rule.health(), rule.last_error()), (Health::Ok, None));
    assert_eq!(bench.states(), "F", "the time of the error counts");
}

#[test]
fn alerts_show_in_series_that_end_when_the_state_does() {
    let mut bench = Bench::new(
        "  rules:\n  - alert: A\n    expr: x > 0\n    for: 5s\n    labels: {severity: page, gone: '{{ $labels.none }}'}\n",
    );
    for x in ["x 1", "x 1", "x 1", "x 0", "x 0"] {
        bench.tick(&[x]);
    }
    assert_eq!(bench.only_alert().labels.to_string(), r#"{alertname="A",severity="page"}"#);
    // A label that came out empty shows as it is written there, as in Prometheus.
    let gone = r#"gone="{{ $labels.none }}""#;
    assert_eq!(
        bench.written("ALERTS"),
        [
            format!(r#"{{alertname="A",alertstate="firing",{gone},severity="page"}} 5:1 10:1 15:stale"#),
            format!(r#"{{alertname="A",alertstate="pending",{gone},severity="page"}} 0:1 5:stale"#),
        ]
    );
    let since = format!(r#"{{alertname="A",{gone},severity="page"}} 0:0 5:0 10:0 15:stale"#);
    assert_eq!(bench.written("ALERTS_FOR_STATE"), [since]);
}

#[test]
fn the_rules_of_a_group_see_each_other_at_one_moment_in_their_order() {
    let mut bench = Bench::new(
        "  labels: {from: group, own: group}\n  rules:\n  - alert: A\n    expr: doubled > 5\n  - record: doubled\n    expr: x * 2\n    labels: {own: '{{ rule }}'}\n  - alert: B\n    expr: doubled > 5\n",
    );
    let states = |bench: &Bench| {
        bench.group.rules().iter().map(|rule| rule.active_alerts().count()).collect::<Vec<_>>()
    };
    bench.tick(&["x 3"]);
    assert_eq!(states(&bench), [0, 0, 1]);
    bench.tick(&["x 3"]);
    assert_eq!(states(&bench), [1, 0, 1]);
    bench.tick(&["x stale"]);
    assert_eq!(bench.written("doubled"), [r#"{from="group",own="{{ rule }}"} 0:6 5:6 10:stale"#]);
    assert_eq!(states(&bench), [1, 0, 0], "the first rule saw what was before");
}

#[test]
fn two_alerts_or_records_with_one_label_set_are_an_error() {
    let mut bench = Bench::new(
        "  rules:\n  - alert: A\n    expr: x > 0\n    labels: {a: same}\n  - record: r\n    expr: x\n    labels: {a: same}\n",
    );
    let failures = bench.tick(&["x{a=\"1\"} 1", "x{a=\"2\"} 1"]).failures;
    let messages: Vec<&str> = failures.iter().map(|failure| failure.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "vector contains metrics with the same labelset after applying alert labels",
            "vector contains metrics with the same labelset after applying rule labels",
        ]
    );
    assert_eq!(bench.states(), "-");
    assert!(bench.written("r").is_empty());
}

#[test]
fn more_than_the_limit_is_an_error_and_gives_up_all_alerts() {
    let mut bench =
        Bench::new("  limit: 1\n  rules:\n  - alert: A\n    expr: x > 0\n  - record: r\n    expr: x > 0\n");
    bench.tick(&["x{a=\"1\"} 1"]);
    assert_eq!(bench.states(), "F");
    let failures = bench.tick(&["x{a=\"1\"} 1", "x{a=\"2\"} 1"]).failures;
    let messages: Vec<&str> = failures.iter().map(|failure| failure.message.as_str()).collect();
    assert_eq!(messages, ["exceeded limit of 1 with 2 alerts", "exceeded limit of 1 with 2 series"]);
    assert_eq!(bench.states(), "-");
    assert_eq!(bench.written("r"), [r#"{a="1"} 0:1"#], "nor does the error end a series");
}

#[test]
fn a_query_offset_looks_back_and_writes_back() {
    let mut bench = Bench::new(
        "  query_offset: 5s\n  rules:\n  - record: r\n    expr: x\n  - alert: A\n    expr: x > 1\n",
    );
    bench.tick(&["x 1"]);
    assert!(bench.written("r").is_empty());
    bench.tick(&["x 2"]);
    bench.tick(&["x 3"]);
    assert_eq!(bench.written("r"), ["{} 0:1 5:2"]);
    assert_eq!(bench.written("ALERTS"), [r#"{alertname="A",alertstate="firing"} 5:1"#]);
    assert_eq!(bench.group.rules()[1].alerts().next().unwrap().active_at_ms, 10_000);
}

#[test]
fn a_scalar_is_one_sample_without_labels_and_a_text_is_none() {
    let mut bench = Bench::new(
        "  rules:\n  - alert: A\n    expr: '1'\n  - record: r\n    expr: '2'\n  - record: s\n    expr: '\"text\"'\n  - record: t\n    expr: x[1m]\n",
    );
    let failures = bench.tick(&["x 1"]).failures;
    assert_eq!(bench.states(), "F");
    assert_eq!(bench.only_alert().labels.to_string(), r#"{alertname="A"}"#);
    assert_eq!(bench.written("r"), ["{} 0:2"]);
    let indices: Vec<usize> = failures.iter().map(|failure| failure.rule).collect();
    assert_eq!(indices, [2, 3]);
    assert_eq!(failures[0].message, "rule result is not a vector or scalar");
}

#[test]
fn a_sample_that_is_not_stored_is_an_error_of_its_rule() {
    let mut bench = Bench::new(
        "  rules:\n  - record: r\n    expr: x\n  - record: r\n    expr: x + 1\n  - record: r\n    expr: x\n",
    );
    let failures = bench.tick(&["x 1"]).failures;
    let [failure] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!(failure.rule, 1);
    assert!(failure.message.starts_with("duplicate sample for timestamp"), "{}", failure.message);
}

#[test]
fn annotations_follow_the_value_and_may_be_empty() {
    let mut bench = Bench::new(
        "  rules:\n  - alert: A\n    expr: x > 0\n    annotations: {summary: 'x of {{ $labels.a }} is {{ $value }} at {{ $externalLabels.cluster }}', empty: ''}\n",
    );
    bench.tick(&["x{a=\"1\"} 1"]);
    bench.tick(&["x{a=\"1\"} 2.5"]);
    let annotations: Vec<String> =
        bench.only_alert().annotations.iter().map(|(name, text)| format!("{name}: {text}")).collect();
    assert_eq!(annotations, ["empty: ", "summary: x of 1 is 2.5 at test"]);
}

#[test]
fn a_template_that_fails_says_so_and_the_alert_fires_all_the_same() {
    let mut bench = Bench::new(
        "  rules:\n  - alert: A\n    expr: x > 0\n    annotations: {summary: '{{ humanizeDuration \"soon\" }}'}\n",
    );
    bench.tick(&["x 1"]);
    let summary = &bench.only_alert().annotations["summary"];
    assert!(summary.starts_with("<error expanding template: "), "{summary}");
    assert_eq!(bench.states(), "F");
}

#[test]
fn a_template_can_ask_the_store_at_the_moment_of_the_rule() {
    let mut bench = Bench::new(
        "  rules:\n  - alert: A\n    expr: x > 0\n    annotations: {summary: '{{ with query \"y\" }}{{ . | first | value }}{{ end }}'}\n",
    );
    bench.tick(&["x 1", "y 7"]);
    assert_eq!(bench.only_alert().annotations["summary"], "7");
}

#[test]
fn notices_are_sent_on_firing_on_resolution_and_again_after_the_delay() {
    let mut bench = Bench::new("  rules:\n  - alert: A\n    expr: x > 0\n    for: 5s\n");
    let mut told = |series: &str| {
        let at_ms = bench.tick * TICK_MS;
        bench.tick(&[series]);
        let notices = bench.group.notices(at_ms, Duration::from_secs(10));
        let one = |notice: &Notice| format!("{} until {}", notice.alert.state, notice.ends_at_ms / 1000);
        format!("{}: {}", at_ms / 1000, notices.iter().map(one).collect::<Vec<_>>().join(" "))
    };
    let values = ["x 1", "x 1", "x 1", "x 1", "x 1", "x 0", "x 0", "x 0", "x 0"];
    assert_eq!(
        values.map(&mut told),
        [
            "0: ",
            "5: firing until 45",
            "10: ",
            "15: ",
            "20: firing until 60",
            "25: inactive until 25",
            "30: ",
            "35: ",
            "40: inactive until 25",
        ]
    );
}

#[test]
fn rules_in_error_send_no_notices() {
    let mut bench = Bench::new("  rules:\n  - alert: A\n    expr: x > on () y\n");
    bench.tick(&["x 1", "y{a=\"1\"} 0"]);
    bench.tick(&["x 1", "y{a=\"1\"} 0", "y{a=\"2\"} 0"]);
    assert_eq!(bench.group.notices(5000, Duration::ZERO), []);
    bench.tick(&["x 1", "y{a=\"2\"} stale"]);
    assert_eq!(bench.group.notices(10_000, Duration::ZERO).len(), 1);
}

#[test]
fn a_group_that_ends_ends_its_series() {
    let mut bench = Bench::new("  rules:\n  - record: r\n    expr: x\n");
    bench.tick(&["x 1"]);
    bench.group.end(&bench.memory, 5000);
    assert_eq!(bench.written("r"), ["{} 0:1 5:stale"]);
}

#[test]
fn how_long_an_evaluation_took_is_told_by_the_callers_watch() {
    let mut bench = Bench::new("  rules:\n  - record: r\n    expr: '1'\n  - record: s\n    expr: '1'\n");
    let now = Cell::new(Duration::ZERO);
    let stopwatch = || now.replace(now.get() + Duration::from_millis(1));
    let context = Context {
        options: &Options::default(),
        external_labels: &Labels::empty(),
        external_url: "",
        stopwatch: &stopwatch,
    };
    assert_eq!(bench.group.last_evaluation_ms(), None);
    bench.group.evaluate(&bench.memory, 1000, &context);
    assert_eq!(bench.group.last_evaluation_ms(), Some(1000));
    assert_eq!(bench.group.rules()[1].evaluation_time(), Duration::from_millis(1));
    assert_eq!(bench.group.evaluation_time(), Duration::from_millis(5));
}

#[test]
fn the_embedded_store_takes_what_rules_write_and_says_what_it_does_not() {
    let store = crate::tsdb::Store::new(16 << 20);
    let series = |name: &str, at_ms: i64, value: f64| {
        Storage::append(&store, &Labels::new([("__name__", name)]), Point { at_ms, value })
    };
    let text =
        "groups:\n- name: g\n  rules:\n  - record: r\n    expr: x * 2\n  - alert: A\n    expr: r > 1\n";
    let spec = RuleFile::read("rules.yml", text).unwrap().file.groups.remove(0);
    let mut group = Group::new(spec, DEFAULT_INTERVAL);
    let options = Options::default();
    let context = Context {
        options: &options,
        external_labels: &Labels::empty(),
        external_url: "",
        stopwatch: &|| Duration::ZERO,
    };
    series("x", 1000, 1.0).unwrap();
    assert_eq!(group.evaluate(&store, 1000, &context), Evaluation { samples: 3, failures: vec![] });
    assert_eq!(group.rules()[1].state(), Some(AlertState::Firing));
    series("x", 2000, STALE).unwrap();
    assert_eq!(group.evaluate(&store, 2000, &context), Evaluation::default());
    assert_eq!(group.rules()[1].state(), Some(AlertState::Inactive));
    assert_eq!(series("r", 1500, 1.0), Err(AppendError::OutOfOrder));
    assert_eq!(series("y", 1000, 1.0), Ok(()));
    assert_eq!(series("y", 1000, 1.0), Ok(()));
    assert_eq!(series("y", 1000, 2.0), Err(AppendError::Duplicate));
}
