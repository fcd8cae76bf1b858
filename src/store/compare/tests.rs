//! What is called a regression, and what is not: tables, and noise from a seeded generator.

use serde_json::{Value as Json, json};

use super::*;
use crate::store::{RunState, Trigger};

/// A closed model: ten users for a minute, so that a slower target also answers less often.
const VUS: f64 = 10.0;
const SECONDS: f64 = 60.0;
/// What a machine adds to a whole run, as a standard deviation. At 10 % a comparison is in the middle between none of it
/// and a fifth.
const DRIFT: f64 = 0.015;

fn record(name: &str, summary: Json) -> RunRecord {
    RunRecord {
        id: RunId(name.to_owned()),
        test: "chat".to_owned(),
        plan: "chat.yml".to_owned(),
        profile: None,
        tags: Vec::new(),
        trigger: Trigger::Api,
        state: RunState::Finished,
        submitted_ms: 0,
        started_ms: Some(0),
        ended_ms: Some(60_000),
        verdict: Some(summary["verdict"].as_str().unwrap_or("passed").to_owned()),
        exit_code: Some(0),
        ended_by: None,
        summary: Some(summary),
    }
}

fn trend(mut samples: Vec<f64>) -> Json {
    samples.sort_by(f64::total_cmp);
    let at = |share: f64| samples[((samples.len() as f64 * share).ceil() as usize).max(1) - 1];
    let values = json!({
        "avg": samples.iter().sum::<f64>() / samples.len() as f64,
        "min": samples[0],
        "med": at(0.5),
        "max": samples[samples.len() - 1],
        "p(90)": at(0.9),
        "p(95)": at(0.95),
        "p(99)": at(0.99),
        "count": samples.len(),
    });
    json!({"type": "trend", "contains": "time", "values": values})
}

fn counter(count: f64) -> Json {
    let values = json!({"count": count, "rate": count / SECONDS});
    json!({"type": "counter", "contains": "default", "values": values})
}

fn rate(share: f64, of: f64) -> Json {
    let passes = (share * of).round();
    let values = json!({"rate": share, "passes": passes, "fails": of - passes});
    json!({"type": "rate", "contains": "default", "values": values})
}

fn summary(metrics: Json) -> Json {
    json!({
        "duration_seconds": SECONDS,
        "verdict": "passed",
        "segment": null,
        "gates": [],
        "doubts": [],
        "metrics": metrics,
        "probes": {},
        "scenarios": [{"name": "main", "executor": "10 VUs for 1m"}],
    })
}

fn merged(mut summary: Json, with: Json) -> Json {
    for (key, value) in with.as_object().unwrap() {
        summary[key] = value.clone();
    }
    summary
}

/// Lognormal, as latencies are; `drift` is what the machine adds to a whole run.
fn noisy_run(rng: &mut fastrand::Rng, median_ms: f64, slower: f64) -> Json {
    fn normal(rng: &mut fastrand::Rng) -> f64 {
        (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos()
    }
    let drift = (DRIFT * normal(rng)).exp();
    let count = (VUS * SECONDS * 1e3 / (median_ms * slower * drift * 1.06)).min(20_000.0) as usize;
    let sample = |rng: &mut fastrand::Rng| median_ms * slower * drift * (0.35 * normal(rng)).exp();
    let samples: Vec<f64> = (0..count).map(|_| sample(rng)).collect();
    let failed = (0..count).filter(|_| rng.f64() < 0.01).count() as f64;
    let of = count as f64;
    summary(json!({
        "http_req_duration": trend(samples.clone()),
        "http_req_waiting": trend(samples),
        "http_req_failed": rate(failed / of, of),
        "http_reqs": counter(of),
        "iterations": counter(of),
        "dropped_iterations": counter(0.0),
    }))
}

fn ten_times(seed: u64, median_ms: f64, slower: f64, expected: Outcome) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut one = |_| {
        let before = record("a", noisy_run(&mut rng, median_ms, 1.0));
        let found = compare(&before, &record("b", noisy_run(&mut rng, median_ms, slower)));
        (found.outcome, found.sentences)
    };
    for (outcome, sentences) in (0..10).map(&mut one) {
        assert_eq!(outcome, expected, "seed {seed}, {median_ms} ms: {sentences:?}");
    }
}

