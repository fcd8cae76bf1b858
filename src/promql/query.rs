//! A query: parsed once, asked often.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use promql_parser::parser::Expr;

use super::{Annotation, Matcher, Source, Value};

/// A parsed, type-checked expression.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
    expr: Expr,
}

/// How queries are evaluated; the default is Prometheus' own.
#[derive(Debug, Clone)]
pub struct Options {
    /// How old a sample may be for an instant vector to have it.
    pub lookback: Duration,
    /// The step of a subquery that names none.
    pub subquery_step: Duration,
    /// Drops `__name__` at the end instead of at each function; what Prometheus' own tests do.
    pub delayed_name_removal: bool,
    pub limits: Limits,
}

/// What one query may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Points held at a time.
    pub max_points: usize,
    /// When the query is given up.
    pub deadline: Option<Instant>,
    /// Set by whoever does not want the answer any more.
    pub cancelled: Option<Arc<AtomicBool>>,
}

/// A result, and what Prometheus would say beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub value: Value,
    pub annotations: Vec<Annotation>,
}

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    pub message: String,
}

/// Why a query has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
    #[error("{0}")]
    Invalid(String),
    #[error("query timed out")]
    Timeout,
    #[error("query was cancelled")]
    Cancelled,
    #[error("query would hold more than {0} points in memory: ask for fewer series, or a shorter range")]
    TooManyPoints(usize),
    #[error("{0}")]
    Source(#[from] super::SourceError),
}

impl Query {
    /// # Errors
    /// Of syntax, of types, of functions that are unknown or that Prometheus calls experimental.
    pub fn parse(text: &str) -> Result<Query, ParseError> {
        match promql_parser::parser::parse(text) {
            Ok(expr) => Ok(Query { text: text.to_owned(), expr }),
            Err(message) => Err(ParseError { message }),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// The value at one moment.
    ///
    /// # Errors
    /// See [`EvalError`].
    pub fn instant(&self, source: &dyn Source, at_ms: i64, options: &Options) -> Result<Answer, EvalError> {
        let _ = (source, at_ms, options);
        Err(EvalError::Invalid("not built yet".to_owned()))
    }

    /// The values at `from_ms`, `from_ms + step_ms`, … up to `to_ms`: always a matrix.
    ///
    /// # Errors
    /// See [`EvalError`].
    pub fn range(
        &self,
        source: &dyn Source,
        from_ms: i64,
        to_ms: i64,
        step_ms: i64,
        options: &Options,
    ) -> Result<Answer, EvalError> {
        let _ = (source, from_ms, to_ms, step_ms, options);
        Err(EvalError::Invalid("not built yet".to_owned()))
    }

    /// The matchers of a selector alone (`match[]` of the query API); `None` for any other expression.
    pub fn selector(&self) -> Option<Vec<Matcher>> {
        None
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            lookback: Duration::from_mins(5),
            subquery_step: Duration::from_mins(1),
            delayed_name_removal: false,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    /// Prometheus' `--query.max-samples`, and no deadline.
    fn default() -> Self {
        Limits { max_points: 50_000_000, deadline: None, cancelled: None }
    }
}
