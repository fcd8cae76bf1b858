//! What the steps that make exchanges have in common.

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::fields::{Element, Fields, Reader, Value};
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

/// `record: NAME`, `record: {NAME: expression}` or `record: {NAME: {value: …, when: …}}`.
#[derive(Debug, Clone)]
pub struct RecordConfig {
    pub metric: At<String>,
    /// An expression; without it a metric of times takes the exchange's time and a counter counts 1.
    pub value: Option<At<String>>,
    /// An expression that must hold, else nothing is recorded.
    pub when: Option<At<String>>,
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

/// Metrics and what is recorded for each: the step `record`.
#[derive(Default)]
pub(crate) struct RecordTable(pub(crate) Vec<RecordConfig>);

/// What `record` of an exchange holds: a table, or the name of a metric that takes the time.
#[derive(Default)]
pub(crate) struct Records(pub(crate) Vec<RecordConfig>);

/// What is recorded, and when.
struct RecordBody {
    value: Option<At<Expression>>,
    when: Option<At<Expression>>,
}

/// The long form.
struct ConditionalRecord(RecordBody);

impl Value for RecordTable {
    fn expected() -> String {
        "a mapping of metrics to expressions".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let table = Table::<MetricName, RecordBody>::read(node, reader)?;
        let record = |(metric, RecordBody { value, when }): (At<String>, RecordBody)| RecordConfig {
            metric,
            value: value.map(|value| value.map(|expression| expression.0)),
            when: when.map(|when| when.map(|expression| expression.0)),
        };
        Some(RecordTable(table.0.into_iter().map(record).collect()))
    }

    fn schema(schemas: &mut Schemas) -> Json {
        Table::<MetricName, RecordBody>::schema(schemas)
    }
}

impl Value for Records {
    fn expected() -> String {
        "a metric's name, or a mapping of metrics to expressions".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if node.scalar().is_some() {
            let metric = At::<Name<MetricName>>::read(node, reader)?.map(|name| name.0);
            return Some(Records(vec![RecordConfig { metric, value: None, when: None }]));
        }
        if node.entries().is_none() {
            reader.unexpected(node, &Self::expected());
            return None;
        }
        RecordTable::read(node, reader).map(|table| Records(table.0))
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"anyOf": [Name::<MetricName>::schema(schemas), RecordTable::schema(schemas)]})
    }
}

impl Value for RecordBody {
    fn expected() -> String {
        "an expression, or `{value: expression, when: expression}`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.entries() {
            Some(_) => ConditionalRecord::read(node, reader).map(|record| record.0),
            None => At::<Expression>::read(node, reader)
                .map(|value| RecordBody { value: Some(value), when: None }),
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"anyOf": [Expression::schema(schemas), ConditionalRecord::schema(schemas)]})
    }
}

impl Element for ConditionalRecord {
    const NAME: &'static str = "record";
    const HELP: &'static str = "What is recorded, and when";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let value = f.optional(
            "value",
            "An expression; default: the exchange's time for a metric of times, 1 for a counter",
        );
        let when = f.optional("when", "An expression that must hold, else nothing is recorded");
        Some(ConditionalRecord(RecordBody { value: value?, when: when? }))
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
