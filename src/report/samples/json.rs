//! k6's JSON lines: a `Metric` before the first `Point` of each metric.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::json::contains;
use super::super::observed::split_subject;
use super::Frame;
use super::tags::Tags;
use crate::ids::MetricId;
use crate::metric::Definition;
use crate::rules::{Subject, Threshold};

pub(super) fn frame(metric: MetricId, definition: &Definition, tags: &Tags<'_>) -> Frame {
    let name = Value::from(definition.name.as_str());
    Frame {
        metric,
        before: format!(r#"{{"metric":{name},"type":"Point","data":{{"time":""#),
        between: r#"","value":"#,
        after: format!(",\"tags\":{}}}}}\n", json!(tags)),
    }
}

/// As in k6, the thresholds of sub-metrics are not among those of their metric.
pub(super) fn definition(
    metric: MetricId,
    definition: &Definition,
    thresholds: &[Threshold],
    out: &mut Vec<u8>,
) {
    let (mut own, mut submetrics): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for each in thresholds {
        match &each.subject {
            Subject::Metric(selector) if selector.metric != metric => {}
            Subject::Metric(selector) if selector.tags.is_empty() => own.push(threshold(each)),
            Subject::Metric(selector) => {
                let known = submetrics.iter().any(|known| known["name"] == each.name.as_str());
                if !known {
                    submetrics.push(submetric(&each.name, &selector.tags));
                }
            }
            Subject::Probe(_) => {}
        }
    }
    let line = json!({
        "type": "Metric",
        "data": {
            "name": definition.name,
            "type": definition.kind.name(),
            "contains": contains(definition.unit),
            "thresholds": own,
            "submetrics": if submetrics.is_empty() { Value::Null } else { submetrics.into() },
        },
        "metric": definition.name,
    });
    // Writing to memory does not fail.
    let _ = writeln!(out, "{line}");
}

fn threshold(threshold: &Threshold) -> Value {
    match threshold.abort_after {
        None => threshold.source.as_str().into(),
        Some(delay) => json!({
            "threshold": threshold.source,
            "abortOnFail": true,
            "delayAbortEval": (delay > Duration::ZERO).then(|| crate::time::span(delay)),
        }),
    }
}

fn submetric(name: &str, tags: &BTreeMap<String, String>) -> Value {
    json!({ "name": name, "suffix": split_subject(name).1, "tags": tags })
}
