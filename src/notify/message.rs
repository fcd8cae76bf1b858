//! An alert in the words of Alertmanager's API v2.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use super::Alert;
use crate::labels::Labels;

/// Made once for all Alertmanagers.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) labels: Labels,
    json: Arc<str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted<'a> {
    labels: BTreeMap<&'a str, &'a str>,
    annotations: &'a BTreeMap<String, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
}

impl Message {
    pub(super) fn of(alert: &Alert) -> Message {
        let posted = Posted {
            labels: alert.labels.iter().collect(),
            annotations: &alert.annotations,
            starts_at: rfc3339(alert.starts_at_ms),
            ends_at: rfc3339(alert.ends_at_ms),
            generator_url: &alert.generator_url,
        };
        // Text and maps of text always have a form in JSON.
        let json = serde_json::to_string(&posted).unwrap_or_default();
        Message { labels: alert.labels.clone(), json: json.into() }
    }
}

/// The body of one request.
pub(super) fn body<'a>(messages: impl Iterator<Item = &'a Message>) -> String {
    let mut body = String::from("[");
    for (at, message) in messages.enumerate() {
        if at > 0 {
            body.push(',');
        }
        body.push_str(&message.json);
    }
    body.push(']');
    body
}

/// `2026-11-21T03:16:35.250Z`
fn rfc3339(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_posted_in_the_words_of_the_api() {
        let mut alert = Alert {
            labels: Labels::new([("alertname", "Slow"), ("path", "/a \"b\"")]),
            annotations: [("summary".to_owned(), "p95 is 3s\n".to_owned())].into(),
            starts_at_ms: 1_795_230_995_250,
            ends_at_ms: 1_795_231_235_250,
            generator_url: "http://localhost:5665/graph?g0.expr=x".to_owned(),
        };
        let first = Message::of(&alert);
        alert.generator_url.clear();
        alert.annotations.clear();
        let second = Message::of(&alert);
        assert_eq!(
            body([&first, &second].into_iter()),
            r#"[{"labels":{"alertname":"Slow","path":"/a \"b\""},"annotations":{"summary":"p95 is 3s\n"},"#
                .to_owned()
                + r#""startsAt":"2026-11-21T03:16:35.250Z","endsAt":"2026-11-21T03:20:35.250Z","#
                + r#""generatorURL":"http://localhost:5665/graph?g0.expr=x"},"#
                + r#"{"labels":{"alertname":"Slow","path":"/a \"b\""},"annotations":{},"#
                + r#""startsAt":"2026-11-21T03:16:35.250Z","endsAt":"2026-11-21T03:20:35.250Z"}]"#
        );
    }
}
