//! Parts of a plan that are not built yet: in the schema, and refused where they ask for something.

use serde_json::{Value as Json, json};

use super::fields::Fields;

/// The keys of a plan that are not built yet.
pub(crate) fn plan(f: &mut Fields<'_>) {
    f.later("settle", "How long to wait between the load and `verify`", text);
    f.later("verify", "What is asked of databases and services after the load", verify);
    f.later("baseline", "Earlier runs that this one is compared with", baseline);
}

pub(crate) fn anything() -> Json {
    json!({})
}

pub(crate) fn text() -> Json {
    json!({"type": "string"})
}

pub(crate) fn step() -> Json {
    json!({"type": "object"})
}

fn closed(properties: Json, required: &[&str]) -> Json {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn verify() -> Json {
    let common = || {
        json!({
            "equals": {}, "at_most": {"type": "number"}, "at_least": {"type": "number"},
            "checks": {"type": "object"}, "settle": {"type": "string"}, "timeout": {"type": "string"},
            "during": closed(json!({"every": {"type": "string"}, "equals": {}, "at_most": {"type": "number"}, "at_least": {"type": "number"}}), &["every"]),
        })
    };
    let kind = |own: &[&str]| {
        let mut properties = common();
        if let Some(object) = properties.as_object_mut() {
            object.extend(own.iter().map(|key| ((*key).to_owned(), json!({}))));
        }
        json!({"type": "object", "properties": properties, "additionalProperties": false})
    };
    let properties = json!({
        "postgres": kind(&["url", "query"]),
        "redis": kind(&["url", "command"]),
        "http": {"type": "object"},
        "metrics": kind(&["query"]),
    });
    json!({
        "type": "array",
        "items": {"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1, "maxProperties": 1},
    })
}

fn baseline() -> Json {
    let text = || json!({"type": "string"});
    let properties = json!({"metric": text(), "worse_by": {"type": ["string", "number"]}, "against": text()});
    closed(properties, &["metric", "worse_by", "against"])
}
