//! All families of a run: what was recorded, what the run says of itself, what was scraped.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::observer::Observer;
use super::{RunOptions, process};
use crate::aggregate::Totals;
use crate::family::{Family, FamilyKind};
use crate::labels::Labels;
use crate::metric::Unit;
use crate::plan::Plan;
use crate::report::Phase;
use crate::rules::{self, Effect, Gate, Objective};
use crate::tsdb;
use crate::verdict::Verdict;

/// `testid`, `test` and the tags: on every series of the run.
#[derive(Debug, Clone)]
pub struct RunLabels(Labels);

pub(super) struct RunView<'a> {
    /// Since load began, what is not judged included: a counter that Prometheus reads never goes back.
    pub(super) totals: &'a Totals,
    pub(super) gates: &'a [Gate],
    /// Whether the values are the run's last; its verdict comes after them.
    pub(super) is_final: bool,
    /// Once it is known.
    pub(super) verdict: Option<Verdict>,
    pub(super) phase: Phase,
    /// Without pauses.
    pub(super) elapsed: Duration,
    pub(super) paused: Duration,
    pub(super) started_at: SystemTime,
    /// When the load was over, once the values are the run's last.
    pub(super) ended_at: Option<SystemTime>,
    pub(super) observer: &'a Observer,
    pub(super) samples_dropped: u64,
    pub(super) store: tsdb::Stats,
}

const STATES: [(&str, Phase); 8] = [
    ("preflight", Phase::Preflight),
    ("setup", Phase::Setup),
    ("running", Phase::Running),
    ("paused", Phase::Paused),
    ("draining", Phase::Draining),
    ("verifying", Phase::Verifying),
    ("teardown", Phase::Teardown),
    ("finished", Phase::Finished),
];

impl RunLabels {
    pub(super) fn get(&self) -> &Labels {
        &self.0
    }

    pub(super) fn totals(&self, plan: &Plan) -> Totals {
        Totals::labelled(Arc::clone(&plan.registry), self.0.clone())
    }

