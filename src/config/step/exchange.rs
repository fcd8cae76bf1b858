//! What the steps that make exchanges have in common.

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::fields::{Reader, Value};
use super::super::node::{Node, Typed};
use super::super::schema::{Schemas, or_filled};
use super::super::value::{Expression, MetricName, Name, Rule, Table};

/// A name and the expression that belongs to it, both as written.
#[derive(Debug, Clone)]
pub struct Named {
    pub name: At<String>,
    pub expression: At<String>,
}

pub type CheckConfig = Named;

/// `record: NAME` takes the exchange's time; `record: {NAME: expression}` takes the expression's value.
#[derive(Debug, Clone)]
pub struct RecordConfig {
    pub metric: At<String>,
    pub expression: Option<At<String>>,
}

/// Strings in it are templates.
#[derive(Debug, Clone)]
pub enum BodyConfig {
    Json(At<serde_json::Value>),
    Text(At<String>),
    /// `application/x-www-form-urlencoded`
    Form(Vec<(At<String>, At<String>)>),
}

/// Statuses that are no failure, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusRange {
    pub from: u16,
    pub to: u16,
}

/// Names with expressions, in the order of the file.
pub(crate) type Expressions<R> = Table<R, At<Expression>>;

impl<R: Rule> Expressions<R> {
    pub(crate) fn into_named(self) -> Vec<Named> {
        let named = |(name, expression): (At<String>, At<Expression>)| Named {
            name,
            expression: expression.map(|expression| expression.0),
        };
        self.0.into_iter().map(named).collect()
    }
}

/// What `record` of an exchange holds.
#[derive(Default)]
pub(crate) struct Records(pub(crate) Vec<RecordConfig>);

impl Value for Records {
    fn expected() -> String {
        "a metric's name, or a mapping of metrics to expressions".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if node.scalar().is_some() {
            let metric = At::<Name<MetricName>>::read(node, reader)?.map(|name| name.0);
            return Some(Records(vec![RecordConfig { metric, expression: None }]));
        }
        if node.entries().is_none() {
            reader.unexpected(node, &Self::expected());
            return None;
        }
        let named = Expressions::<MetricName>::read(node, reader)?.into_named();
        let record = |named: Named| RecordConfig { metric: named.name, expression: Some(named.expression) };
        Some(Records(named.into_iter().map(record).collect()))
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"anyOf": [Name::<MetricName>::schema(schemas), Expressions::<MetricName>::schema(schemas)]})
    }
}

impl Value for StatusRange {
    fn expected() -> String {
        "a status such as `200` or a range such as `200-399`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| {
            let (from, to) = match scalar.typed() {
                Typed::Integer(_) => (status(&scalar.text)?, status(&scalar.text)?),
                Typed::Text(text) => match text.split_once(['-', '–']) {
                    Some((from, to)) => (status(from.trim())?, status(to.trim())?),
                    None => (status(text)?, status(text)?),
                },
                _ => return None,
            };
            (from <= to).then_some(StatusRange { from, to })
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        let range = json!({"type": "string", "pattern": "^[1-9][0-9]{2}( *[-–] *[1-9][0-9]{2})?$"});
        or_filled(json!({"anyOf": [{"type": "integer", "minimum": 100, "maximum": 999}, range]}))
    }
}

fn status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| text.len() == 3 && (100..=999).contains(status))
}