#[test]
fn the_same_target_ten_times_is_no_regression() {
    for (seed, median_ms) in (0..9).zip([210.0, 50.0, 5.0].into_iter().cycle()) {
        ten_times(seed, median_ms, 1.0, Outcome::NoRegression);
    }
}

#[test]
fn a_target_slower_by_a_fifth_is_a_regression_ten_times_of_ten() {
    for (seed, median_ms) in (10..19).zip([210.0, 50.0, 5.0].into_iter().cycle()) {
        ten_times(seed, median_ms, 1.2, Outcome::Regression);
    }
}

#[test]
fn a_difference_counts_only_beyond_noise_and_in_the_direction_that_is_worse() {
    use Change::{Better, Incomparable, Same, Worse};
    let even = |low: f64, count: usize| -> Json {
        trend((0..count).map(|at| low + 10.0 * at as f64 / count as f64).collect())
    };
    let other = |kind: &str, values: Json| json!({"type": kind, "contains": "default", "values": values});
    let iterations = || counter(10_000.0);
    for (name, a, b, expected) in [
        ("http_req_duration", even(100.0, 2000), even(125.0, 2000), Worse),
        ("http_req_duration", even(125.0, 2000), even(100.0, 2000), Better),
        ("http_req_duration", even(100.0, 2000), even(105.0, 2000), Same),
        ("http_req_duration", even(100.0, 20), even(200.0, 20), Incomparable),
        ("http_req_duration", even(100.0, 40), even(200.0, 40), Worse),
        ("http_req_duration{name:/a}", even(100.0, 2000), even(125.0, 2000), Worse),
        // Twice as long, and still nothing but the scheduler of the operating system.
        ("http_req_sending", trend(vec![0.02; 2000]), trend(vec![0.04; 2000]), Same),
        ("iteration_lag", even(1.0, 2000), even(90.0, 2000), Incomparable),
        ("my_time", even(100.0, 2000), even(125.0, 2000), Worse),
        ("http_req_failed", rate(0.0, 10_000.0), rate(0.005, 10_000.0), Worse),
        ("http_req_failed", rate(0.01, 10_000.0), rate(0.011, 10_000.0), Same),
        ("http_req_failed", rate(0.0, 10_000.0), rate(0.0002, 10_000.0), Same),
        ("checks", rate(1.0, 10_000.0), rate(0.98, 10_000.0), Worse),
        ("http_reqs", counter(10_000.0), counter(8_000.0), Worse),
        ("http_reqs", counter(10_000.0), counter(9_000.0), Same),
        ("http_reqs", counter(10.0), counter(8.0), Incomparable),
        ("dropped_iterations", counter(0.0), counter(500.0), Worse),
        ("dropped_iterations", counter(5.0), counter(6.0), Same),
        ("ws_msgs_discarded", counter(20_000.0), counter(40_000.0), Worse),
        ("data_received", counter(1e9), counter(2e9), Incomparable),
        (
            "vus",
            other("gauge", json!({"value": 1, "min": 1, "max": 9})),
            other("gauge", json!({"value": 9})),
            Incomparable,
        ),
    ] {
        let with = |metric: &Json| summary(json!({"iterations": iterations(), name: metric}));
        let found = compare(&record("a", with(&a)), &record("b", with(&b)));
        let metric = found.metrics.iter().find(|metric| metric.name == name).unwrap();
        assert_eq!(metric.change, expected, "{name}: {:?}", metric.values);
        let is_regression = found.outcome == Outcome::Regression;
        assert_eq!(is_regression, expected == Worse && name != "http_reqs", "{name}: {:?}", found.sentences);
    }
}

#[test]
fn one_odd_value_is_no_regression_but_a_longer_tail_is() {
    let mut before = vec![100.0; 1000];
    let mut after = before.clone();
    after.iter_mut().take(70).for_each(|sample| *sample = 140.0);
    let compared = |before: &Vec<f64>, after: &Vec<f64>| {
        let with = |samples: &Vec<f64>| summary(json!({"http_req_duration": trend(samples.clone())}));
        compare(&record("a", with(before)), &record("b", with(after)))
    };
    let found = compared(&before, &after);
    let p95 = found.metrics[0].values.iter().find(|value| value.value == "p(95)").unwrap();
    assert_eq!((p95.change, p95.change_percent), (Change::Worse, Some(40.0)), "of p(95) alone");
    assert_eq!(found.outcome, Outcome::NoRegression);
    before[0] = 101.0;
    after.iter_mut().take(300).for_each(|sample| *sample = 180.0);
    assert_eq!(compared(&before, &after).outcome, Outcome::Regression, "avg, p(90), p(95), but not med");
}

