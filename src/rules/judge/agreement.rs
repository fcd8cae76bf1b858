//! Whatever is recorded, a threshold's rule and the sums of this process give the same answer.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::Moment;
use crate::aggregate::{Selector, Totals};
use crate::labels::Labels;
use crate::metric::{self, Catalog, Kind, Unit};
use crate::record::{Registry, Shard, quantile_of_percent};
use crate::rules::{
    Aggregation, Comparison, Observed, Outcome, ProbeSamples, Scope, Subject, Threshold, ThresholdRules,
};
use crate::time::Elapsed;

/// The empty one stands for series without the label. Nothing is recorded of the last.
const SCENARIOS: [&str; 4] = ["chat", "api \"x\"", "", "never"];
const COMPARISONS: [Comparison; 6] = [
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
    Comparison::Equal,
    Comparison::NotEqual,
];

/// What is recorded of one scenario.
#[derive(Debug, Clone)]
struct Written {
    scenario: usize,
    /// Nanoseconds.
    times: Vec<u32>,
    eighths: Vec<i16>,
    held: u8,
    failed: u8,
    requests: u8,
    depth: Option<i8>,
}

#[derive(Debug, Clone)]
struct Asked {
    subject: usize,
    /// Past the last scenario: all of them.
    scenario: usize,
    aggregation: usize,
    percent: f64,
    comparison: usize,
    limit: f64,
    /// Takes the limit from what was recorded, so that equality is met.
    at_value: bool,
}

fn written() -> impl Strategy<Value = Vec<Written>> {
    // Few different values: limits shall lie on them.
    let time = prop_oneof![Just(100_000_000), Just(300_000_000), Just(1), 0..2_000_000_000_u32];
    let one = (
        0..3_usize,
        prop::collection::vec(time, 0..12),
        prop::collection::vec(-40..40_i16, 0..8),
        (0..5_u8, 0..5_u8, 0..9_u8),
        prop::option::of(any::<i8>()),
    );
    let one = one.prop_map(|(scenario, times, eighths, (held, failed, requests), depth)| Written {
        scenario,
        times,
        eighths,
        held,
        failed,
        requests,
        depth,
    });
    prop::collection::vec(one, 0..4)
}

fn asked() -> impl Strategy<Value = Asked> {
    let percent = prop_oneof![Just(0.0), Just(50.0), Just(95.0), Just(99.9), Just(100.0), 0.0..100.0_f64];
    let limit = prop_oneof![Just(0.0), Just(0.5), Just(1.0), Just(1e8), Just(3e8), -10.0..10.0_f64];
    (0..8_usize, 0..5_usize, 0..5_usize, percent, 0..6_usize, limit, any::<bool>()).prop_map(
        |(subject, scenario, aggregation, percent, comparison, limit, at_value)| Asked {
            subject,
            scenario,
            aggregation,
            percent: (percent * 1e4_f64).round() / 1e4,
            comparison,
            limit,
            at_value,
        },
    )
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.declare("payload", Kind::Trend, Unit::Plain);
    catalog.declare("depth", Kind::Gauge, Unit::Plain);
    catalog
}

impl Asked {
    fn threshold(&self, catalog: &Catalog) -> Threshold {
        let names = [
            "http_req_duration",
            "payload",
            "checks",
            "http_reqs",
            "depth",
            "ws_connected",
            "iteration_duration",
        ];
        let tags = SCENARIOS.get(self.scenario).map(|name| ("scenario", *name));
        let metric = names.get(self.subject).and_then(|name| catalog.find(name));
        let (subject, kind) = match metric {
            Some(metric) => {
                (Subject::Metric(Selector::new(metric, tags)), Some(catalog.definition(metric).kind))
            }
            None => (Subject::Probe(0), None),
        };
        let quantile = Aggregation::Quantile(quantile_of_percent(self.percent));
        let aggregations: &[Aggregation] = match kind {
            Some(Kind::Counter) => &[Aggregation::Count, Aggregation::Rate],
            Some(Kind::Gauge) => &[Aggregation::Value],
            Some(Kind::Rate) => &[Aggregation::Rate],
            Some(Kind::Trend) => &[Aggregation::Avg, Aggregation::Min, Aggregation::Max, quantile, quantile],
            None => &[Aggregation::Avg, Aggregation::Min, Aggregation::Max, Aggregation::Value],
        };
        let aggregation = aggregations[self.aggregation % aggregations.len()];
        let comparisons = if aggregation == quantile { 4 } else { 6 };
        Threshold {
            name: format!("subject {}", self.subject),
            source: "the threshold".to_owned(),
            subject,
            aggregation,
            comparison: COMPARISONS[self.comparison % comparisons],
            limit: self.limit,
            abort_after: Some(Duration::from_secs(2)),
            objective: None,
        }
    }
}

