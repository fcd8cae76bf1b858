//! Scenarios: who does what, how often and for how long.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::executor::EXECUTORS;
use super::fields::{Element, Fields, Reader, Value};
use super::node::Node;
use super::plan::VariableValue;
use super::schema::Schemas;
use super::step::Flow;
use super::value::{Constant, EnvironmentName, Label, Name, ScenarioName, Table};
use super::{At, ExecutorConfig, StepConfig};

#[derive(Debug, Clone)]
pub struct ScenarioConfig {
    /// `[0-9a-zA-Z_-]+`, as k6 has it.
    pub name: At<String>,
    pub executor: ExecutorConfig,
    /// From the start of the run, or from the end of `start_after` (default 0).
    pub start_time: Duration,
    /// The scenario whose end, graceful stop included, this one waits for.
    pub start_after: Option<At<String>>,
    /// How long running iterations may go on after the end (default 30 s).
    pub graceful_stop: Duration,
    pub tags: Vec<(At<String>, At<String>)>,
    /// What `vars.NAME` is in this scenario instead.
    pub vars: Vec<(At<String>, Json)>,
    pub flow: Vec<At<StepConfig>>,
}

/// A scenario without its name.
struct Body {
    executor: ExecutorConfig,
    start_time: Duration,
    start_after: Option<At<String>>,
    graceful_stop: Duration,
    tags: Vec<(At<String>, At<String>)>,
    vars: Vec<(At<String>, Json)>,
    flow: Vec<At<StepConfig>>,
}

impl Element for Body {
    const NAME: &'static str = "scenario";
    const HELP: &'static str = "A flow, and when it is begun";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let executor = f.choice("executor", "When iterations begin", &EXECUTORS);
        let start_time =
            f.or("start_time", "From the start of the run, or from the end of `start_after`", "0s");
        let start_after = f.optional::<At<Name<ScenarioName>>>(
            "start_after",
            "The scenario whose end, graceful stop included, this one waits for",
        );
        let graceful_stop =
            f.or("graceful_stop", "How long running iterations may go on after the end", "30s");
        let tags = f.or_empty::<Table<Label, At<Constant>>>("tags", "On every series of the scenario");
        let vars = f.or_empty::<Table<EnvironmentName, VariableValue>>(
            "vars",
            "What `vars.NAME` is in this scenario's expressions instead",
        );
        let flow = f.required::<Flow>("flow", "The steps of one iteration");
        Some(Body {
            executor: executor?,
            start_time: start_time?,
            start_after: start_after?.map(|name| name.map(|name| name.0)),
            graceful_stop: graceful_stop?,
            tags: tags?.into_texts(),
            vars: vars?.0.into_iter().map(|(name, value)| (name, value.0)).collect(),
            flow: flow?.0,
        })
    }
}

/// At least one scenario.
pub(crate) struct Scenarios(pub(crate) Vec<ScenarioConfig>);

impl Value for Scenarios {
    fn expected() -> String {
        "at least one scenario: `NAME: {executor: …, flow: […]}`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if node.entries().is_none_or(<[_]>::is_empty) {
            reader.unexpected(node, &Self::expected());
            return None;
        }
        let table = Table::<ScenarioName, Body>::read(node, reader)?;
        let named = |(name, body): (At<String>, Body)| ScenarioConfig {
            name,
            executor: body.executor,
            start_time: body.start_time,
            start_after: body.start_after,
            graceful_stop: body.graceful_stop,
            tags: body.tags,
            vars: body.vars,
            flow: body.flow,
        };
        Some(Scenarios(table.0.into_iter().map(named).collect()))
    }

    fn schema(schemas: &mut Schemas) -> Json {
        let mut schema = Table::<ScenarioName, Body>::schema(schemas);
        if let Some(object) = schema.as_object_mut() {
            object.insert("minProperties".to_owned(), json!(1));
        }
        schema
    }
}
