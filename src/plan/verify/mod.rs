//! `verify`, compiled: where each question goes, what it says and what is demanded of the answer.

mod address;
mod postgres;
mod redis;
mod secrets;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub use postgres::{PostgresQuestion, TlsMode};
pub use redis::RedisQuestion;
pub use secrets::Secrets;

use super::Procedure;
use super::procedure::Procedures;
use crate::config::{
    At, CheckConfig, DemandsConfig, HttpConfig, Place, PlanConfig, Problem, QuestionConfig, Source,
    StepConfig, VerifyConfig, WantedConfig,
};
use crate::promql::Query;
use crate::template::{Expression, Names};

/// Something that must be so once the load is over.
#[derive(Debug)]
pub struct Verification {
    /// In reports and labels; unique in the plan, and free of addresses and statements.
    pub name: String,
    /// `postgres`, `redis`, `http` or `metrics`
    pub kind: &'static str,
    pub question: Question,
    /// Empty where only something is demanded during the load.
    pub demands: Demands,
    /// How long the answer may go on moving; `None`: the first one counts.
    pub settle: Option<Duration>,
    /// For one answer, connecting included.
    pub timeout: Duration,
    pub during: Option<During>,
    /// What no message may show.
    pub secrets: Secrets,
}

#[derive(Debug)]
pub enum Question {
    Postgres(PostgresQuestion),
    Redis(RedisQuestion),
    Http(HttpQuestion),
    /// A number, or an instant vector.
    Metrics(Query),
}

/// One request, whose answer is looked into by whoever asks.
#[derive(Debug)]
pub struct HttpQuestion {
    /// Of one step, without checks of its own.
    pub procedure: Procedure,
    /// Statuses that are an answer, both ends included.
    pub expected: Vec<(u16, u16)>,
}

/// All of them must hold of an answer.
#[derive(Debug, Default)]
pub struct Demands {
    pub equals: Option<WantedConfig>,
    pub at_most: Option<f64>,
    pub at_least: Option<f64>,
    /// By name.
    pub checks: Vec<(String, Expression)>,
}

/// What must hold at each moment of the load.
#[derive(Debug)]
pub struct During {
    pub every: Duration,
    pub demands: Demands,
}

impl Demands {
    pub fn is_empty(&self) -> bool {
        let Demands { equals, at_most, at_least, checks } = self;
        equals.is_none() && at_most.is_none() && at_least.is_none() && checks.is_empty()
    }

    /// Whether one value is needed to judge it.
    pub fn needs_value(&self) -> bool {
        self.equals.is_some() || self.at_most.is_some() || self.at_least.is_some()
    }
}

/// Names that expressions about the answer may use beside those of steps.
pub const VALUE: &str = "value";
pub const ROWS: &str = "rows";

/// `names` are those that `setup` leaves.
pub(super) fn compile(
    plan: &PlanConfig,
    source: &Arc<Source>,
    procedures: &mut Procedures<'_>,
    names: &Names,
) -> Vec<Verification> {
    let mut counted: HashMap<&str, usize> = HashMap::new();
    let mut taken: HashMap<String, Place> = HashMap::new();
    let mut verifications = Vec::new();
    for At { value: config, place } in &plan.verify {
        let count = counted.entry(config.kind).or_default();
        *count += 1;
        let (name, at) = match &config.name {
            Some(name) => (name.value.clone(), name.place),
            None => (format!("{} {count}", config.kind), *place),
        };
        if let Some(first) = taken.insert(name.clone(), at) {
            let help =
                format!("the first is at {}:{}; give one of them another `name`", first.line, first.column);
            let message = format!("a second verification has the name `{name}`");
            procedures.problems.push(Problem::new(at, message).help(help));
        }
        verifications.extend(verification(name, config, *place, source, procedures, names));
    }
    verifications
}

fn verification(
    name: String,
    config: &VerifyConfig,
    place: Place,
    source: &Arc<Source>,
    procedures: &mut Procedures<'_>,
    names: &Names,
) -> Option<Verification> {
    let mut secrets = Secrets::new(Arc::clone(source));
    let mut in_reach = names.clone();
    if !matches!(config.question, QuestionConfig::Http(_)) {
        in_reach.add(VALUE);
        in_reach.add(ROWS);
    }
    let question = match &config.question {
        QuestionConfig::Postgres { url, query } => {
            in_reach = in_reach.with_exchange();
            postgres::compile(url, query, &mut secrets, procedures.problems).map(Question::Postgres)
        }
        QuestionConfig::Redis { url, command } => {
            in_reach = in_reach.with_exchange();
            redis::compile(url, command, &mut secrets, procedures.problems).map(Question::Redis)
        }
        QuestionConfig::Http(http) => {
            let question = request(http, place, procedures, names);
            in_reach = in_reach.with_exchange();
            Some(Question::Http(question))
        }
        QuestionConfig::Metrics { query } => promql(query, procedures.problems).map(Question::Metrics),
    };
    let demands = demands(&config.demands, &in_reach, procedures.problems);
    let during = config.during.as_ref().map(|during| During {
        every: during.every,
        demands: self::demands(&during.demands, &in_reach, procedures.problems),
    });
    Some(Verification {
        name,
        kind: config.kind,
        question: question?,
        demands,
        settle: config.settle,
        timeout: config.timeout,
        during,
        secrets,
    })
}

fn request(http: &HttpConfig, place: Place, procedures: &mut Procedures<'_>, names: &Names) -> HttpQuestion {
    let expected = http.expected_statuses.iter().map(|range| (range.from, range.to)).collect();
    let step = At::new(StepConfig::Http(Box::new(http.clone())), place);
    let (procedure, _) = procedures.compile("verify", &[step], None, names);
    HttpQuestion { procedure, expected }
}

fn promql(query: &At<String>, problems: &mut Vec<Problem>) -> Option<Query> {
    let help = "expected an instant vector or a scalar such as `sum(k6_orders_total)`";
    match Query::parse(&query.value) {
        Ok(query) if matches!(query.type_name(), "scalar" | "instant vector") => Some(query),
        Ok(other) => {
            let message = format!("a verification needs a number now, and this is a {}", other.type_name());
            problems.push(Problem::new(query.place, message).help(help));
            None
        }
        Err(error) => {
            problems.push(Problem::new(query.place, format!("not PromQL: {error}")).help(help));
            None
        }
    }
}

fn demands(config: &DemandsConfig, names: &Names, problems: &mut Vec<Problem>) -> Demands {
    let DemandsConfig { equals, at_most, at_least, checks } = config;
    let mut compiled = Vec::new();
    for CheckConfig { name, expression } in checks {
        match Expression::compile(&expression.value, names) {
            Ok(expression) => compiled.push((name.value.clone(), expression)),
            Err(error) => {
                let (place, message, help) = (Some(expression.place), error.message, error.help);
                problems.push(Problem { place, message, help });
            }
        }
    }
    Demands { equals: equals.clone(), at_most: *at_most, at_least: *at_least, checks: compiled }
}
