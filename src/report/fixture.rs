//! Finished runs for the tests of this room, recorded and judged by the real thing.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::{Finished, Probe, ScenarioProgress};
use crate::aggregate::{Selector, Totals};
use crate::executor::DropReason;
use crate::labels::Labels;
use crate::metric::{self, Catalog, Kind, Unit};
use crate::record::{Registry, Shard};
use crate::rules::{
    Aggregation, AlertGate, AlertOutcome, Comparison, Evaluator, Firing, Gate, Gravity, Level, Moment,
    NoData, Objective, Observed, ProbeSamples, Scope, Subject, Threshold, ThresholdRules, VerificationGate,
    VerificationOutcome,
};
use crate::time::Elapsed;
use crate::verdict::{Health, ScrapeHealth, decide};

/// Where golden files lie. `INSTA_UPDATE=always` writes them anew.
pub(super) fn golden() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// 287 iterations in 4 s at a fair latency; everything demanded holds.
pub(super) fn passed() -> Finished {
    let totals = recorded(|recorder| recorder.steady(287, 0));
    let thresholds = [
        on(metric::HTTP_REQ_DURATION, "p(95)<500", Aggregation::Quantile(0.95), 500e6),
        tagged(metric::HTTP_REQ_DURATION, "p(95)<200", Aggregation::Quantile(0.95), 200e6),
        Threshold {
            comparison: Comparison::Greater,
            ..on(metric::CHECKS, "rate>0.99", Aggregation::Rate, 0.99)
        },
        probe("avg>95", Aggregation::Avg, 95.0),
        probe("min>90", Aggregation::Min, 90.0),
    ];
    finish(totals, &thresholds, 0)
}

/// Seven responses failed, 94 iterations were dropped, and two gates are crossed.
pub(super) fn failed() -> Finished {
    let totals = recorded(|recorder| {
        recorder.steady(280, 7);
        recorder.dropped(90, "no_idle_vu");
        recorder.dropped(4, "pacer_late");
        for _ in 0..7 {
            recorder.shard.note("check `status is 200` of `/a`: status is 500");
        }
        recorder.shard.note("check `body ok` of `/a`: was undefined once");
    });
    let thresholds = [
        on(metric::HTTP_REQ_DURATION, "p(95)<500", Aggregation::Quantile(0.95), 500e6),
        on(metric::HTTP_REQ_DURATION, "p(99)<5", Aggregation::Quantile(0.99), 5e6),
        tagged(metric::HTTP_REQ_DURATION, "p(95)<200", Aggregation::Quantile(0.95), 200e6),
        Threshold {
            comparison: Comparison::Greater,
            ..on(metric::CHECKS, "rate>0.99", Aggregation::Rate, 0.99)
        },
        on(metric::HTTP_REQ_FAILED, "rate<0.05", Aggregation::Rate, 0.05),
        on(metric::WS_FIRST_MESSAGE, "p(95)<500", Aggregation::Quantile(0.95), 500e6),
        probe("avg>95", Aggregation::Avg, 95.0),
    ];
    finish(totals, &thresholds, 94)
}

/// Nothing was ever recorded.
pub(super) fn inconclusive() -> Finished {
    let totals = recorded(|_| {});
    let thresholds = [
        on(metric::WS_FIRST_MESSAGE, "p(95)<500", Aggregation::Quantile(0.95), 500e6),
        on(metric::HTTP_REQS, "count<10", Aggregation::Count, 10.0),
    ];
    let blind = ScrapeHealth {
        job: "backend".to_owned(),
        due: 4,
        missed: 4,
        last_error: "connection refused".to_owned(),
    };
    let finished = finish(totals, &thresholds, 0);
    let scrapes = vec![blind];
    let health = Health { completed: 0, scrapes: scrapes.clone(), max_dropped: 0.001, ..Health::default() };
    let doubts = health.doubts();
    let verdict = decide(&finished.gates, &doubts, false);
    let probes = finished.probes.into_iter().map(|probe| Probe { samples: ProbeSamples::default(), ..probe });
    Finished { verdict, doubts, scrapes, probes: probes.collect(), ..finished }
}

