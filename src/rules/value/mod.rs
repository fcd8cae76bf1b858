//! The kinds of values in Prometheus' files, read as Prometheus reads them: a scalar of any type is a text, and `null`
//! is an empty one.

mod duration;

use serde_json::{Value as Json, json};

use crate::config::fields::{Reader, Value};
use crate::config::node::{Kind, Node, Typed};
use crate::config::schema::Schemas;
use crate::config::{At, Place};
use crate::promql::Query;
pub(super) use duration::{PromDuration, show_duration};

/// Any scalar as it was written.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) String);

/// A text and where each of its characters stands.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) text: String,
    node: Node,
}

/// Names, each with a text, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Pairs(pub(super) Vec<(At<String>, Written)>);

/// A PromQL expression.
#[derive(Debug)]
pub(super) struct Expression(pub(super) Query);

/// A whole number; below 0 it is 0.
pub(super) struct Limit(pub(super) usize);

/// Any number.
#[derive(Debug)]
pub(super) struct Number(pub(super) f64);

impl Written {
    /// The place of some of its characters, from the byte `offset` on.
    pub(super) fn place_at(&self, offset: usize, characters: usize) -> Place {
        self.node.place_within(offset, characters)
    }
}

fn text(node: &Node, reader: &mut Reader, expected: &str) -> Option<String> {
    if node.is_null() {
        return Some(String::new());
    }
    reader.scalar(node, expected, |scalar| Some(scalar.text.clone()))
}

impl Value for Text {
    fn expected() -> String {
        "a text".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        text(node, reader, &Self::expected()).map(Text)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }
}

impl Value for Written {
    fn expected() -> String {
        Text::expected()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = text(node, reader, &Self::expected())?;
        Some(Written { text, node: node.clone() })
    }

    fn schema(schemas: &mut Schemas) -> Json {
        Text::schema(schemas)
    }
}

impl Value for Pairs {
    fn expected() -> String {
        "a mapping of names to texts".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            reader.unexpected(node, &Self::expected());
            return None;
        };
        let read: Vec<Option<(At<String>, Written)>> = entries
            .iter()
            .map(|(name, value)| Written::read(value, reader).map(|value| (name.clone(), value)))
            .collect();
        read.into_iter().collect::<Option<Vec<_>>>().map(Pairs)
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"type": "object", "additionalProperties": Text::schema(schemas)})
    }
}

impl Value for Expression {
    fn expected() -> String {
        "a PromQL expression".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = text(node, reader, &Self::expected())?;
        if text.is_empty() {
            reader.unexpected(node, &Self::expected());
            return None;
        }
        match Query::parse(&text) {
            Ok(query) => Some(Expression(query)),
            Err(error) => {
                reader.problem(node.place, format!("not a valid PromQL expression: {error}"), None);
                None
            }
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        Text::schema(schemas)
    }
}

impl Value for Limit {
    fn expected() -> String {
        "a whole number".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| match scalar.typed() {
            Typed::Integer(limit) => {
                i64::try_from(limit).ok().map(|limit| Limit(usize::try_from(limit).unwrap_or(0)))
            }
            _ => None,
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "integer"})
    }
}

impl Value for Number {
    fn expected() -> String {
        "a number".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| match scalar.typed() {
            Typed::Integer(value) => Some(Number(value as f64)),
            Typed::Float(value) => Some(Number(value)),
            _ => None,
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "number"})
    }
}
