//! Thresholds in k6's grammar: `metric{tag:value}` and a list of `aggregation operator value`.

mod grammar;

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::At;
use super::fields::{Element, Fields, Reader, Value};
use super::node::{Kind, Node};
use super::schema::Schemas;
use super::value::OneOrMany;
use grammar::Condition;

#[derive(Debug, Clone)]
pub struct ThresholdConfig {
    pub metric: At<MetricSelector>,
    /// As it was written, without spaces around: `p(95)<500`.
    pub source: At<String>,
    pub aggregation: Aggregation,
    pub comparison: Comparison,
    /// In `unit_secs`; a percentage is a share.
    pub limit: f64,
    /// The unit the limit was written with, in seconds (`10s` has limit 10 and unit 1); `None` for a bare number.
    pub unit_secs: Option<f64>,
    pub abort_on_fail: bool,
    pub delay_abort_eval: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetricSelector {
    pub name: String,
    /// All must be equal.
    pub tags: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregation {
    Count,
    Rate,
    Value,
    Avg,
    Min,
    Max,
    Med,
    /// 0 to 100.
    Percentile(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

const EXPECTED: &str = "a threshold such as `p(95)<500`, `rate<0.01` or `avg>90`";

/// One item of a metric's list.
struct Item {
    source: At<String>,
    condition: Condition,
    abort_on_fail: bool,
    delay_abort_eval: Duration,
}

impl Value for Item {
    fn expected() -> String {
        EXPECTED.to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if node.entries().is_some() {
            return LongItem::read(node, reader).map(|item| item.0);
        }
        let Written { source, condition } = Written::read(node, reader)?;
        Some(Item { source, condition, abort_on_fail: false, delay_abort_eval: Duration::ZERO })
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"anyOf": [Condition::schema(schemas), LongItem::schema(schemas)]})
    }
}

fn source(node: &Node) -> At<String> {
    At::new(node.scalar().map_or_else(String::new, |scalar| scalar.text.trim().to_owned()), node.place)
}

impl Value for Condition {
    fn expected() -> String {
        EXPECTED.to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
            reader.unexpected(node, EXPECTED);
            return None;
        };
        let text = scalar.text.trim();
        let lead = scalar.text.len() - scalar.text.trim_start().len();
        match Condition::parse(text) {
            Ok(condition) => Some(condition),
            Err(fault) => {
                let place = node.place_within(lead + fault.from, fault.length);
                reader.problem(place, fault.message, fault.help.to_owned());
                None
            }
        }
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({
            "type": "string",
            "pattern": r"^\s*(count|rate|value|avg|min|max|med|p\([^)]*\))\s*(<=?|>=?|={2,3}|!=)\s*\S.*$",
            "examples": ["p(95)<500", "rate<0.01", "avg>90", "p(99)<10s"],
        })
    }
}

/// A threshold with options.
struct LongItem(Item);

impl Element for LongItem {
    const NAME: &'static str = "threshold";
    const HELP: &'static str = "A threshold that may end the run";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let condition = f.required::<Written>("threshold", "The condition");
        let abort_on_fail = f.or("abort_on_fail", "End the run as soon as it fails", "false");
        let delay_abort_eval =
            f.or("delay_abort_eval", "From the start of the run, before it may end it", "0s");
        let Written { source, condition } = condition?;
        Some(LongItem(Item {
            source,
            condition,
            abort_on_fail: abort_on_fail?,
            delay_abort_eval: delay_abort_eval?,
        }))
    }
}

/// A condition and how it was written.
pub(super) struct Written {
    source: At<String>,
    condition: Condition,
}

impl Written {
    /// The condition on a metric.
    pub(super) fn on(self, metric: At<MetricSelector>) -> ThresholdConfig {
        let Written { source, condition } = self;
        of_metric(&metric, Item { source, condition, abort_on_fail: false, delay_abort_eval: Duration::ZERO })
    }
}

impl Value for Written {
    fn expected() -> String {
        EXPECTED.to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        Condition::read(node, reader).map(|condition| Written { source: source(node), condition })
    }

    fn schema(schemas: &mut Schemas) -> Json {
        Condition::schema(schemas)
    }
}

/// All thresholds of a plan, in the order of the file.
#[derive(Default)]
pub(crate) struct Thresholds(pub(crate) Vec<ThresholdConfig>);

impl Value for Thresholds {
    fn expected() -> String {
        "a mapping of metrics to thresholds".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            reader.unexpected(node, &Self::expected());
            return None;
        };
        let mut read = Some(Vec::new());
        for (key, value) in entries {
            let selector = selector(key, reader);
            let items = OneOrMany::<Item>::read(value, reader);
            read = match (read, selector, items) {
                (Some(mut list), Some(metric), Some(items)) => {
                    list.extend(items.0.into_iter().map(|item| of_metric(&metric, item)));
                    Some(list)
                }
                _ => None,
            };
        }
        read.map(Thresholds)
    }

    fn schema(schemas: &mut Schemas) -> Json {
        let names = json!({"pattern": r"^\s*[a-zA-Z_][a-zA-Z0-9_]{0,127}\s*(\{.+\}\s*)?$"});
        json!({"type": "object", "propertyNames": names, "additionalProperties": OneOrMany::<Item>::schema(schemas)})
    }
}

pub(super) fn selector(key: &At<String>, reader: &mut Reader) -> Option<At<MetricSelector>> {
    match MetricSelector::parse(&key.value) {
        Ok(selector) => Some(At::new(selector, key.place)),
        Err(message) => {
            let help = "expected a metric such as `http_req_duration` or `http_req_duration{scenario:chat}`"
                .to_owned();
            reader.problem(key.place, format!("not a metric: {message}"), help);
            None
        }
    }
}

fn of_metric(metric: &At<MetricSelector>, item: Item) -> ThresholdConfig {
    let Condition { aggregation, comparison, limit, unit_secs } = item.condition;
    ThresholdConfig {
        metric: metric.clone(),
        source: item.source,
        aggregation,
        comparison,
        limit,
        unit_secs,
        abort_on_fail: item.abort_on_fail,
        delay_abort_eval: item.delay_abort_eval,
    }
}
