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

/// A list, without its items that are null.
#[derive(Debug)]
pub(super) struct Items<T>(pub(super) Vec<T>);

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

impl<T> Default for Items<T> {
    fn default() -> Self {
        Items(Vec::new())
    }
}

impl<T: Value> Value for Items<T> {
    fn expected() -> String {
        Vec::<T>::expected()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Kind::Seq(items) = &node.kind else {
            reader.unexpected(node, &Self::expected());
            return None;
        };
        let given = items.iter().filter(|item| !item.is_null());
        let read: Vec<Option<T>> = given.map(|item| T::read(item, reader)).collect();
        read.into_iter().collect::<Option<Vec<T>>>().map(Items)
    }

    fn schema(schemas: &mut Schemas) -> Json {
        Vec::<T>::schema(schemas)
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
                let (message, place) = located(&error.message, &text, node);
                reader.problem(place, format!("not a valid PromQL expression: {message}"), None);
                None
            }
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        Text::schema(schemas)
    }
}

/// What Prometheus says of an expression, and the place in the file that it names by line and column: `2:14: parse
/// error: …`.
fn located(message: &str, text: &str, node: &Node) -> (String, Place) {
    let split = || {
        let (line, rest) = message.split_once(':')?;
        let (column, rest) = rest.split_once(": parse error: ")?;
        let (line, column) =
            (line.parse::<usize>().ok()?.checked_sub(1)?, column.parse::<usize>().ok()?.checked_sub(1)?);
        let line_start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        Some((rest, line_start + column))
    };
    match split() {
        Some((said, offset)) if node.knows_places() => (said.to_owned(), node.place_within(offset, 1)),
        _ => (message.strip_prefix("parse error: ").unwrap_or(message).to_owned(), node.place),
    }
}

impl Value for Limit {
    fn expected() -> String {
        "a whole number, without quotes".to_owned()
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