#[test]
fn cores_that_are_shared_are_no_regression() {
    // Measured: the same target twice, the second time beside a compiler.
    let run = |avg: f64, med: f64, p90: f64, p95: f64, count: f64| {
        let values = json!({"avg": avg, "med": med, "p(90)": p90, "p(95)": p95, "count": count});
        let metric = json!({"type": "trend", "contains": "time", "values": values});
        summary(
            json!({"http_req_duration": metric, "http_reqs": counter(count), "iterations": counter(count)}),
        )
    };
    let alone = run(0.258, 0.252, 0.364, 0.393, 60_219.0);
    let beside = run(0.79, 0.096, 3.063, 4.056, 19_795.0);
    let found = compare(&record("a", alone), &record("b", beside));
    assert_eq!(found.outcome, Outcome::NoRegression, "{:?}", found.sentences);
    assert_eq!(found.sentences[0], "rate of http_reqs fell from 1004/s to 330/s (-67%)", "but it is said");
}

#[test]
fn what_a_threshold_forbids_says_which_way_is_worse() {
    let with = |gates: Json, rate: f64| {
        let metric = counter(rate * SECONDS);
        merged(summary(json!({"orders": metric})), json!({"gates": gates}))
    };
    let gate = |threshold: &str| json!({"kind": "threshold", "metric": "orders", "threshold": threshold, "outcome": "held", "effect": "none"});
    for (gates, expected) in [
        (json!([]), Change::Incomparable),
        (json!([gate("count>10")]), Change::Worse),
        (json!([gate("count>10"), gate("count<90000")]), Change::Incomparable),
    ] {
        let (a, b) = (with(gates.clone(), 100.0), with(gates.clone(), 50.0));
        assert_eq!(compare(&record("a", a), &record("b", b)).metrics[0].change, expected, "{gates}");
    }
}

#[test]
fn gates_are_compared_by_what_they_did_to_the_verdict() {
    let gate = |outcome: &str, effect: &str| json!({"kind": "threshold", "metric": "http_req_duration", "threshold": "p(95)<500", "outcome": outcome, "effect": effect, "value": 1.0});
    let alert = json!({"kind": "alert", "alert": "HzLow", "group": "backend", "outcome": "fired", "effect": "failed", "fired": {"value": 81.0}});
    let with = |gates: Json| merged(summary(json!({})), json!({"gates": gates}));
    let held = with(json!([gate("held", "none")]));
    let crossed = with(json!([gate("crossed", "failed"), alert]));
    let blind = with(json!([gate("no_data", "inconclusive")]));
    for (a, b, change, outcome) in [
        (&held, &crossed, Change::Worse, Outcome::Regression),
        (&crossed, &held, Change::Better, Outcome::NoRegression),
        (&held, &blind, Change::Worse, Outcome::NoRegression),
        (&crossed, &crossed, Change::Same, Outcome::NoRegression),
    ] {
        let found = compare(&record("a", a.clone()), &record("b", b.clone()));
        assert_eq!((found.gates[0].change, found.outcome), (change, outcome));
    }
    let found = compare(&record("a", held), &record("b", crossed));
    assert_eq!(
        found.sentences,
        [
            "gate p(95)<500 of http_req_duration: held before, crossed now",
            "only b has the gate alert HzLow of backend"
        ]
    );
    assert_eq!(found.gates[1].b.as_ref().unwrap().value, Some(81.0));
}

