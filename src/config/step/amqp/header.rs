//! A header of a message: AMQP knows its type, as YAML does.

use serde_json::{Value as Json, json};

use super::super::super::At;
use super::super::super::fields::{Reader, Value};
use super::super::super::node::{Node, Scalar, Typed};
use super::super::super::schema::Schemas;
use super::super::super::value::Template;

#[derive(Debug, Clone)]
pub enum AmqpHeaderConfig {
    /// A template.
    Text(At<String>),
    Integer(i64),
    Float(f64),
    Boolean(bool),
}

impl Value for AmqpHeaderConfig {
    fn expected() -> String {
        "a text, which may hold `{{ expression }}`, a number, or `true` or `false`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let constant = match node.scalar().map_or(Typed::Null, Scalar::typed) {
            Typed::Bool(value) => Some(AmqpHeaderConfig::Boolean(value)),
            Typed::Integer(value) => i64::try_from(value).ok().map(AmqpHeaderConfig::Integer),
            Typed::Float(value) => Some(AmqpHeaderConfig::Float(value)),
            Typed::Text(_) => {
                let text = At::<Template>::read(node, reader)?;
                Some(AmqpHeaderConfig::Text(text.map(|text| text.0)))
            }
            Typed::Null => None,
        };
        if constant.is_none() {
            reader.unexpected(node, &Self::expected());
        }
        constant
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }
}
