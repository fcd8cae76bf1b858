//! Custom metrics, which `record` fills.

use serde_json::{Value as Json, json};

use super::At;
use super::fields::{Element, Fields, Reader, Value};
use super::node::Node;
use super::schema::Schemas;
use super::value::word;

#[derive(Debug, Clone)]
pub struct MetricConfig {
    pub name: At<String>,
    pub kind: MetricKind,
    /// Values are durations: thresholds in ms unless they carry a unit, exported in seconds.
    pub time: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    Counter,
    Gauge,
    Rate,
    Trend,
}

/// A custom metric without its name.
pub(crate) struct MetricBody {
    kind: MetricKind,
    time: bool,
}

impl MetricBody {
    pub(crate) fn named((name, body): (At<String>, MetricBody)) -> MetricConfig {
        MetricConfig { name, kind: body.kind, time: body.time }
    }
}

impl Element for MetricBody {
    const NAME: &'static str = "metric";
    const HELP: &'static str = "A custom metric";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let kind = f.required::<MetricKind>("type", "What is made of the values");
        let time = f.or("time", "Values are durations: thresholds in ms unless they carry a unit", "false");
        if time == Some(true) && kind.is_some_and(|kind| kind != MetricKind::Trend) {
            f.problem("time", "only a trend can hold durations", None);
        }
        Some(MetricBody { kind: kind?, time: time? })
    }
}

const METRIC_KINDS: [(&str, MetricKind); 4] = [
    ("counter", MetricKind::Counter),
    ("gauge", MetricKind::Gauge),
    ("rate", MetricKind::Rate),
    ("trend", MetricKind::Trend),
];

impl Value for MetricKind {
    fn expected() -> String {
        "one of `counter`, `gauge`, `rate`, `trend`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "type", &METRIC_KINDS)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"enum": METRIC_KINDS.map(|(word, _)| word)})
    }
}