/// An objective that is ok, one that is degraded, one without data, and alerts of which one fired.
pub(super) fn with_rules() -> Finished {
    let level = |name: &str, level, threshold: Threshold| {
        let objective = Some(Objective { name: name.to_owned(), level });
        Threshold { objective, ..threshold }
    };
    let p95 =
        |source: &str, limit: f64| on(metric::HTTP_REQ_DURATION, source, Aggregation::Quantile(0.95), limit);
    let totals = recorded(|recorder| recorder.steady(287, 0));
    let thresholds = [
        p95("p(95)<500", 500e6),
        level("publish", Level::Target, p95("p(95)<200", 200e6)),
        level("publish", Level::Critical, p95("p(95)<500", 500e6)),
        level("fast", Level::Target, p95("p(95)<5ms", 5e6)),
        level("fast", Level::Critical, p95("p(95)<500", 500e6)),
        level("chat", Level::Target, on(metric::WS_FIRST_MESSAGE, "avg<1s", Aggregation::Avg, 1e9)),
    ];
    let finished = finish(totals, &thresholds, 0);
    let labels = Labels::new([("alertname", "LatencyHigh"), ("scenario", "steady"), ("gate", "fail")]);
    let first = Firing {
        at_ms: 1_795_230_997_250,
        value: 0.75,
        labels: labels.clone(),
        annotations: [("summary".to_owned(), "p95 is above 20 ms".to_owned())].into(),
    };
    let no_data = NoData {
        selector: r#"up{job="x"}"#.to_owned(),
        nearest: vec!["up".to_owned()],
        why: "nothing to judge it by ever came".to_owned(),
    };
    let (held, hold) = (Duration::from_secs(4), Duration::from_secs(30));
    let alerts = [
        alert(AlertOutcome::Held),
        alert(AlertOutcome::Fired { first: Box::new(first), others: 1 }),
        alert(AlertOutcome::Pending { held, hold, labels: labels.clone() }),
        alert(AlertOutcome::NoData(no_data)),
        alert(AlertOutcome::Error("found duplicate series".to_owned())),
        alert(AlertOutcome::FiringAlready { since_ms: 1_795_230_900_000, labels }),
        alert(AlertOutcome::NotApplicable("its window and `for` need 5m".to_owned())),
    ];
    let found = |found: &str| found.to_owned();
    let missing = NoData {
        selector: "k6_order_total".to_owned(),
        nearest: vec!["k6_orders_total".to_owned()],
        why: "nothing to judge it by ever came".to_owned(),
    };
    let (wanted, at) = (found("at most 100"), Some(Duration::from_millis(12_400)));
    let verifications = [
        ("postgres 1", "postgres", VerificationOutcome::Held { found: found("100") }),
        (
            "stock",
            "redis",
            VerificationOutcome::Failed { found: found("\"1\""), wanted: found("equals 0"), at: None },
        ),
        ("sold", "postgres", VerificationOutcome::Failed { found: found("101"), wanted, at }),
        ("books", "http", VerificationOutcome::Unknown { why: found("connection refused") }),
        ("metrics 1", "metrics", VerificationOutcome::NoData(missing)),
    ];
    let verifications = verifications.map(|(name, kind, outcome)| {
        Gate::Verification(VerificationGate { name: name.to_owned(), kind, outcome })
    });
    let gates: Vec<Gate> = finished.gates.iter().cloned().chain(alerts).chain(verifications).collect();
    let verdict = decide(&gates, &finished.doubts, false);
    Finished { gates, verdict, ..finished }
}

/// An alert that fails the run when it fires.
pub(super) fn alert(outcome: AlertOutcome) -> Gate {
    let [alert, group, file] = ["LatencyHigh", "latency", "rules/slo.yml"].map(str::to_owned);
    let (gravity, evaluator) = (Gravity::Fail, Evaluator::Embedded);
    Gate::Alert(AlertGate { alert, group, file, gravity, evaluator, outcome })
}

/// Ten requests: eight good ones of 1 to 8 ms, one not found, one refused.
pub(super) fn mixed() -> Finished {
    let totals = recorded(|recorder| {
        for (status, code, millis) in
            (1..=8).map(|ms| ("200", "", ms)).chain([("404", "1404", 9), ("0", "1212", 10)])
        {
            let labels = [("scenario", "steady"), ("status", status), ("error_code", code)];
            let reqs = recorder.id(metric::HTTP_REQS, &labels);
            let time = recorder.id(metric::HTTP_REQ_RESPONSE_TIME, &labels[..1]);
            recorder.shard.count(reqs, 1);
            recorder.shard.trend(time, f64::from(millis) * 1e6);
        }
        let bytes = [(metric::DATA_RECEIVED, 4_400), (metric::DATA_SENT, 2_100)];
        for (metric, count) in bytes {
            let id = recorder.id(metric, &[]);
            recorder.shard.count(id, count);
        }
    });
    let finished = finish(totals, &[], 0);
    let scenarios = finished.scenarios.iter().cloned();
    let scenarios = scenarios.map(|each| ScenarioProgress { duration: Duration::from_secs(3), ..each });
    Finished { scenarios: scenarios.collect(), ..finished }
}

