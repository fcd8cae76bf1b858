//! The judgement as tables: what Prometheus answers, and what is made of it.

use serde_json::{Value, json};

use super::answer::labels;
use super::*;
use crate::labels::Labels;
use crate::metric::{Catalog, Unit};
use crate::rules::{
    AlertOutcome, Evaluator, Firing, Gravity, Outcome, RuleFile, Scope, ThresholdGate, ThresholdRules,
};

const RULES: &str = "
groups:
  - name: g
    rules:
      - {alert: Slow, expr: 'latency{a=\"1\",b=\"2\"}   > 0.5', labels: {severity: critical}}
      - {alert: Slow, expr: 'latency > 0.1', labels: {severity: warning}}
      - {alert: Lossy, expr: 'rate(errors[1m]) > 1', for: 5s, labels: {gate: inconclusive, of: '{{ $labels.a }}'}}
      - {alert: Told, expr: up == 0, labels: {gate: none}}
";

fn wanted(text: &str) -> WantedRules {
    let file = RuleFile::read("rules/slo.yml", text).unwrap().file;
    let scope = Scope { test: "t", catalog: &Catalog::default(), probes: &[], warmup: Duration::ZERO };
    WantedRules::new(&[file], &ThresholdRules::compile(&[], scope).unwrap())
}

fn rule(name: &str, query: &str, labels: Value) -> Value {
    json!({"name": name, "query": query, "labels": labels, "health": "ok", "type": "alerting"})
}

fn groups(rules: Vec<Value>) -> Vec<RuleGroup> {
    let answer = json!({"groups": [{
        "name": "there", "file": "/etc/slo.yml", "interval": 2.0, "rules": rules,
        "lastEvaluation": "2026-11-21T18:00:10Z", "evaluationTime": 0.1,
    }]});
    serde_json::from_value::<RuleGroups>(answer).unwrap().groups
}

