//! The kinds of values that stand behind keys, one file per kind: how each is read, what it expects and its schema.

pub(crate) mod duration;
pub(crate) mod json;
mod name;
pub(crate) mod number;
mod size;
mod table;
mod text;
mod url;

pub(crate) use duration::{AtLeast, parse_duration};
pub(crate) use name::{
    Any, AttributeName, CheckName, CookieName, EnvironmentName, HeaderName, HostName, Label, LedgerName,
    MetricName, Name, PlanName, ProfileName, Rule, ScenarioName, VariableName,
};
pub(crate) use number::{Count, Rate, RateOrNone, Share};
pub(crate) use size::{MessageSize, Size};
pub(crate) use table::{OneOrMany, Table};
pub(crate) use text::{Constant, Expression, FilePath, Method, Template, Text};
pub(crate) use url::{GrpcUrl, HttpUrl, PlainHttpUrl, WebsocketUrl};

use serde_json::{Value as Json, json};

use super::At;
use super::fields::{Reader, Value};
use super::node::{Kind, Node, Typed};
use super::schema::{Schemas, or_filled};
use super::suggest::expected_one_of;

/// Reads a word that stands for one of several values, `what`.
pub(crate) fn word<T: Copy>(node: &Node, reader: &mut Reader, what: &str, words: &[(&str, T)]) -> Option<T> {
    let found = node.scalar().and_then(|scalar| words.iter().find(|(word, _)| *word == scalar.text));
    if found.is_none() && node.kind != Kind::Broken {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let wrong = node.scalar().map_or("", |scalar| scalar.text.as_str());
        reader.problem(
            node.place,
            format!("unknown {what} {}", node.found()),
            expected_one_of(wrong, &names, &[]),
        );
    }
    found.map(|(_, value)| *value)
}

impl<T: Value> Value for At<T> {
    fn expected() -> String {
        T::expected()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        T::read(node, reader).map(|value| At::new(value, T::place(node)))
    }

    fn schema(schemas: &mut Schemas) -> Json {
        T::schema(schemas)
    }
}

impl<T: Value> Value for Vec<T> {
    fn expected() -> String {
        "a list".to_owned()
    }

    /// Reads all items before it gives up on one.
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Kind::Seq(items) = &node.kind else {
            reader.unexpected(node, &Self::expected());
            return None;
        };
        let read: Vec<Option<T>> = items.iter().map(|item| T::read(item, reader)).collect();
        read.into_iter().collect()
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"type": "array", "items": T::schema(schemas)})
    }
}

impl Value for bool {
    fn expected() -> String {
        "`true` or `false`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| match scalar.typed() {
            Typed::Bool(value) => Some(value),
            _ => None,
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"type": "boolean"}))
    }
}
