//! An alerting rule: from what its expression gives to the states of its alerts and the series that show them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rule::Rule;
use super::{ActiveAlert, AlertState, Scope, whole_ms};
use crate::labels::Labels;
use crate::promql::{Query, Sample, Value};
use crate::rules::annotation::Data;
use crate::rules::file::{RuleSpec, Templated};

/// How long a resolved alert is kept, to be told of again.
const RESOLVED_RETENTION_MS: i64 = 15 * 60 * 1000;

#[derive(Clone, Copy)]
pub(super) struct Hold {
    pub(super) hold: Duration,
    pub(super) keep_firing_for: Duration,
}

/// Moves the rule's alerts on by one evaluation and gives the samples of `ALERTS` and `ALERTS_FOR_STATE`. An error
/// leaves the alerts as they were, but for too many of them, which are all given up.
pub(super) fn evaluate(
    spec: &RuleSpec,
    annotations: &[(String, Templated)],
    hold: Hold,
    rule: &mut Rule,
    scope: &Scope<'_>,
) -> Result<Vec<(Labels, f64)>, String> {
    let mut found = found(spec, annotations, scope)?;
    let mut samples = Vec::new();
    let mut active = 0;
    rule.alerts.retain(|labels, alert| {
        let holds = match found.remove(labels) {
            None => false,
            Some(new) => {
                if alert.is_active() {
                    alert.value = new.value;
                    alert.annotations = new.annotations;
                } else {
                    *alert = new;
                }
                true
            }
        };
        let keep = step(alert, holds, hold, scope.at_ms);
        if keep.active {
            active += 1;
            show(spec, alert, &mut samples);
        }
        keep.remembered
    });
    for (labels, mut alert) in found {
        step(&mut alert, true, hold, scope.at_ms);
        active += 1;
        show(spec, &alert, &mut samples);
        rule.alerts.insert(labels, alert);
    }
    if scope.limit > 0 && active > scope.limit {
        rule.alerts.clear();
        return Err(format!("exceeded limit of {} with {active} alerts", scope.limit));
    }
    Ok(samples)
}

/// The alerts that the expression asks for, all pending since now.
fn found(
    spec: &RuleSpec,
    annotations: &[(String, Templated)],
    scope: &Scope<'_>,
) -> Result<BTreeMap<Labels, ActiveAlert>, String> {
    let samples = instant(&spec.query, scope, scope.at_ms - scope.offset_ms)?;
    let query = |text: &str| {
        let query = Query::parse(text).map_err(|error| error.to_string())?;
        instant(&query, scope, scope.at_ms)
    };
    let mut found = BTreeMap::new();
    for sample in samples {
        let data = Data {
            labels: &sample.labels,
            value: sample.point.value,
            external_labels: scope.context.external_labels,
            external_url: scope.context.external_url,
            query: &query,
            now_ms: scope.at_ms,
        };
        let expanded: Vec<(&str, String)> = spec
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.expand(&spec.name, &data)))
            .collect();
        let own = expanded.iter().map(|(name, value)| (*name, value.as_str()));
        let series = sample.labels.iter().filter(|(name, _)| *name != "__name__");
        let labels = Labels::new(series.chain(own).chain([("alertname", spec.name.as_str())]));
        let alert = ActiveAlert {
            labels: labels.clone(),
            annotations: annotations
                .iter()
                .map(|(name, text)| (name.clone(), text.expand(&spec.name, &data)))
                .collect(),
            value: sample.point.value,
            state: AlertState::Pending,
            active_at_ms: scope.at_ms,
            fired_at_ms: None,
            resolved_at_ms: None,
            keep_firing_since_ms: None,
            last_sent_at_ms: None,
        };
        if found.insert(labels, alert).is_some() {
            return Err(
                "vector contains metrics with the same labelset after applying alert labels".to_owned()
            );
        }
    }
    Ok(found)
}

struct Keep {
    /// Pending or firing after this step.
    active: bool,
    remembered: bool,
}

fn step(alert: &mut ActiveAlert, holds: bool, hold: Hold, at_ms: i64) -> Keep {
    if holds {
        alert.keep_firing_since_ms = None;
    } else if !keeps_firing(alert, hold.keep_firing_for, at_ms) {
        let expired = alert.resolved_at_ms.is_some_and(|resolved| at_ms - resolved > RESOLVED_RETENTION_MS);
        let remembered = alert.state != AlertState::Pending && !expired;
        if alert.is_active() {
            alert.state = AlertState::Inactive;
            alert.resolved_at_ms = Some(at_ms);
        }
        return Keep { active: false, remembered };
    }
    if alert.state == AlertState::Pending && at_ms - alert.active_at_ms >= whole_ms(hold.hold) {
        alert.state = AlertState::Firing;
        alert.fired_at_ms = Some(at_ms);
    }
    Keep { active: true, remembered: true }
}

fn keeps_firing(alert: &mut ActiveAlert, keep_firing_for: Duration, at_ms: i64) -> bool {
    if alert.state != AlertState::Firing || keep_firing_for.is_zero() {
        return false;
    }
    let since_ms = *alert.keep_firing_since_ms.get_or_insert(at_ms);
    at_ms - since_ms < whole_ms(keep_firing_for)
}

/// `ALERTS` says the state, `ALERTS_FOR_STATE` since when the expression holds, in seconds.
fn show(spec: &RuleSpec, alert: &ActiveAlert, samples: &mut Vec<(Labels, f64)>) {
    // A label of the rule that came out empty stands there as it is written: Prometheus has it so.
    let written = spec.labels.iter().map(|(name, value)| (name.as_str(), value.text()));
    let labels = Labels::new(written.chain(alert.labels.iter()));
    let alerts = [("__name__", "ALERTS"), ("alertname", &spec.name), ("alertstate", alert.state.as_str())];
    samples.push((Labels::new(labels.iter().chain(alerts)), 1.0));
    let since_s = alert.active_at_ms.div_euclid(1000);
    let for_state = [("__name__", "ALERTS_FOR_STATE"), ("alertname", &spec.name)];
    samples.push((Labels::new(labels.iter().chain(for_state)), since_s as f64));
}

/// What an expression gives at a moment, as a vector; a scalar is one sample without labels.
pub(super) fn instant(query: &Query, scope: &Scope<'_>, at_ms: i64) -> Result<Vec<Sample>, String> {
    let answer =
        query.instant(scope.store, at_ms, scope.context.options).map_err(|error| error.to_string())?;
    match answer.value {
        Value::Vector(samples) => Ok(samples),
        Value::Scalar(point) => Ok(vec![Sample { labels: Labels::empty(), point }]),
        Value::String { .. } | Value::Matrix(_) => Err("rule result is not a vector or scalar".to_owned()),
    }
}