#[test]
fn what_makes_runs_unlike_is_said_first_and_nothing_is_called_a_regression() {
    let slow = || summary(json!({"http_req_duration": trend(vec![200.0; 500])}));
    let a = record("a", summary(json!({"http_req_duration": trend(vec![100.0; 500])})));
    let other_load = merged(slow(), json!({"scenarios": [{"name": "main", "executor": "20 VUs for 1m"}]}));
    let b = record("b", slow());
    for (b, first) in [
        (
            RunRecord { test: "flash".to_owned(), ..b.clone() },
            "these are runs of different plans: `chat` and `flash`",
        ),
        (
            RunRecord { profile: Some("smoke".to_owned()), ..b.clone() },
            "the profiles differ: none and `smoke`",
        ),
        (record("b", other_load), "only a has the load `main`: 10 VUs for 1m"),
        (RunRecord { summary: None, ..b.clone() }, "b has no summary: nothing of it can be compared"),
        (
            record("b", merged(slow(), json!({"segment": "0:1/2"}))),
            "the runs sent different shares of the load (`--segment`)",
        ),
    ] {
        let found = compare(&a, &b);
        assert_eq!((found.outcome, &*found.sentences[0]), (Outcome::NotAlike, first));
    }
    let cut = merged(slow(), json!({"duration_seconds": 20.0, "doubts": ["the generator was late"]}));
    let cut = RunRecord { state: RunState::Interrupted, verdict: None, ..record("b", cut) };
    let found = compare(&a, &cut);
    assert_eq!(found.outcome, Outcome::Regression);
    assert_eq!(
        found.sentences,
        [
            "b was interrupted: its values are those it had by then",
            "b is doubtful: the generator was late",
            "the load lasted 60 s in a and 20 s in b: counts are not comparable",
            "p(95) of http_req_duration rose from 100 ms to 200 ms (+100%)",
        ]
    );
}

#[test]
fn a_probe_is_compared_by_its_average() {
    let with = |avg: f64| {
        let probes = json!({"hz": {"query": "x", "avg": avg, "min": 0, "max": 101, "last": 99, "count": 60, "missed": 0}});
        let gates = json!([{"kind": "threshold", "metric": "hz", "threshold": "avg>50", "outcome": "held", "effect": "none"}]);
        merged(summary(json!({})), json!({"probes": probes, "gates": gates}))
    };
    let found = compare(&record("a", with(99.0)), &record("b", with(70.0)));
    assert_eq!(found.outcome, Outcome::Regression);
    assert_eq!(found.sentences, ["avg of hz fell from 99 to 70 (-29%)"]);
}

#[test]
fn a_comparison_reads_well_in_a_terminal_and_for_machines() {
    let with = |p95: f64, verdict: &str| {
        let values = json!({"avg": p95 * 0.6, "med": p95 * 0.5, "p(90)": p95 * 0.9, "p(95)": p95, "max": 900, "count": 5000});
        let metric = json!({"type": "trend", "contains": "time", "values": values});
        let gate = json!({"kind": "threshold", "metric": "http_req_duration", "threshold": "p(95)<250",
            "outcome": if p95 < 250.0 { "held" } else { "crossed" }, "effect": if p95 < 250.0 { "none" } else { "failed" }});
        merged(summary(json!({"http_req_duration": metric})), json!({"verdict": verdict, "gates": [gate]}))
    };
    let found = compare(&record("a", with(210.0, "passed")), &record("b", with(253.0, "failed")));
    let text = found.to_text();
    let expected = "\
a  a  chat: passed, 60 s of load
b  b  chat: failed, 60 s of load

REGRESSION: b is worse than a beyond what chance makes
  a passed, b failed
  gate p(95)<250 of http_req_duration: held before, crossed now
  p(95) of http_req_duration rose from 210 ms to 253 ms (+20%)

gates
  p(95)<250 of http_req_duration                       held        crossed            - worse

metrics
  http_req_duration                                                                   - worse
    avg                                              126 ms         152 ms      +20%  - worse
    med                                              105 ms         126 ms      +20%  - worse
    p(90)                                            189 ms         228 ms      +20%  - worse
    p(95)                                            210 ms         253 ms      +20%  - worse
    max                                              900 ms         900 ms     +0.0%
    count                                              5000           5000     +0.0%
";
    assert_eq!(text, expected, "{text}");
    let json = found.to_json();
    assert_eq!(Comparison::from_json(&json).unwrap(), found);
    assert_eq!(json["outcome"], "regression");
    assert_eq!(json["metrics"][0]["type"], "trend");
    assert_eq!(json["metrics"][0]["values"][3]["change"], "worse");
    assert_eq!(json["gates"][0]["a"]["outcome"], "held");
}
