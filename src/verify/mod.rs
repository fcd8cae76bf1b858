//! Verifications: databases, services and the run's own series, asked once the load is over, and during it.
//!
//! A question that gets no answer says why, in words that hold no credentials; an answer is judged here ([`judge`]), and
//! nothing else decides. Each question has its own connection and its own time, and takes in at most 4 MiB.

mod during;
mod http;
mod judge;
mod metrics;
mod postgres;
mod reach;
mod redis;
mod settle;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

pub use during::{Seen, Watching};
pub use settle::verify;

use crate::flow::HttpDebug;
use crate::plan::Plan;
use crate::plan::verify::{Question, Verification};
use crate::rules::NoData;
use crate::template::{ExchangeView, Locals, Value};
use crate::time::{Clock, span};
use crate::tsdb::Store;

/// What questions need of the run.
#[derive(Debug, Clone)]
pub struct Surroundings {
    pub plan: Arc<Plan>,
    /// What `setup` captured.
    pub given: Arc<Locals>,
    /// The run's own series and the scraped ones.
    pub store: Arc<Store>,
    pub testid: String,
    /// Of the load.
    pub clock: Clock,
    pub http_debug: Option<HttpDebug>,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    found: Found,
    /// `rows` of expressions.
    rows: Value,
    /// What `json`, `body` and, of a response, `status` and `headers` are.
    exchange: Option<ExchangeView>,
    /// The same for answers that are the same.
    print: u64,
}

/// What is judged.
#[derive(Debug, Clone, PartialEq)]
enum Found {
    Nothing,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    /// A list, of so many.
    Many(usize, &'static str),
    Response {
        status: u16,
        /// Whether `expected_statuses` has it.
        expected: bool,
    },
}

/// Why there is nothing to judge.
#[derive(Debug, Clone, PartialEq)]
enum Unanswered {
    Why(String),
    NoData(NoData),
}

impl From<String> for Unanswered {
    fn from(why: String) -> Self {
        Unanswered::Why(why)
    }
}

/// Asks once. `at_ms` is the moment of which series are asked.
async fn ask(verification: &Verification, around: &Surroundings, at_ms: i64) -> Result<Answer, Unanswered> {
    let timeout = verification.timeout;
    let answer = async {
        match &verification.question {
            Question::Postgres(question) => Ok(postgres::ask(question, timeout, around).await?),
            Question::Redis(question) => Ok(redis::ask(question, around).await?),
            Question::Http(question) => Ok(http::ask(question, around).await?),
            Question::Metrics(query) => metrics::ask(query, around, at_ms),
        }
    };
    let answer = match tokio::time::timeout(timeout, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Unanswered::Why(format!("no answer in time (timeout: {})", span(timeout)))),
    };
    answer.map_err(|unanswered| match unanswered {
        Unanswered::Why(why) => Unanswered::Why(shorten(&verification.secrets.hide(&why))),
        no_data => no_data,
    })
}

/// What others say is shown as far as it can be read at a glance.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn print(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// A value as the body of an exchange: what is JSON can be looked into.
fn exchange_of(text: &str) -> ExchangeView {
    ExchangeView::new(0, ::http::HeaderMap::new(), text.to_owned().into(), Duration::ZERO, None)
}

impl Found {
    /// A number written out, as far as it is one.
    fn number(text: &str) -> Option<Found> {
        let text = text.trim();
        match text.parse::<i128>() {
            Ok(number) => Some(Found::Integer(number)),
            Err(_) => text.parse::<f64>().ok().map(Found::Float),
        }
    }

    fn value(&self) -> Value {
        match self {
            Found::Nothing => Value::from(()),
            Found::Bool(value) => Value::from(*value),
            Found::Integer(number) => match i64::try_from(*number) {
                Ok(number) => Value::from(number),
                Err(_) => Value::from(*number),
            },
            Found::Float(number) => Value::from(*number),
            Found::Text(text) => Value::from(text.as_str()),
            Found::Many(..) | Found::Response { .. } => Value::UNDEFINED,
        }
    }

    /// For people.
    fn shown(&self) -> String {
        match self {
            Found::Nothing => "null".to_owned(),
            Found::Bool(value) => value.to_string(),
            Found::Integer(number) => number.to_string(),
            Found::Float(number) => number.to_string(),
            Found::Text(text) => format!("{:?}", shorten(text)),
            Found::Many(count, what) => format!("{count} {what}"),
            Found::Response { status, .. } => format!("status {status}"),
        }
    }
}
