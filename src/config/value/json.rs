//! Any YAML as JSON: the bodies of requests and messages.

use serde_json::{Map, Number, Value as Json, json};

use super::text::template;
use crate::config::fields::{Reader, Value};
use crate::config::node::{Kind, Node, Typed};
use crate::config::schema::Schemas;

impl Value for Json {
    fn expected() -> String {
        "a JSON value".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let well_formed = templates(node, reader);
        if let Some(culprit) = without_json(node) {
            reader.unexpected(culprit, "a JSON value: numbers are finite there");
        }
        json(node).filter(|_| well_formed)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({})
    }
}

/// A node as JSON; `None` where it holds a number that JSON has not, or something broken.
pub(crate) fn json(node: &Node) -> Option<Json> {
    Some(match &node.kind {
        Kind::Broken => return None,
        Kind::Seq(items) => Json::Array(items.iter().map(json).collect::<Option<_>>()?),
        Kind::Map(entries) => {
            let pair =
                |(key, value): &(crate::config::At<String>, Node)| Some((key.value.clone(), json(value)?));
            Json::Object(entries.iter().map(pair).collect::<Option<Map<String, Json>>>()?)
        }
        Kind::Scalar(scalar) => match scalar.typed() {
            Typed::Null => Json::Null,
            Typed::Bool(value) => Json::Bool(value),
            Typed::Integer(value) => Json::Number(number(value)?),
            Typed::Float(value) => Json::Number(Number::from_f64(value)?),
            Typed::Text(text) => Json::String(text.to_owned()),
        },
    })
}

/// The first scalar that JSON cannot hold.
fn without_json(node: &Node) -> Option<&Node> {
    match &node.kind {
        Kind::Broken => None,
        Kind::Seq(items) => items.iter().find_map(without_json),
        Kind::Map(entries) => entries.iter().find_map(|(_, value)| without_json(value)),
        Kind::Scalar(_) => Some(node).filter(|node| json(node).is_none()),
    }
}

fn number(value: i128) -> Option<Number> {
    let signed = i64::try_from(value).map(Number::from);
    let unsigned = u64::try_from(value).map(Number::from);
    signed.or(unsigned).ok().or_else(|| Number::from_f64(value as f64))
}

/// Checks all templates, and reports what is wrong with any.
fn templates(node: &Node, reader: &mut Reader) -> bool {
    match &node.kind {
        Kind::Broken => false,
        // Counted, since `all` would stop at the first problem.
        Kind::Seq(items) => items.iter().filter(|item| !templates(item, reader)).count() == 0,
        Kind::Map(entries) => entries.iter().filter(|(_, value)| !templates(value, reader)).count() == 0,
        Kind::Scalar(scalar) => match scalar.typed() {
            Typed::Text(text) => template(node, text, reader),
            _ => true,
        },
    }
}
