//! Steps that steer: sleep, group, repeat, if.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::fields::{Element, Fields, Reader, Value};
use super::super::node::Node;
use super::super::schema::Schemas;
use super::super::value::{Constant, Count, Expression};
use super::{Flow, StepConfig, wait_for};

/// Uniform between the two; equal for a plain `sleep: 1s`.
#[derive(Debug, Clone, Copy)]
pub struct SleepConfig {
    pub min: Duration,
    pub max: Duration,
}

#[derive(Debug, Clone)]
pub struct GroupConfig {
    pub name: At<String>,
    pub flow: Vec<At<StepConfig>>,
    /// In `preflight` only: tried again until it succeeds or this has passed.
    pub wait_for: Option<Duration>,
}

#[derive(Debug, Clone)]
pub struct RepeatConfig {
    pub until: LoopConfig,
    pub flow: Vec<At<StepConfig>>,
}

#[derive(Debug, Clone)]
pub enum LoopConfig {
    Times(u64),
    /// An expression.
    While(At<String>),
}

#[derive(Debug, Clone)]
pub struct IfConfig {
    pub when: At<String>,
    pub then: Vec<At<StepConfig>>,
    pub otherwise: Vec<At<StepConfig>>,
}

impl Value for SleepConfig {
    fn expected() -> String {
        "a duration such as `1s`, or `{min: 0s, max: 300ms}`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.entries() {
            Some(_) => SleepRange::read(node, reader).map(|range| range.0),
            None => Duration::read(node, reader).map(|duration| SleepConfig { min: duration, max: duration }),
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"anyOf": [Duration::schema(schemas), SleepRange::schema(schemas)]})
    }
}

/// The long form.
struct SleepRange(SleepConfig);

impl Element for SleepRange {
    const NAME: &'static str = "sleep";
    const HELP: &'static str = "A duration drawn evenly from a range";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let min = f.or("min", "The shortest", "0s");
        let max = f.required("max", "The longest");
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            f.problem("min", "`min` is longer than `max`", None);
        }
        Some(SleepRange(SleepConfig { min: min?, max: max? }))
    }
}

impl Element for GroupConfig {
    const NAME: &'static str = "group";
    const HELP: &'static str = "Steps with a common name, the label `group`";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let name =
            f.required::<At<Constant>>("name", "The label `group`, after those of the groups around it");
        let flow = f.required::<Flow>("flow", "The steps of the group");
        let wait_for = wait_for(f);
        if let Some(name) = &name
            && name.value.0.contains("::")
        {
            f.problem(
                "name",
                "a group's name cannot hold `::`",
                "k6 puts it between the names of nested groups".to_owned(),
            );
        }
        Some(GroupConfig { name: name?.map(|name| name.0), flow: flow?.0, wait_for: wait_for? })
    }
}

impl Element for RepeatConfig {
    const NAME: &'static str = "repeat";
    const HELP: &'static str = "Steps done again and again";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let times = f.optional::<Count<1, 1_000_000_000>>("times", "How often");
        let condition = f.optional::<At<Expression>>("while", "Asked before each round");
        let flow = f.required::<Flow>("flow", "The steps of a round");
        let until = match (times?, condition?) {
            (Some(times), None) => LoopConfig::Times(times.0),
            (None, Some(condition)) => LoopConfig::While(condition.map(|condition| condition.0)),
            (None, None) => {
                f.problem("", "`repeat` does not say how often", "expected `times` or `while`".to_owned());
                return None;
            }
            (Some(_), Some(_)) => {
                f.problem("while", "both `times` and `while`", "expected one of them".to_owned());
                return None;
            }
        };
        Some(RepeatConfig { until, flow: flow?.0 })
    }
}

impl Element for IfConfig {
    const NAME: &'static str = "if";
    const HELP: &'static str = "Steps done only when an expression holds";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let when = f.required::<At<Expression>>("when", "What must hold");
        let then = f.required::<Flow>("then", "The steps done when it holds");
        let otherwise = f.or_empty::<Vec<At<StepConfig>>>("else", "The steps done when it does not");
        Some(IfConfig { when: when?.map(|when| when.0), then: then?.0, otherwise: otherwise? })
    }
}