    pub(super) fn new(plan: &Plan, options: &RunOptions) -> Self {
        let flags = Labels::new(options.tags.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let run = Labels::new([("test", &*plan.name), ("testid", options.testid.as_str())]);
        RunLabels(plan.tags.merged(&flags).merged(&run))
    }
}

pub(super) fn families(labels: &RunLabels, view: &RunView<'_>) -> Vec<Family> {
    let mut families = view.totals.families();
    families.extend(run_families(&labels.0, view));
    families.extend(threshold_families(&labels.0, view.gates));
    families.extend(verification_family(&labels.0, view.gates));
    families.extend(rules::probe_families(&labels.0, view.observer.probes()));
    families.extend(view.observer.stats.families(&labels.0));
    families.extend(store_families(&labels.0, &view.store));
    families.push(process::build_info());
    families.extend(process::families());
    families
}

fn run_families(labels: &Labels, view: &RunView<'_>) -> Vec<Family> {
    let gauge = |name: &str, help: &str, value: f64| {
        Family::single(name, FamilyKind::Gauge, help, labels.clone(), value)
    };
    let one_of = |name: &str, help: &str, label: &str, values: Vec<(&str, bool)>| {
        let mut family = Family::new(name, FamilyKind::Gauge, help);
        for (value, holds) in values {
            family.push(labels.with(label, value), f64::from(u8::from(holds)));
        }
        family
    };
    let unix = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let (started, ended) = (unix(view.started_at), view.ended_at.map_or(0.0, unix));
    let states = STATES.iter().map(|(name, phase)| (*name, *phase == view.phase)).collect();
    let verdicts = Verdict::ALL.iter().map(|one| (one.label(), view.verdict == Some(*one))).collect();
    let overflowed = view.totals.registry().overflowed() as f64;
    vec![
        gauge(rules::RUN_INFO, "The run; always 1.", 1.0),
        gauge("loadgate_run_start_timestamp_seconds", "When the run started, since unix epoch.", started),
        gauge(
            "loadgate_run_end_timestamp_seconds",
            "When the load of the run was over, since unix epoch; 0 before.",
            ended,
        ),
        gauge(rules::ELAPSED, "Time since load began, without pauses.", view.elapsed.as_secs_f64()),
        Family::single(
            "loadgate_run_paused_seconds_total",
            FamilyKind::Counter,
            "How long the run has been paused.",
            labels.clone(),
            view.paused.as_secs_f64(),
        ),
        gauge(rules::RUN_FINAL, "Whether the values are the run's last.", f64::from(u8::from(view.is_final))),
        one_of("loadgate_run_state", "1 for the state the run is in.", "state", states),
        one_of("loadgate_verdict", "1 for the verdict of the run, once it is final.", "verdict", verdicts),
        Family::single(
            "loadgate_series_overflow_total",
            FamilyKind::Counter,
            "Label sets above series_limit, folded into name=\"other\".",
            labels.clone(),
            overflowed,
        ),
        Family::single(
            "loadgate_samples_dropped_total",
            FamilyKind::Counter,
            "Samples that --out could not keep up with: they are missing from its files.",
            labels.clone(),
            view.samples_dropped as f64,
        ),
    ]
}

fn store_families(labels: &Labels, stats: &tsdb::Stats) -> [Family; 4] {
    let family = |name: &str, kind: FamilyKind, help: &str, value: f64| {
        Family::single(name, kind, help, labels.clone(), value)
    };
    [
        family(
            "loadgate_store_series",
            FamilyKind::Gauge,
            "Series in the embedded store.",
            stats.series as f64,
        ),
        family(
            "loadgate_store_bytes",
            FamilyKind::Gauge,
            "Memory of the embedded store: samples, labels and index.",
            stats.bytes as f64,
        ),
        family(
            "loadgate_store_refused_samples_total",
            FamilyKind::Counter,
            "Samples of new series for which the store had no room.",
            stats.refused_samples_total as f64,
        ),
        family(
            "loadgate_store_starved_samples_total",
            FamilyKind::Counter,
            "Samples that the store let go although a rule looks back on them.",
            stats.starved_samples_total as f64,
        ),
    ]
}

fn threshold_families(labels: &Labels, gates: &[Gate]) -> [Family; 3] {
    let gauge = |name: &str, help: &str| Family::new(name, FamilyKind::Gauge, help);
    let mut value = gauge(rules::THRESHOLD_VALUE, "The value a threshold looks at; seconds for times.");
    let mut limit = gauge("loadgate_threshold_limit", "The limit of a threshold; seconds for times.");
    let mut ok = gauge(rules::THRESHOLD_OK, "Whether the threshold holds; absent without data.");
    let mut known = HashSet::new();
    for gate in gates.iter().filter_map(Gate::threshold) {
        let mut labels = labels.with("metric", &gate.subject).with("threshold", &gate.threshold);
        if let Some(Objective { name, level }) = &gate.objective {
            labels = labels.with("slo", name).with("level", level.as_str());
        }
        // Written twice, once to judge and once to abort, it is one series all the same.
        if !known.insert(labels.clone()) {
            continue;
        }
        let exported = |shown: f64| if gate.unit == Unit::Time { shown / 1e3 } else { shown };
        limit.push(labels.clone(), exported(gate.limit));
        if let Some(shown) = gate.value {
            value.push(labels.clone(), exported(shown));
            ok.push(labels, f64::from(u8::from(gate.held())));
        }
    }
    [value, limit, ok]
}

/// `None` before the verdict, and of a plan that verifies nothing.
fn verification_family(labels: &Labels, gates: &[Gate]) -> Option<Family> {
    let help = "Whether the verification held; absent where it could not be judged.";
    let mut ok = Family::new("loadgate_verification_ok", FamilyKind::Gauge, help);
    for gate in gates.iter().filter_map(Gate::verification) {
        if matches!(gate.effect(), Effect::Nothing | Effect::Fails) {
            ok.push(labels.with("verification", &gate.name), f64::from(u8::from(gate.held())));
        }
    }
    (!ok.series.is_empty()).then_some(ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Outcome, ThresholdGate};

    #[test]
    fn a_threshold_that_stands_twice_in_the_plan_is_one_series() {
        let (subject, threshold) = ("http_req_failed".to_owned(), "rate<0.01".to_owned());
        let (value, limit, unit, outcome, objective) = (Some(0.0), 0.01, Unit::Plain, Outcome::Held, None);
        let gate = ThresholdGate { subject, threshold, objective, value, limit, unit, outcome };
        let other = ThresholdGate { threshold: "rate<0.1".to_owned(), ..gate.clone() };
        let gates = [gate.clone(), gate, other].map(Gate::Threshold);
        let families = threshold_families(&Labels::empty(), &gates);
        assert_eq!(families.map(|family| family.series.len()), [2, 2, 2]);
    }
}
