//! Objectives of two levels: `slo`.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::fields::{Element, Fields, Reader, Value};
use super::node::Node;
use super::schema::Schemas;
use super::threshold::{Written, selector};
use super::value::Constant;
use super::{At, Comparison, MetricSelector, Place, ThresholdConfig};

/// A line of `slo`: missing the target degrades it, what is critical fails it.
#[derive(Debug, Clone)]
pub struct SloConfig {
    /// Unique in the plan.
    pub name: At<String>,
    pub target: ThresholdConfig,
    pub critical: Option<ThresholdConfig>,
}

impl Element for SloConfig {
    const NAME: &'static str = "slo";
    const HELP: &'static str = "An objective: missing the target degrades it, what is critical fails the run";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let name = f.required::<At<Constant>>("name", "What it is called");
        let metric =
            f.required::<Metric>("metric", "A metric, perhaps with tags: `http_req_duration{scenario:chat}`");
        let target = f.required::<Written>("target", "What should hold, as in `thresholds`");
        let critical = f.optional::<Written>("critical", "What must hold; default: nothing");
        let (metric, target, critical) = (metric?.0, target?, critical?);
        let target = target.on(metric.clone());
        let critical = critical.map(|critical| critical.on(metric));
        if let Some(critical) = critical.as_ref().filter(|critical| is_stricter(critical, &target)) {
            let help = format!("expected one that `{}` is stricter than", target.source.value);
            f.problem_at(critical.source.place, "`critical` is stricter than `target`", help);
        }
        Some(SloConfig { name: name?.map(|name| name.0), target, critical })
    }
}

/// Whether `critical` is crossed before `target` is; only of two that can be compared.
fn is_stricter(critical: &ThresholdConfig, target: &ThresholdConfig) -> bool {
    let limit = |threshold: &ThresholdConfig| match threshold.unit_secs {
        Some(secs) => threshold.limit * secs * 1e3,
        None => threshold.limit,
    };
    if critical.aggregation != target.aggregation {
        return false;
    }
    match (critical.comparison, target.comparison) {
        (Comparison::Less | Comparison::LessOrEqual, Comparison::Less | Comparison::LessOrEqual) => {
            limit(critical) < limit(target)
        }
        (
            Comparison::Greater | Comparison::GreaterOrEqual,
            Comparison::Greater | Comparison::GreaterOrEqual,
        ) => limit(critical) > limit(target),
        _ => false,
    }
}

/// A metric as a value.
struct Metric(At<MetricSelector>);

impl Value for Metric {
    fn expected() -> String {
        "a metric such as `http_req_duration` or `http_req_duration{scenario:chat}`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = reader.scalar(node, &Self::expected(), |scalar| Some(scalar.text.clone()))?;
        selector(&At::new(text, node.place), reader).map(Metric)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string"})
    }
}

/// All objectives of a plan.
#[derive(Default)]
pub(crate) struct Slos(pub(crate) Vec<SloConfig>);

impl Value for Slos {
    fn expected() -> String {
        Vec::<SloConfig>::expected()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let slos = Vec::<SloConfig>::read(node, reader)?;
        let mut places: HashMap<&str, Place> = HashMap::new();
        for SloConfig { name, .. } in &slos {
            if let Some(first) = places.get(name.value.as_str()) {
                let help = format!("the first is at {}:{}", first.line, first.column);
                reader.problem(name.place, format!("a second objective has the name `{}`", name.value), help);
            } else {
                places.insert(&name.value, name.place);
            }
        }
        Some(Slos(slos))
    }

    fn schema(schemas: &mut Schemas) -> Json {
        Vec::<SloConfig>::schema(schemas)
    }
}
