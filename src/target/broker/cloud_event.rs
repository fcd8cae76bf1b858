//! CloudEvents 1.0 over HTTP, as its HTTP binding writes them: structured (one JSON object) and binary
//! (attributes in `ce-` headers). Pure.
//!
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md>

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use serde_json::{Map, Value};

const STRUCTURED: &str = "application/cloudevents+json";

/// What every event must have.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];

/// What an event is about. Closed, so that a client cannot make series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum EventKind {
    Build,
    Parser,
    Delete,
    Other,
}

impl EventKind {
    pub(in super::super) const ALL: [Self; 4] = [Self::Build, Self::Parser, Self::Delete, Self::Other];

    /// By the event's `type`, such as `network.notifi.lambda.build.start`.
    fn of(event_type: &str) -> Self {
        match event_type.strip_prefix("network.notifi.lambda.") {
            Some("build.start") => Self::Build,
            Some("parser.start") => Self::Parser,
            Some("parser.delete") => Self::Delete,
            _ => Self::Other,
        }
    }

    pub(in super::super) fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Parser => "parser",
            Self::Delete => "delete",
            Self::Other => "other",
        }
    }
}

/// An event that has all it must have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CloudEvent {
    pub(super) id: String,
    pub(super) kind: EventKind,
}

/// Why a request is not an event.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAnEvent {
    #[error("neither structured (content-type: {STRUCTURED}) nor binary (ce- headers)")]
    Neither,
    #[error("the body is not a JSON object: {0}")]
    Body(String),
    #[error("the attribute `{0}` is missing")]
    Missing(&'static str),
    #[error("the attribute `{0}` must be a string that is not empty")]
    Value(&'static str),
    #[error("specversion `{0}` is not supported; expected 1.0")]
    Version(String),
}

/// What an event of a request is as one JSON object: the structured mode, whichever it came in.
pub(super) fn as_json(headers: &HeaderMap, body: &[u8]) -> String {
    let attributes = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("ce-")?;
        let value = percent_encoding::percent_decode(value.as_bytes()).decode_utf8_lossy();
        Some((name.to_owned(), Value::from(value)))
    });
    let mut event: Map<String, Value> = attributes.collect();
    if event.is_empty() {
        return String::from_utf8_lossy(body).into_owned();
    }
    let data = serde_json::from_slice(body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(body)));
    event.insert("data".to_owned(), data);
    Value::from(event).to_string()
}

impl CloudEvent {
    /// Reads a request, whichever of the two it is.
    pub(super) fn of_request(headers: &HeaderMap, body: &[u8]) -> Result<Self, NotAnEvent> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let media_type = content_type.split(';').next().unwrap_or("").trim();
        if media_type.eq_ignore_ascii_case(STRUCTURED) {
            return Self::structured(body);
        }
        if !headers.keys().any(|name| name.as_str().starts_with("ce-")) {
            return Err(NotAnEvent::Neither);
        }
        Self::with_attributes(|name| match headers.get(format!("ce-{name}")) {
            None => Err(NotAnEvent::Missing(name)),
            Some(value) => value.to_str().map(str::to_owned).map_err(|_| NotAnEvent::Value(name)),
        })
    }

    /// Reads the JSON of a structured event.
    pub(super) fn structured(body: &[u8]) -> Result<Self, NotAnEvent> {
        let event: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| NotAnEvent::Body(error.to_string()))?;
        Self::with_attributes(|name| match event.get(name) {
            None => Err(NotAnEvent::Missing(name)),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(NotAnEvent::Value(name)),
        })
    }

    fn with_attributes(
        read: impl Fn(&'static str) -> Result<String, NotAnEvent>,
    ) -> Result<Self, NotAnEvent> {
        let required = |name| match read(name) {
            Ok(text) if text.is_empty() => Err(NotAnEvent::Value(name)),
            other => other,
        };
        let [version, id, source, event_type] = REQUIRED.map(required);
        let (version, id, _, event_type) = (version?, id?, source?, event_type?);
        if version != "1.0" {
            return Err(NotAnEvent::Version(version));
        }
        Ok(Self { id, kind: EventKind::of(&event_type) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn structured(body: &str) -> Result<CloudEvent, NotAnEvent> {
        let headers = headers(&[("content-type", "application/cloudevents+json; charset=utf-8")]);
        CloudEvent::of_request(&headers, body.as_bytes())
    }

    const TYPE: &str = "network.notifi.lambda.build.start";

    #[test]
    fn a_structured_event_is_one_object() {
        let event = structured(&format!(
            r#"{{"specversion":"1.0","id":"7","source":"s","type":"{TYPE}","data":{{}}}}"#
        ));
        assert_eq!(event, Ok(CloudEvent { id: "7".to_owned(), kind: EventKind::Build }));
    }

    #[test]
    fn a_binary_event_has_its_attributes_in_headers() {
        let mut given = headers(&[
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", "7"),
            ("ce-source", "s"),
            ("ce-type", "network.notifi.lambda.parser.start"),
        ]);
        let event = CloudEvent::of_request(&given, b"not even JSON");
        assert_eq!(event, Ok(CloudEvent { id: "7".to_owned(), kind: EventKind::Parser }));
        given.remove("ce-source");
        assert_eq!(CloudEvent::of_request(&given, b""), Err(NotAnEvent::Missing("source")));
    }

    #[test]
    fn a_binary_event_is_passed_on_as_one_object() {
        let given = headers(&[("content-type", "application/json"), ("ce-id", "7"), ("ce-source", "a%20b")]);
        let expected = serde_json::json!({"id": "7", "source": "a b", "data": {"n": 1}});
        assert_eq!(as_json(&given, br#"{"n":1}"#), expected.to_string());
        assert!(as_json(&given, b"n=1").contains(r#""data":"n=1""#));
        assert_eq!(as_json(&headers(&[]), br#"{"id": "7"}"#), r#"{"id": "7"}"#);
    }

    #[test]
    fn what_is_no_event_is_told_why() {
        assert_eq!(CloudEvent::of_request(&headers(&[]), b"{}"), Err(NotAnEvent::Neither));
        assert!(matches!(structured("[]"), Err(NotAnEvent::Body(_))));
        assert_eq!(structured("{}"), Err(NotAnEvent::Missing("specversion")));
        let with = |version: &str, id: &str| {
            structured(&format!(r#"{{"specversion":"{version}","id":{id},"source":"s","type":"t"}}"#))
        };
        assert_eq!(with("0.3", r#""7""#), Err(NotAnEvent::Version("0.3".to_owned())));
        assert_eq!(with("1.0", r#""""#), Err(NotAnEvent::Value("id")));
        assert_eq!(with("1.0", "7"), Err(NotAnEvent::Value("id")));
        assert_eq!(with("1.0", r#""7""#).unwrap().kind, EventKind::Other);
    }
}
