//! Steps that steer: sleep, group, repeat, if, choose.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::fields::{Element, Fields, Reader, Value};
use super::super::node::{Kind, Node};
use super::super::schema::Schemas;
use super::super::value::{AtLeast, Constant, Count, Expression, Rate};
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

/// Ends with the first of its three ends that is reached; it has at least one.
#[derive(Debug, Clone)]
pub struct RepeatConfig {
    pub times: Option<u64>,
    /// An expression, asked before each round.
    pub condition: Option<At<String>>,
    /// No round is due after it.
    pub lasting: Option<Duration>,
    /// From the beginning of a round to that of the next; default: when the last is done.
    pub every: Option<Duration>,
    pub flow: Vec<At<StepConfig>>,
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
    const HELP: &'static str = "Steps done again and again, until the first of its ends is reached";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let times = f.optional::<Count<1, 1_000_000_000>>("times", "How often");
        let condition = f.optional::<At<Expression>>("while", "Asked before each round");
        let lasting =
            f.optional::<AtLeast<1>>("for", "How long rounds begin; with `every`, how long they are due");
        let every = f.optional::<AtLeast<1>>(
            "every",
            "From one round's due time to the next; a round that is late is not left out, and its first exchange is timed from when it was due",
        );
        let flow = f.required::<Flow>("flow", "The steps of a round");
        let repeat = RepeatConfig {
            times: times?.map(|times| times.0),
            condition: condition?.map(|condition| condition.map(|condition| condition.0)),
            lasting: lasting?.map(|lasting| lasting.0),
            every: every?.map(|every| every.0),
            flow: flow?.0,
        };
        if repeat.times.is_none() && repeat.condition.is_none() && repeat.lasting.is_none() {
            let help = "expected `times`, `while` or `for`".to_owned();
            f.problem("", "`repeat` does not say when it ends", help);
            return None;
        }
        Some(repeat)
    }
}

/// One of the flows of `choose`.
#[derive(Debug, Clone)]
pub struct ChoiceConfig {
    /// Above 0.
    pub weight: f64,
    pub flow: Vec<At<StepConfig>>,
}

impl Element for ChoiceConfig {
    const NAME: &'static str = "choice";
    const HELP: &'static str =
        "A flow that is taken as often as its weight says, beside the weights of the others";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let weight =
            f.required::<Rate>("weight", "How often it is taken: its part of the sum of all weights");
        let flow = f.required::<Flow>("flow", "The steps that are done");
        Some(ChoiceConfig { weight: weight?.0, flow: flow?.0 })
    }
}

/// At least one flow.
pub(crate) struct Choices(pub(crate) Vec<ChoiceConfig>);

impl Value for Choices {
    fn expected() -> String {
        "a list of at least one `{weight: …, flow: …}`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Seq(items) if !items.is_empty() => Vec::read(node, reader).map(Choices),
            _ => {
                reader.unexpected(node, &Self::expected());
                None
            }
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"type": "array", "items": ChoiceConfig::schema(schemas), "minItems": 1})
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