/// All of [`RULES`], as Prometheus tells them.
fn all() -> Vec<Value> {
    vec![
        rule("Slow", r#"latency{b="2",a="1"} > 0.5"#, json!({"severity": "critical"})),
        rule("Slow", "latency > 0.1", json!({"severity": "warning"})),
        rule("Lossy", "rate(errors[60s]) > 1", json!({"gate": "inconclusive", "of": "{{ $labels.a }}"})),
        rule("Told", "up == 0", json!({"gate": "none"})),
    ]
}

#[test]
fn an_expression_is_the_same_however_it_is_written() {
    for (here, there, same) in [
        ("a > 1", "a>1", true),
        ("sum by (x) (rate(a[60s]))", "sum by(x)(rate(a[1m]))", true),
        ("sum(rate(a[1m])) by (x)", "sum by (x) (rate(a[1m]))", true),
        (r#"a{x="1",y=~"2|3"} # why"#, r#"a{y=~"2|3",x="1"}"#, true),
        ("a > 1e3", "a > 1000", true),
        ("a\n  and on (b)\n  c", "a and on (b) c", true),
        ("a unless on () c == bool 1", "a unless on () c == bool 1", true),
        ("a > 1", "a >= 1", false),
        ("a > 1", "a > 1.0000001", false),
        ("a[1m] offset 5s", "a[1m]", false),
        ("(a + b) * c", "a + b * c", false),
        ("a > 1", "a >", false),
    ] {
        let query = |text: &str| crate::promql::Query::parse(text).map(|query| wanted::normal(&query));
        assert_eq!(query(here) == query(there), same, "{here} and {there}");
    }
}

#[test]
fn each_gate_of_the_plan_must_be_loaded_with_its_expression() {
    let wanted = wanted(RULES);
    let said = |rules: Vec<Value>| -> Vec<String> {
        let groups = groups(rules);
        let doubts = loaded::doubts("http://p:9090", &wanted, &loaded(&wanted, &groups));
        doubts.iter().map(ToString::to_string).collect()
    };
    assert_eq!(said(all()), [""; 0]);
    let mut rules = all();
    rules.remove(3);
    rules.remove(1);
    assert_eq!(said(rules), [""; 0], "what decides nothing may be missing");
    let mut rules = all();
    rules.remove(2);
    rules[0]["query"] = "latency > 0.7".into();
    let expected = [
        "Prometheus (http://p:9090) has the alert `Slow` with another expression: load rules/slo.yml as it is now",
        "Prometheus (http://p:9090) has not loaded the alert `Lossy`: name rules/slo.yml in its rule_files, and reload it",
    ];
    assert_eq!(said(rules), expected);
    let mut rules = all();
    rules[0]["health"] = "err".into();
    rules[0]["lastError"] = "many-to-many".into();
    rules[3]["health"] = "err".into();
    let expected = "Prometheus (http://p:9090) fails to evaluate the alert `Slow`: many-to-many";
    assert_eq!(said(rules), [expected]);
}

#[test]
fn final_values_are_judged_once_each_group_was_evaluated_after_them() {
    let wanted = wanted(RULES);
    let evaluated_ms = 1_795_284_010_000;
    for (since_ms, interval, took, late) in [
        (evaluated_ms - 1, 2.0, 0.1, false),
        (evaluated_ms, 2.0, 0.1, true),
        (evaluated_ms + 1, 2.0, 0.1, true),
        // Too slow for its interval: the evaluation may be of 2 s before.
        (evaluated_ms - 1_999, 2.0, 2.5, true),
        (evaluated_ms - 2_001, 2.0, 2.5, false),
    ] {
        let mut groups = groups(all());
        groups[0].interval = interval;
        groups[0].evaluation_time = took;
        let found = loaded::unevaluated(&loaded(&wanted, &groups), since_ms).map(str::to_owned);
        assert_eq!(found.as_deref(), late.then_some("there"), "{since_ms} {took}");
    }
    let mut never = groups(all());
    never[0].last_evaluation = "0001-01-01T00:00:00Z".to_owned();
    assert!(loaded::unevaluated(&loaded(&wanted, &never), 0).is_some());
    let others = groups(vec![rule("Other", "up", json!({}))]);
    assert!(loaded::unevaluated(&loaded(&wanted, &others), i64::MAX).is_none(), "not the plan's");
}

/// `ALERTS` and `ALERTS_FOR_STATE` of one alert: (second, since when it has held) where it fires.
fn alert(pairs: &[(&str, &str)], fires: &[(i64, i64)]) -> Vec<FoundSeries> {
    let metric = |name: &str, state: &[(&str, &str)]| -> Value {
        let pairs = pairs.iter().chain(state).map(|(name, value)| ((*name).to_owned(), (*value).into()));
        pairs.chain([("__name__".to_owned(), name.into())]).collect::<serde_json::Map<_, _>>().into()
    };
    let firing: Vec<Value> = fires.iter().map(|(at, _)| json!([at, "1"])).collect();
    let since: Vec<Value> = fires.iter().map(|(at, since)| json!([at, since.to_string()])).collect();
    let answer = json!({"result": [
        {"metric": metric(ALERTS, &[("alertstate", "firing")]), "values": firing},
        {"metric": metric(ALERTS, &[("alertstate", "pending")]), "values": [[101, "1"]]},
        {"metric": metric(ALERTS_FOR_STATE, &[]), "values": since},
    ]});
    serde_json::from_value::<Found>(answer).unwrap().result
}

/// What fires in a window that opens at 100 s, of the run `t1`; Prometheus' clock is 30 s ahead.
fn fired_of(wanted: &WantedRules, rules: Vec<Value>, found: Vec<FoundSeries>) -> Vec<AlertGate> {
    let groups = groups(rules);
    let mut series = AlertSeries::default();
    found.iter().for_each(|found| series.add(found));
    let window = Window {
        server: "http://p:9090",
        testid: "t1",
        opened_at_ms: 100_000,
        final_at_ms: 200_000,
        ahead_ms: 30_000,
    };
    fired::gates(&series, &loaded(wanted, &groups), window)
}

#[test]
fn what_fired_in_the_window_counts_and_what_fired_before_it_does_not() {
    let slow = [("alertname", "Slow"), ("severity", "critical")];
    for (why, fires, at) in [
        ("never", vec![], None),
        ("at its first moment", vec![(100, 100), (101, 100)], Some(100)),
        ("came and went", vec![(120, 118)], Some(120)),
        ("before it only", vec![(90, 80), (99, 80)], None),
        ("since before it", vec![(99, 80), (100, 80), (101, 80)], None),
        ("since before it, and anew", vec![(99, 80), (100, 80), (130, 128)], Some(130)),
        ("before it, and anew", vec![(99, 80), (104, 103), (105, 103)], Some(104)),
        ("pending when it opened", vec![(102, 95)], Some(102)),
        ("at the first evaluation of the final values", vec![(202, 202)], Some(202)),
        ("when the load was over", vec![(203, 203)], None),
    ] {
        let gates = fired_of(&wanted(RULES), all(), alert(&slow, &fires));
        let found = gates.first().map(|gate| match &gate.outcome {
            AlertOutcome::Fired { first, .. } => first.at_ms,
            other => panic!("{other:?}"),
        });
        assert_eq!(found, at.map(|at: i64| at * 1000 - 30_000), "{why}, by our own clock");
    }
}

#[test]
fn alerts_without_an_age_count_wherever_they_fire_in_the_window() {
    let mut found = alert(&[("alertname", "Slow"), ("severity", "critical")], &[(99, 80), (100, 80)]);
    found.pop();
    assert_eq!(fired_of(&wanted(RULES), all(), found).len(), 1);
}

#[test]
fn an_alert_weighs_what_its_rule_says() {
    let relabelled = || vec![rule("Slow", r#"latency{a="1",b="2"} > 0.5"#, json!({"team": "x"}))];
    let renamed = || vec![rule("Slow", "latency > 9", json!({"team": "x"}))];
    let other = || vec![rule("Other", "up == 0", json!({"gate": "fail"}))];
    let (slow, t1) = (("alertname", "Slow"), ("testid", "t1"));
    let (fail, doubt) = (Some(Gravity::Fail), Some(Gravity::Inconclusive));
    for (why, rules, labels, gravity) in [
        ("critical", all(), vec![slow, ("severity", "critical")], fail),
        ("of this run", all(), vec![slow, ("severity", "critical"), t1], fail),
        ("of another", all(), vec![slow, ("severity", "critical"), ("testid", "t2")], None),
        ("warning", all(), vec![slow, ("severity", "warning")], None),
        ("inconclusive", all(), vec![("alertname", "Lossy"), ("gate", "inconclusive"), ("of", "7")], doubt),
        ("none", all(), vec![("alertname", "Told"), ("gate", "none")], None),
        ("other labels there, the same rule", relabelled(), vec![slow, ("team", "x")], fail),
        ("another rule of this name", renamed(), vec![slow, ("team", "x"), ("severity", "critical")], None),
        (
            "not the plan's, but about the run",
            other(),
            vec![("alertname", "Other"), ("gate", "fail"), t1],
            fail,
        ),
        ("not the plan's, and not about it", other(), vec![("alertname", "Other"), ("gate", "fail")], None),
        (
            "not the plan's, severity is not enough",
            other(),
            vec![("alertname", "O"), ("severity", "page"), t1],
            None,
        ),
    ] {
        let gates = fired_of(&wanted(RULES), rules, alert(&labels, &[(110, 110)]));
        assert_eq!(gates.first().map(|gate| gate.gravity), gravity, "{why}");
    }
}

#[test]
fn a_gate_shows_its_first_alert_and_counts_the_others() {
    let mut rules = all();
    let labels_of = |a: &str| json!({"alertname": "Slow", "severity": "critical", "a": a});
    rules[0]["alerts"] = json!([
        {"labels": labels_of("2"), "annotations": {"summary": "slow"}, "value": "7.5e-01", "state": "firing"},
    ]);
    let slow =
        |a, fires: &[(i64, i64)]| alert(&[("alertname", "Slow"), ("severity", "critical"), ("a", a)], fires);
    let found = slow("1", &[(130, 130)]).into_iter().chain(slow("2", &[(120, 120)])).collect();
    let gates = fired_of(&wanted(RULES), rules, found);
    let labels = Labels::new([("alertname", "Slow"), ("severity", "critical"), ("a", "2")]);
    let annotations = [("summary".to_owned(), "slow".to_owned())].into();
    let first = Box::new(Firing { at_ms: 90_000, value: 0.75, labels, annotations });
    let expected = AlertGate {
        alert: "Slow".to_owned(),
        group: "there".to_owned(),
        file: "rules/slo.yml".to_owned(),
        gravity: Gravity::Fail,
        evaluator: Evaluator::Prometheus("http://p:9090".to_owned()),
        outcome: AlertOutcome::Fired { first, others: 1 },
    };
    assert_eq!(gates, [expected]);
}

#[test]
fn who_comes_to_another_conclusion_is_told() {
    let wanted = wanted(RULES);
    let gate = |alert: &str, gravity, fired: bool, evaluator| {
        let firing = Firing {
            at_ms: 0,
            value: 0.0,
            labels: Labels::empty(),
            annotations: std::collections::BTreeMap::default(),
        };
        let outcome = if fired {
            AlertOutcome::Fired { first: Box::new(firing), others: 0 }
        } else {
            AlertOutcome::Held
        };
        let [alert, group, file] = [alert, "g", "rules/slo.yml"].map(str::to_owned);
        AlertGate { alert, group, file, gravity, evaluator, outcome }
    };
    let here = |alert: &str, fired| Gate::Alert(gate(alert, Gravity::Fail, fired, Evaluator::Embedded));
    let there = |alert: &str| gate(alert, Gravity::Fail, true, Evaluator::Prometheus(String::new()));
    let informed = || Gate::Alert(gate("Told", Gravity::None, true, Evaluator::Embedded));
    for (loads, there, here, told) in [
        (all(), vec![], vec![here("Slow", false), informed()], vec![]),
        (all(), vec![there("Slow")], vec![here("Slow", true)], vec![]),
        (
            all(),
            vec![there("Slow")],
            vec![here("Slow", false)],
            vec!["the alert `Slow` fired in Prometheus, not here"],
        ),
        (all(), vec![], vec![here("Slow", true)], vec!["the alert `Slow` fired here, not in Prometheus"]),
        (vec![], vec![], vec![here("Slow", true)], vec![]),
    ] {
        let groups = groups(loads);
        assert_eq!(disagreements(&wanted, &loaded(&wanted, &groups), &there, &here), told);
    }
}

#[test]
fn thresholds_that_prometheus_has_loaded_are_compared_too() {
    let rules = "groups: [{name: g, rules: [{alert: T, expr: up, labels: {severity: critical, gate: fail, \
                 metric: http_reqs, threshold: 'count<1'}}]}]";
    let mut wanted = wanted(rules);
    wanted.0[0].must_be_loaded = false;
    let groups = groups(vec![rule("T", "up", json!({}))]);
    assert_eq!(loaded::doubts("", &wanted, &loaded(&wanted, &[])), [], "they need not be there");
    let gate = |outcome| {
        let (subject, threshold, unit) = ("http_reqs".to_owned(), "count<1".to_owned(), Unit::Plain);
        let (value, limit, objective) = (None, 1.0, None);
        [Gate::Threshold(ThresholdGate { subject, threshold, objective, value, limit, unit, outcome })]
    };
    let told = |outcome| disagreements(&wanted, &loaded(&wanted, &groups), &[], &gate(outcome));
    assert_eq!(told(Outcome::Held), [""; 0]);
    assert_eq!(told(Outcome::Crossed), ["the alert `T` fired here, not in Prometheus"]);
}

#[test]
fn the_interval_is_that_of_the_target_which_brought_the_run() {
    let targets: Vec<Target> = serde_json::from_value(json!([
        {"labels": {"job": "a", "instance": "h:1"}, "scrapeInterval": "5s"},
        {"labels": {"job": "b", "instance": "h:2"}, "scrapeInterval": "1m30s"},
        {"labels": {"job": "c", "instance": "h:3"}},
    ]))
    .unwrap();
    let of = |job: &str| {
        let found = json!({"result": [{"metric": {"job": job, "instance": "h:1"}, "value": [1, "0"]}]});
        serde_json::from_value::<Found>(found).unwrap().result
    };
    assert_eq!(scrape_interval(&targets, &of("a")), Duration::from_secs(5));
    assert_eq!(scrape_interval(&targets, &of("x")), Duration::from_secs(90));
    assert_eq!(scrape_interval(&targets, &[]), Duration::from_secs(90));
    assert_eq!(scrape_interval(&targets[2..], &[]), Duration::from_secs(60));
    assert_eq!(scrape_interval(&[], &[]), Duration::ZERO);
    assert_eq!(patience(Duration::ZERO, &[]), LEAST_PATIENCE);
    let (wanted, there) = (wanted(RULES), groups(all()));
    assert_eq!(patience(Duration::from_secs(5), &loaded(&wanted, &there)), Duration::from_secs(21));
}

#[test]
fn labels_of_an_answer_are_labels() {
    let pairs = [("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())].into();
    assert_eq!(labels(&pairs), Labels::new([("a", "1"), ("b", "2")]));
    assert_eq!(quoted("a\\b\"c\n"), r#""a\\b\"c\n""#);
}