struct Recorder {
    registry: Arc<Registry>,
    shard: Shard,
}

fn recorded(write: impl FnOnce(&mut Recorder)) -> Totals {
    let mut catalog = Catalog::default();
    for (name, kind, unit) in [
        ("message_response_time", Kind::Trend, Unit::Time),
        ("orders", Kind::Counter, Unit::Plain),
        ("payload", Kind::Trend, Unit::Plain),
    ] {
        catalog.declare(name, kind, unit);
    }
    let bounds = [(metric::HTTP_REQ_DURATION, 5e8), (metric::HTTP_REQ_DURATION, 2e8)];
    let registry = Arc::new(Registry::new(Arc::new(catalog), &bounds, 200));
    let shard = Shard::new(Arc::clone(&registry));
    let mut recorder = Recorder { registry: Arc::clone(&registry), shard };
    write(&mut recorder);
    let labels = Labels::new([("test", "steady"), ("testid", "20261121-031635-steady")]);
    let mut totals = Totals::labelled(registry, labels);
    totals.absorb(&mut recorder.shard);
    totals
}

impl Recorder {
    fn id(&self, metric: crate::ids::MetricId, labels: &[(&str, &str)]) -> crate::ids::SeriesId {
        self.registry.intern(metric, &Labels::new(labels.iter().copied()))
    }

    /// The i-th of 30 latencies, from 0.5 ms to 29.5 ms, comes every 30 iterations.
    fn steady(&mut self, good: u64, bad: u64) {
        let steady = ("scenario", "steady");
        let trend = |recorder: &Recorder, metric| recorder.id(metric, &[steady, ("name", "/a")]);
        let duration = trend(self, metric::HTTP_REQ_DURATION);
        let response_time = trend(self, metric::HTTP_REQ_RESPONSE_TIME);
        let waiting = trend(self, metric::HTTP_REQ_WAITING);
        let iteration = self.id(metric::ITERATION_DURATION, &[steady]);
        let lag = self.id(metric::ITERATION_LAG, &[steady]);
        let reqs = trend(self, metric::HTTP_REQS);
        let failed = trend(self, metric::HTTP_REQ_FAILED);
        let iterations = self.id(metric::ITERATIONS, &[steady]);
        let status = self.id(metric::CHECKS, &[steady, ("check", "status is 200")]);
        let body = self.id(metric::CHECKS, &[steady, ("check", "body ok")]);
        let catalog = Arc::clone(self.registry.catalog());
        let custom = |name: &str| catalog.find(name).unwrap();
        let message = self.id(custom("message_response_time"), &[steady]);
        let orders = self.id(custom("orders"), &[steady]);
        let payload = self.id(custom("payload"), &[steady]);
        for i in 0..good + bad {
            let nanos = (i % 30) as f64 * 1e6 + 0.5e6;
            self.shard.trend(duration, nanos);
            self.shard.trend(response_time, nanos + 40_000.0);
            self.shard.trend(waiting, nanos - 100_000.0);
            self.shard.trend(iteration, nanos + 150_000.0);
            self.shard.trend(lag, 40_000.0);
            self.shard.trend(message, 12.5e6);
            self.shard.trend(payload, (i % 10) as f64 + 0.25);
            for counter in [reqs, iterations, orders] {
                self.shard.count(counter, 1);
            }
            self.shard.rate(failed, i >= good);
            self.shard.rate(status, i < good);
            self.shard.rate(body, true);
        }
        let (received, sent) =
            (self.id(metric::DATA_RECEIVED, &[steady]), self.id(metric::DATA_SENT, &[steady]));
        self.shard.count(received, 44_000);
        self.shard.count(sent, 21_000);
        let (vus, vus_max) = (self.id(metric::VUS, &[]), self.id(metric::VUS_MAX, &[]));
        for (at, value) in [(1, 2.0), (2, 4.0), (3, 3.0)] {
            self.shard.gauge(vus, Elapsed::from(Duration::from_secs(at)), value);
            self.shard.gauge(vus_max, Elapsed::from(Duration::from_secs(at)), 5.0);
        }
    }

