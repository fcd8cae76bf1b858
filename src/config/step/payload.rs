//! What a message of a protocol without media types of its own holds.

use serde_json::Value as Json;

use super::super::At;
use super::super::fields::Fields;
use super::super::value::{FilePath, Template};
use super::cloudevent::CloudEventConfig;

/// Strings in it are templates.
#[derive(Debug, Clone)]
pub enum PayloadConfig {
    Empty,
    Json(At<Json>),
    Text(At<String>),
    /// A path.
    File(At<String>),
    CloudEvent(Box<CloudEventConfig>),
}

const KEYS: [&str; 4] = ["json", "body", "file", "cloudevent"];

/// At most one of the keys that give it.
pub(super) fn payload(f: &mut Fields<'_>) -> Option<PayloadConfig> {
    let json = f.optional::<At<Json>>("json", "A message in JSON; strings in it are templates");
    let text = f.optional::<At<Template>>("body", "A message of text; a template");
    let file = f.optional::<At<FilePath>>("file", "A message from a file, read when the plan is loaded");
    let event = f.optional::<CloudEventConfig>("cloudevent", "A CloudEvent 1.0");
    f.at_most_one(&KEYS, "one message");
    let (json, text, file, event) = (json?, text?, file?, event?);
    Some(
        json.map(PayloadConfig::Json)
            .or_else(|| text.map(|text| PayloadConfig::Text(text.map(|text| text.0))))
            .or_else(|| file.map(|file| PayloadConfig::File(file.map(|file| file.0))))
            .or_else(|| event.map(|event| PayloadConfig::CloudEvent(Box::new(event))))
            .unwrap_or(PayloadConfig::Empty),
    )
}
