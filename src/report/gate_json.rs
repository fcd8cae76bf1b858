//! A gate for machines.

use serde_json::{Map, Value, json};

use super::Finished;
use super::json::number;
use super::rfc3339::utc;
use super::summary::finding;
use crate::labels::Labels;
use crate::metric::Unit;
use crate::rules::{
    AlertGate, AlertOutcome, Effect, Evaluator, Gate, NoData, Outcome, RecoveryGate, ThresholdGate,
    VerificationGate, VerificationOutcome,
};

/// `kind` says which fields follow: `threshold`, `slo`, `alert`, `verification` or `recovery`.
pub(super) fn gate(gate: &Gate, finished: &Finished) -> Value {
    let mut object = match gate {
        Gate::Threshold(threshold) => of_threshold(threshold),
        Gate::Alert(alert) => of_alert(alert),
        Gate::Verification(verification) => of_verification(verification),
        Gate::Recovery(recovery) => of_recovery(recovery),
    };
    object.insert("effect".to_owned(), effect(gate.effect()).into());
    object.insert("message".to_owned(), finding(gate, finished).into());
    Value::Object(object)
}

/// What the gate did to the verdict.
fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Nothing => "none",
        Effect::Degrades => "degraded",
        Effect::Inconclusive => "inconclusive",
        Effect::Fails => "failed",
    }
}

fn of_threshold(gate: &ThresholdGate) -> Map<String, Value> {
    let no_data_of = match &gate.outcome {
        Outcome::NoData(no_data) => Some(no_data),
        Outcome::Held | Outcome::Crossed => None,
    };
    object(json!({
        "kind": if gate.objective.is_some() { "slo" } else { "threshold" },
        "metric": gate.subject,
        "threshold": gate.threshold,
        "slo": gate.objective.as_ref().map(|objective| &objective.name),
        "level": gate.objective.as_ref().map(|objective| objective.level.as_str()),
        "value": gate.value.map(number),
        "limit": number(gate.limit),
        "unit": unit(gate.unit),
        "outcome": match gate.outcome {
            Outcome::Held => "held",
            Outcome::Crossed => "crossed",
            Outcome::NoData(_) => "no_data",
        },
        "no_data": no_data_of.map(no_data),
    }))
}

fn of_alert(gate: &AlertGate) -> Map<String, Value> {
    let (mut fired, mut pending, mut blind) = (Value::Null, Value::Null, None);
    match &gate.outcome {
        AlertOutcome::Fired { first, others } => {
            let at_ms = u64::try_from(first.at_ms).unwrap_or(0);
            fired = json!({
                "at": utc(std::time::UNIX_EPOCH + std::time::Duration::from_millis(at_ms)),
                "value": number(first.value),
                "labels": labels(&first.labels),
                "annotations": first.annotations,
                "other_label_sets": others,
            });
        }
        AlertOutcome::Pending { held, hold, labels: alert } => {
            pending = json!({
                "held_seconds": held.as_secs_f64(),
                "for_seconds": hold.as_secs_f64(),
                "labels": labels(alert),
            });
        }
        AlertOutcome::NoData(no_data) => blind = Some(no_data),
        _ => {}
    }
    object(json!({
        "kind": "alert",
        "alert": gate.alert,
        "group": gate.group,
        "file": gate.file,
        "gate": gate.gravity.as_str(),
        "prometheus": match &gate.evaluator {
            Evaluator::Embedded => None,
            Evaluator::Prometheus(url) => Some(url),
        },
        "outcome": gate.outcome.as_str(),
        "fired": fired,
        "pending": pending,
        "no_data": blind.map(no_data),
    }))
}

fn of_verification(gate: &VerificationGate) -> Map<String, Value> {
    let (mut found, mut wanted, mut at, mut why, mut blind) = (None, None, None, None, None);
    match &gate.outcome {
        VerificationOutcome::Held { found: value } => found = Some(value),
        VerificationOutcome::Failed { found: value, wanted: demand, at: moment } => {
            (found, wanted, at) = (Some(value), Some(demand), *moment);
        }
        VerificationOutcome::Unknown { why: reason } => why = Some(reason),
        VerificationOutcome::NoData(no_data) => blind = Some(no_data),
    }
    object(json!({
        "kind": "verification",
        "verification": gate.name,
        "asked": gate.kind,
        "outcome": gate.outcome.as_str(),
        "found": found,
        "wanted": wanted,
        "at_seconds": at.map(|at| at.as_secs_f64()),
        "why": why,
        "no_data": blind.map(no_data),
    }))
}

fn of_recovery(gate: &RecoveryGate) -> Map<String, Value> {
    object(json!({
        "kind": "recovery",
        "fault": gate.fault,
        "outcome": gate.outcome.as_str(),
        "recovery_seconds": gate.outcome.took().map(|took| took.as_secs_f64()),
        "within_seconds": gate.within.as_secs_f64(),
        "stable_for_seconds": gate.stable_for.as_secs_f64(),
    }))
}

/// Of a gate's value and limit; a share or plain number has none.
fn unit(unit: Unit) -> Option<&'static str> {
    match unit {
        Unit::Plain => None,
        Unit::Time => Some("ms"),
        Unit::Bytes => Some("bytes"),
    }
}

fn no_data(no_data: &NoData) -> Value {
    json!({"selector": no_data.selector, "nearest": no_data.nearest})
}

fn labels(labels: &Labels) -> Map<String, Value> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