    fn dropped(&mut self, count: u64, reason: &str) {
        let id = self.id(metric::DROPPED_ITERATIONS, &[("scenario", "steady"), ("reason", reason)]);
        self.shard.count(id, count);
    }
}

fn on(metric: crate::ids::MetricId, source: &str, aggregation: Aggregation, limit: f64) -> Threshold {
    let name = Catalog::default().definition(metric).name.clone();
    Threshold {
        name,
        source: source.to_owned(),
        subject: Subject::Metric(Selector::all(metric)),
        aggregation,
        comparison: Comparison::Less,
        limit,
        abort_after: None,
        objective: None,
    }
}

fn tagged(metric: crate::ids::MetricId, source: &str, aggregation: Aggregation, limit: f64) -> Threshold {
    let whole = on(metric, source, aggregation, limit);
    Threshold {
        name: format!("{}{{scenario:steady}}", whole.name),
        subject: Subject::Metric(Selector::with(metric, "scenario", "steady")),
        ..whole
    }
}

fn probe(source: &str, aggregation: Aggregation, limit: f64) -> Threshold {
    let (name, source) = ("hz".to_owned(), source.to_owned());
    let (subject, comparison) = (Subject::Probe(0), Comparison::Greater);
    Threshold { name, source, subject, aggregation, comparison, limit, abort_after: None, objective: None }
}

fn finish(totals: Totals, thresholds: &[Threshold], dropped: u64) -> Finished {
    let elapsed = Duration::from_secs(4);
    let mut samples = ProbeSamples::default();
    [100.0, 97.0, 100.25, f64::NAN, 99.5].into_iter().for_each(|hz| samples.record(hz));
    let probes = [samples];
    let labels = Labels::new([("test", "steady"), ("testid", "20261121-031635-steady")]);
    let scope = Scope {
        test: "steady",
        catalog: totals.catalog(),
        probes: &["hz".to_owned()],
        warmup: Duration::ZERO,
    };
    let moment = Moment {
        at_ms: 1_795_230_999_250,
        observed: Observed { totals: &totals, probes: &probes, elapsed },
        families: &totals.families(),
        labels: &labels,
        elapsed,
        is_final: true,
    };
    let rules = ThresholdRules::compile(thresholds, scope).unwrap();
    let gates: Vec<Gate> = rules.judge(moment).into_iter().map(Gate::Threshold).collect();
    let completed = totals.counter(&Selector::all(metric::ITERATIONS)) as u64;
    let scrapes =
        vec![ScrapeHealth { job: "backend".to_owned(), due: 5, missed: 1, last_error: "timeout".to_owned() }];
    let health = Health {
        due: completed + dropped,
        dropped,
        dropped_for: (dropped > 0).then_some(DropReason::NoIdleVu),
        completed,
        max_dropped: 0.001,
        scrapes: scrapes.clone(),
        ..Health::default()
    };
    let doubts = health.doubts();
    let verdict = decide(&gates, &doubts, false);
    let scenario = ScenarioProgress {
        name: "steady".to_owned(),
        executor: "71.75 iterations/s for 4s".to_owned(),
        duration: elapsed,
        allocated_vus: 10,
        max_vus: 10,
        completed,
        dropped,
        failed_share: (completed > 0).then_some(0.0),
        p95: (completed > 0).then(|| Duration::from_micros(28_500)),
        ..ScenarioProgress::default()
    };
    Finished {
        testid: "20261121-031635-steady".to_owned(),
        test: "steady".to_owned(),
        segment: None,
        started_at: UNIX_EPOCH + Duration::from_millis(1_795_230_995_250),
        load_began: UNIX_EPOCH + Duration::from_millis(1_795_230_995_250),
        elapsed,
        paused: Duration::ZERO,
        verdict,
        gates,
        doubts,
        disagreements: Vec::new(),
        ended_by: None,
        totals,
        scenarios: vec![scenario],
        probes: vec![Probe {
            name: "hz".to_owned(),
            query: r#"backend_loop_hz{job="backend"}"#.to_owned(),
            samples,
        }],
        scrapes,
        warmup: None,
        hooks: Vec::new(),
        faults: Vec::new(),
    }
}
