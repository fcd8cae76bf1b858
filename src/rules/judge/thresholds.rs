//! Thresholds, judged in process.

use std::collections::HashSet;
use std::time::Duration;

use super::Snapshot;
use crate::family::{Family, FamilyKind};
use crate::labels::Labels;
use crate::metric::Unit;
use crate::promql::{Options, Query, Value};
use crate::rules::compile::{ELAPSED, PROBE, RUN_FINAL, RUN_INFO, THRESHOLD_VALUE};
use crate::rules::{
    Observed, Outcome, ProbeSamples, Subject, Threshold, ThresholdGate, ThresholdRule, ThresholdRules,
    nearest,
};

/// What there is to judge at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What is judged: without what a warmup sent.
    pub observed: Observed<'a>,
    /// Those of `observed.totals`, and no others.
    pub families: &'a [Family],
    /// `testid`, `test` and the tags: on every series of the run.
    pub labels: &'a Labels,
    /// Since load began.
    pub elapsed: Duration,
    /// Whether the values are the run's last.
    pub is_final: bool,
}

impl ThresholdRules {
    /// A gate for each threshold, in their order. At the final moment the outcome is that of the rule that Prometheus
    /// would evaluate; before that it says how things stand.
    pub fn judge(&self, moment: Moment<'_>) -> Vec<ThresholdGate> {
        let source = self.snapshot(moment);
        self.rules().iter().map(|rule| judge(rule, moment, &source)).collect()
    }

    /// The position of the first threshold that wants the run to end now.
    pub fn abort(&self, moment: Moment<'_>) -> Option<usize> {
        if self.rules().iter().all(|rule| rule.abort.is_none()) {
            return None;
        }
        let source = self.snapshot(moment);
        let fires = |rule: &ThresholdRule| {
            rule.abort.as_ref().is_some_and(|abort| matches!(ask(abort, &source), Found::Value))
                // NaN is no value, and `!=` holds of it all the same.
                && matches!(ask(&rule.value, &source), Found::Value)
        };
        self.rules().iter().position(fires)
    }

    /// The families of the moment that somebody asks for, and what the run says of itself.
    fn snapshot(&self, moment: Moment<'_>) -> Snapshot {
        let gauge = |name: &str, value: f64| {
            Family::single(name, FamilyKind::Gauge, "", moment.labels.clone(), value)
        };
        let own = [
            gauge(RUN_INFO, 1.0),
            gauge(ELAPSED, moment.elapsed.as_secs_f64()),
            gauge(RUN_FINAL, f64::from(u8::from(moment.is_final))),
            self.values(moment),
        ];
        let probes =
            probe_families(moment.labels, self.probes.iter().map(String::as_str).zip(moment.observed.probes));
        let asked = moment.families.iter().filter(|family| self.asks_for(&family.name));
        Snapshot::new(moment.at_ms, asked.chain(&own).chain(&probes))
    }

    /// [`THRESHOLD_VALUE`] of the thresholds whose rules ask for it.
    fn values(&self, moment: Moment<'_>) -> Family {
        let mut family = Family::new(THRESHOLD_VALUE, FamilyKind::Gauge, "");
        let mut known = HashSet::new();
        for ThresholdRule { threshold, .. } in self.rules().iter().filter(|rule| rule.asks_for_its_value()) {
            if known.insert((&threshold.name, &threshold.source))
                && let Some(value) = threshold.judge(moment.observed).value
            {
                let labels = moment.labels.with("metric", &threshold.name);
                family.push(labels.with("threshold", &threshold.source), value);
            }
        }
        family
    }
}

/// What probes have seen, as it is exported: `loadgate_probe_avg{probe="hz"}` and its kin.
pub fn probe_families<'a>(
    labels: &Labels,
    probes: impl Iterator<Item = (&'a str, &'a ProbeSamples)>,
) -> [Family; 4] {
    let gauge = |statistic: &str, help: &str| {
        let help = format!("{help} of a probe's samples, of what is judged.");
        Family::new(format!("{PROBE}_{statistic}"), FamilyKind::Gauge, help)
    };
    let mut families = [
        gauge("avg", "The average"),
        gauge("min", "The smallest"),
        gauge("max", "The largest"),
        gauge("value", "The last"),
    ];
    for (name, samples) in probes {
        let labels = labels.with("probe", name);
        let values = [samples.avg(), samples.min(), samples.max(), samples.last()];
        for (family, value) in families.iter_mut().zip(values) {
            if let Some(value) = value {
                family.push(labels.clone(), value);
            }
        }
    }
    families
}

/// What a query found in the run's families.
enum Found {
    Value,
    /// No series, or only values that are no number.
    Nothing,
    /// It could not be evaluated.
    Failed(String),
}

fn ask(query: &Query, source: &Snapshot) -> Found {
    let answer = match query.instant(source, source.at_ms(), &Options::default()) {
        Ok(answer) => answer,
        Err(error) => return Found::Failed(format!("failed to evaluate `{}`: {error}", query.text())),
    };
    match answer.value {
        Value::Vector(samples) if samples.iter().all(|sample| sample.point.value.is_nan()) => Found::Nothing,
        Value::Vector(_) => Found::Value,
        other => Found::Failed(format!("`{}` gives no vector: {other:?}", query.text())),
    }
}

fn judge(rule: &ThresholdRule, moment: Moment<'_>, source: &Snapshot) -> ThresholdGate {
    let threshold = &rule.threshold;
    let gate = threshold.judge(moment.observed);
    let no_data = |why: Option<String>| {
        let mut no_data = threshold.why_no_data(moment.observed);
        no_data.selector.clone_from(&rule.selector);
        if no_data.nearest.is_empty() {
            let wanted = rule.selector.split('{').next().unwrap_or_default();
            let known = moment.families.iter().map(|family| family.name.as_str());
            no_data.nearest = nearest(wanted, known).into_iter().map(str::to_owned).collect();
        }
        no_data.why = why.unwrap_or(no_data.why);
        Outcome::NoData(no_data)
    };
    let crossed = if moment.is_final { &rule.last } else { &rule.crossed };
    let outcome = match (ask(&rule.value, source), ask(crossed, source)) {
        (Found::Failed(why), _) | (_, Found::Failed(why)) => no_data(Some(why)),
        (Found::Nothing, _) => no_data(None),
        (Found::Value, Found::Value) => Outcome::Crossed,
        (Found::Value, Found::Nothing) => Outcome::Held,
    };
    let value = shown(threshold, &gate, &outcome);
    ThresholdGate { outcome, value, ..gate }
}

/// The value of the sums, on the side of the limit that the rule found: they may differ in the last digit of a sum.
fn shown(threshold: &Threshold, gate: &ThresholdGate, outcome: &Outcome) -> Option<f64> {
    let held = match outcome {
        Outcome::NoData(_) => return None,
        // Without a difference there is nothing to mend; a percentile was clamped by its own arithmetic.
        same if *same == gate.outcome => return gate.value,
        other => *other == Outcome::Held,
    };
    let value = gate.value?;
    let recorded = if gate.unit == Unit::Time { value * 1e6 } else { value };
    Some(gate.unit.shown(threshold.clamped(recorded, held)))
}

impl ThresholdRule {
    fn asks_for_its_value(&self) -> bool {
        matches!(self.threshold.subject, Subject::Metric(_)) && self.selector.starts_with(THRESHOLD_VALUE)
    }
}
