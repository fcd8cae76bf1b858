//! Groups, rules and alerts in JSON, field by field as upstream.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{RuleGroup, RuleState};
use crate::api::v1::json;
use crate::api::v1::time::rfc3339;
use crate::labels::Labels;
use crate::rules::{ActiveAlert, AlertState, RuleKind, RuleSpec, Templated};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<'a> {
    pub(super) groups: Vec<GroupBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group_next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupBody<'a> {
    name: &'a str,
    file: &'a str,
    rules: Vec<RuleBody<'a>>,
    #[serde(serialize_with = "secs")]
    interval: Duration,
    limit: usize,
    #[serde(serialize_with = "secs")]
    evaluation_time: Duration,
    last_evaluation: String,
}

impl<'a> GroupBody<'a> {
    pub(super) fn of(group: &'a RuleGroup, rules: Vec<RuleBody<'a>>) -> Self {
        GroupBody {
            name: &group.spec.name,
            file: &group.spec.file,
            rules,
            interval: group.interval,
            limit: group.spec.limit,
            evaluation_time: group.evaluation_time,
            last_evaluation: rfc3339(group.last_evaluation_ms),
        }
    }
}

/// What is `None` belongs to alerting rules only, but for the error.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    name: &'a str,
    query: String,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "some_secs")]
    duration: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "some_secs")]
    keep_firing_for: Option<Duration>,
    labels: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<&'a str, &'a str>>,
    /// The inner one is `null` where alerts were not wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Option<Vec<AlertBody<'a>>>>,
    health: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
    #[serde(serialize_with = "secs")]
    evaluation_time: Duration,
    last_evaluation: String,
    #[serde(rename = "type")]
    kind: &'a str,
}

impl<'a> RuleBody<'a> {
    pub(super) fn of(spec: &'a RuleSpec, rule: &'a RuleState, with_alerts: bool) -> Self {
        let texts = |pairs: &'a [(String, Templated)]| {
            pairs.iter().map(|(name, value)| (name.as_str(), value.text())).collect::<BTreeMap<_, _>>()
        };
        let recording = RuleBody {
            state: None,
            name: &spec.name,
            query: spec.query.expr().to_string(),
            duration: None,
            keep_firing_for: None,
            labels: texts(&spec.labels),
            annotations: None,
            alerts: None,
            health: rule.health.as_str(),
            last_error: rule.last_error.as_deref(),
            evaluation_time: rule.evaluation_time,
            last_evaluation: rfc3339(rule.last_evaluation_ms),
            kind: "recording",
        };
        match &spec.kind {
            RuleKind::Record => recording,
            RuleKind::Alert { hold, keep_firing_for, annotations } => RuleBody {
                state: Some(rule.state.map_or("unknown", AlertState::as_str)),
                duration: Some(*hold),
                keep_firing_for: Some(*keep_firing_for),
                annotations: Some(texts(annotations)),
                alerts: Some(with_alerts.then(|| rule.alerts.iter().map(AlertBody::of).collect())),
                kind: "alerting",
                ..recording
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertBody<'a> {
    #[serde(serialize_with = "json::labels")]
    labels: &'a Labels,
    annotations: &'a BTreeMap<String, String>,
    state: &'a str,
    active_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_since: Option<String>,
    value: String,
}

impl<'a> AlertBody<'a> {
    pub(super) fn of(alert: &'a ActiveAlert) -> Self {
        AlertBody {
            labels: &alert.labels,
            annotations: &alert.annotations,
            state: alert.state.as_str(),
            active_at: rfc3339(Some(alert.active_at_ms)),
            keep_firing_since: alert.keep_firing_since_ms.map(|since| rfc3339(Some(since))),
            value: json::exponential(alert.value),
        }
    }
}

fn secs<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    json::number(&duration.as_secs_f64(), serializer)
}

fn some_secs<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    secs(&duration.unwrap_or_default(), serializer)
}