fn record(registry: &Registry, shard: &mut Shard, all: &[Written]) {
    let [payload, depth] = ["payload", "depth"].map(|name| registry.catalog().find(name).unwrap());
    for (at, written) in all.iter().enumerate() {
        let labels = Labels::new([("scenario", SCENARIOS[written.scenario])]);
        let id = |metric, labels: &Labels| registry.intern(metric, labels);
        for (at, nanos) in written.times.iter().enumerate() {
            let status = labels.with("status", if at % 2 == 0 { "200" } else { "503" });
            shard.trend(id(metric::HTTP_REQ_DURATION, &status), f64::from(*nanos));
        }
        for eighths in &written.eighths {
            shard.trend(id(payload, &labels), f64::from(*eighths) / 8.0);
        }
        (0..written.held).for_each(|_| shard.rate(id(metric::CHECKS, &labels), true));
        (0..written.failed).for_each(|_| shard.rate(id(metric::CHECKS, &labels), false));
        shard.count(id(metric::HTTP_REQS, &labels), u64::from(written.requests));
        shard.add(id(metric::WS_CONNECTED, &labels), f64::from(written.held) - f64::from(written.failed));
        if let Some(value) = written.depth {
            let when = Elapsed::from(Duration::from_millis(at as u64));
            shard.gauge(id(depth, &labels), when, f64::from(value));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn rules_and_sums_agree(
        all in written(),
        asked in asked(),
        hz in prop::collection::vec(80.0..120.0_f64, 0..4),
        eighths in 1..400_u32,
        warmup in prop_oneof![Just(Duration::ZERO), Just(Duration::from_secs(7))],
    ) {
        let catalog = catalog();
        let elapsed = Duration::from_secs_f64(f64::from(eighths) / 8.0);
        let mut threshold = asked.threshold(&catalog);
        let mut samples = ProbeSamples::default();
        hz.iter().for_each(|value| samples.record(*value));
        let probes = [samples];
        let labels = Labels::new([("test", "shop"), ("testid", "t")]);
        let total = |threshold: &Threshold| {
            let bounds: Vec<_> = match (&threshold.subject, threshold.aggregation) {
                (Subject::Metric(of), Aggregation::Quantile(_)) => vec![(of.metric, threshold.limit)],
                _ => Vec::new(),
            };
            let registry = Arc::new(Registry::new(Arc::new(catalog.clone()), &bounds, 200));
            let mut shard = Shard::new(Arc::clone(&registry));
            record(&registry, &mut shard, &all);
            let mut totals = Totals::labelled(registry, labels.clone());
            totals.absorb(&mut shard);
            totals
        };
        if asked.at_value {
            let totals = total(&threshold);
            let gate = threshold.judge(Observed { totals: &totals, probes: &probes, elapsed });
            if let Some(value) = gate.value {
                // A limit is a number that a person wrote: of times whole nanoseconds.
                threshold.limit = gate.unit.recorded(value);
            }
        }
        let totals = total(&threshold);
        let observed = Observed { totals: &totals, probes: &probes, elapsed };
        let scope = Scope { test: "shop", catalog: &catalog, probes: &["hz".to_owned()], warmup };
        let rules = ThresholdRules::compile(std::slice::from_ref(&threshold), scope).unwrap();
        let families = totals.families();
        let by_sums = threshold.judge(observed);
        for is_final in [false, true] {
            let moment =
                Moment { at_ms: 1_000_000, observed, families: &families, labels: &labels, elapsed: elapsed + warmup, is_final };
            let by_rule = rules.judge(moment).remove(0);
            match (&by_rule.outcome, &by_sums.outcome) {
                (Outcome::NoData(_), Outcome::NoData(_)) => {}
                (by_rule, by_sums) => prop_assert_eq!(by_rule, by_sums, "{:?}", &threshold),
            }
            prop_assert_eq!(by_rule.value, by_sums.value);
            let ends = by_sums.outcome == Outcome::Crossed && elapsed > Duration::from_secs(2);
            prop_assert_eq!(rules.abort(moment), ends.then_some(0));
        }
    }
}
