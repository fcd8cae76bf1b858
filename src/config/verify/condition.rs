//! What is demanded of an answer: `equals`, `at_most`, `at_least`, `checks`; after the load, and during it.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::config::fields::{Element, Fields, Reader, Value};
use crate::config::node::{Node, Typed};
use crate::config::schema::{Schemas, or_filled};
use crate::config::step::CheckConfig;
use crate::config::step::Expressions;
use crate::config::value::{AtLeast, CheckName};

/// All of them must hold.
#[derive(Debug, Clone, Default)]
pub struct DemandsConfig {
    pub equals: Option<WantedConfig>,
    pub at_most: Option<f64>,
    pub at_least: Option<f64>,
    pub checks: Vec<CheckConfig>,
}

/// What an answer must be equal to.
#[derive(Debug, Clone, PartialEq)]
pub enum WantedConfig {
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
}

#[derive(Debug, Clone)]
pub struct DuringConfig {
    /// From 100 ms.
    pub every: Duration,
    pub demands: DemandsConfig,
}

impl DemandsConfig {
    pub fn is_empty(&self) -> bool {
        let DemandsConfig { equals, at_most, at_least, checks } = self;
        equals.is_none() && at_most.is_none() && at_least.is_none() && checks.is_empty()
    }
}

pub(super) fn demands(f: &mut Fields<'_>) -> Option<DemandsConfig> {
    let equals = f.optional("equals", "What the answer is: numbers compare as numbers, texts as texts");
    let at_most = f.optional::<Limit>("at_most", "A number that the answer must not exceed");
    let at_least = f.optional::<Limit>("at_least", "A number that the answer must reach");
    let checks = checks(f, "Name and expression, over `value`, `rows` and `json`");
    let (at_most, at_least) = (at_most?.map(|limit| limit.0), at_least?.map(|limit| limit.0));
    if let (Some(most), Some(least)) = (at_most, at_least)
        && least > most
    {
        f.problem("at_least", "`at_least` is more than `at_most`", "no answer can be both".to_owned());
        return None;
    }
    Some(DemandsConfig { equals: equals?, at_most, at_least, checks: checks? })
}

pub(super) fn checks(f: &mut Fields<'_>, help: &'static str) -> Option<Vec<CheckConfig>> {
    f.or_empty::<Expressions<CheckName>>("checks", help).map(Expressions::into_named)
}

/// `during` of a verification whose answer is a value.
pub(super) struct During(pub(super) DuringConfig);

impl Element for During {
    const NAME: &'static str = "during";
    const HELP: &'static str = "What must hold at each moment of the load";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let every = every(f);
        let demands = demands(f)?;
        if demands.is_empty() {
            let help = "expected `equals`, `at_most`, `at_least` or `checks`";
            f.problem("equals", "nothing is demanded during the load", help.to_owned());
            return None;
        }
        Some(During(DuringConfig { every: every?, demands }))
    }
}

/// `during` of a verification whose answer is an HTTP response.
pub(super) struct DuringHttp(pub(super) DuringConfig);

impl Element for DuringHttp {
    const NAME: &'static str = "during_http";
    const HELP: &'static str = "What must hold at each moment of the load";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let every = every(f);
        let checks = checks(f, "Name and expression, over the response")?;
        if checks.is_empty() {
            f.problem(
                "checks",
                "nothing is demanded during the load",
                "expected `checks`, each a name and an expression".to_owned(),
            );
            return None;
        }
        Some(DuringHttp(DuringConfig {
            every: every?,
            demands: DemandsConfig { checks, ..Default::default() },
        }))
    }
}

fn every(f: &mut Fields<'_>) -> Option<Duration> {
    f.required::<AtLeast<100>>("every", "How often it is asked").map(|every| every.0)
}

/// A finite number.
struct Limit(f64);

impl Value for Limit {
    fn expected() -> String {
        "a number".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| match scalar.typed() {
            Typed::Integer(value) => Some(Limit(value as f64)),
            Typed::Float(value) if value.is_finite() => Some(Limit(value)),
            _ => None,
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"type": "number"}))
    }
}

impl Value for WantedConfig {
    fn expected() -> String {
        "a number, a text, `true` or `false`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| match scalar.typed() {
            Typed::Bool(value) => Some(WantedConfig::Bool(value)),
            Typed::Integer(value) => Some(WantedConfig::Integer(value)),
            Typed::Float(value) => value.is_finite().then_some(WantedConfig::Float(value)),
            Typed::Text(text) => Some(WantedConfig::Text(text.to_owned())),
            Typed::Null => None,
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }
}
