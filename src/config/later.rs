//! Parts of a plan that are not built yet: in the schema, and refused where they ask for something.

use serde_json::{Value as Json, json};

use super::fields::Fields;

/// The keys of a plan that are not built yet.
pub(crate) fn plan(f: &mut Fields<'_>) {
    f.later("baseline", "Earlier runs that this one is compared with", baseline);
}

pub(crate) fn anything() -> Json {
    json!({})
}

pub(crate) fn step() -> Json {
    json!({"type": "object"})
}

fn closed(properties: Json, required: &[&str]) -> Json {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn baseline() -> Json {
    let text = || json!({"type": "string"});
    let properties = json!({"metric": text(), "worse_by": {"type": ["string", "number"]}, "against": text()});
    closed(properties, &["metric", "worse_by", "against"])
}
