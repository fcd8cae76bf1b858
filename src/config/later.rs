//! Parts of a plan that are not built yet: in the schema, and refused where they ask for something.

use serde_json::{Value as Json, json};

use super::fields::{Element, Fields};

/// The keys of a plan that are not built yet.
pub(crate) fn plan(f: &mut Fields<'_>) {
    f.or_all_defaults::<Hooks>("hooks", "What is done when the verdict is known");
    f.later("chaos", "What is broken while the load is sent", chaos);
    f.later("baseline", "Earlier runs that this one is compared with", baseline);
}

/// What is done when the verdict is known.
struct Hooks;

impl Element for Hooks {
    const NAME: &'static str = "hooks";
    const HELP: &'static str = "What is done when the verdict is known";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        f.later("on_failure", "When the verdict is failed, inconclusive or stopped", flow);
        f.later("always", "Whatever the verdict is", flow);
        Some(Hooks)
    }
}

pub(crate) fn anything() -> Json {
    json!({})
}

pub(crate) fn step() -> Json {
    json!({"type": "object"})
}

pub(crate) fn flow() -> Json {
    json!({"type": "array", "items": {"type": "object"}})
}

fn closed(properties: Json, required: &[&str]) -> Json {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn chaos() -> Json {
    let recovery = closed(json!({"stable_for": {"type": "string"}, "within": {"type": "string"}}), &[]);
    let properties = json!({"at": {"type": "string"}, "do": {"type": "object"}, "undo": {"type": "object"}, "recovery": recovery});
    json!({"type": "array", "items": closed(properties, &["at", "do"])})
}

fn baseline() -> Json {
    let text = || json!({"type": "string"});
    let properties = json!({"metric": text(), "worse_by": {"type": ["string", "number"]}, "against": text()});
    closed(properties, &["metric", "worse_by", "against"])
}
