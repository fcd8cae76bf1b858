//! A query: parsed once, asked often.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use promql_parser::parser::Expr;

use super::eval::{Evaluator, Grid, Row, Vector};
use super::functions::Notes;
use super::plan::{self, Plan};
use super::selectors::{Selectors, selectors};
use super::syntax::{self, Parsed, Span};
use super::{Annotation, Matcher, Point, Sample, Series, Source, SourceError, Value};
use crate::labels::Labels;

/// A parsed, type-checked expression.
#[derive(Clone)]
pub struct Query {
    text: String,
    expr: Expr,
    plan: Arc<Plan>,
    /// Whether durations depend on step and range: then each query has a plan of its own.
    depends: bool,
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
    /// Points held at a time; of a range vector those of one series count, as they are looked at one by one.
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
    /// As Prometheus writes it, with line and column where they are known: `1:5: parse error: …`.
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
    Source(#[from] SourceError),
}

impl Query {
    /// # Errors
    /// Of syntax, of types, of functions that are unknown or that Prometheus calls experimental.
    pub fn parse(text: &str) -> Result<Query, ParseError> {
        let (Parsed { expr, depends }, plan) = planned(text, None)?;
        Ok(Query { text: text.to_owned(), expr, plan: Arc::new(plan), depends })
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
        check_times([at_ms, at_ms])?;
        let grid = Grid::instant(at_ms);
        let mut evaluator = Evaluator::new(source, options, at_ms, at_ms);
        let value = match &*self.plan_of(Span { step: 0.0, range: 0.0 })? {
            Plan::Scalar(scalar) => {
                Value::Scalar(Point { at_ms, value: evaluator.scalar(scalar, &grid)?.at(0) })
            }
            Plan::Vector(vector) => {
                let vector = evaluator.vector(vector, &grid)?;
                Value::Vector(samples(evaluator.finish(vector)?, at_ms))
            }
            Plan::Range(range) => Value::Matrix(evaluator.range(range, &grid)?),
            Plan::Text(text) => Value::String { at_ms, text: text.clone() },
        };
        Ok(answer(value, &evaluator.into_notes()))
    }

    /// What it gives, in Prometheus' words: `scalar`, `instant vector`, `range vector` or `string`.
    pub fn type_name(&self) -> &'static str {
        self.plan.type_name()
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
        check_times([from_ms, to_ms])?;
        if step_ms <= 0 {
            return Err(EvalError::Invalid("the step must be greater than 0".to_owned()));
        }
        if !matches!(*self.plan, Plan::Scalar(_) | Plan::Vector(_)) {
            return Err(EvalError::Invalid(format!(
                "invalid expression type {:?} for range query, must be Scalar or instant Vector",
                self.plan.type_name()
            )));
        }
        let mut evaluator = Evaluator::new(source, options, from_ms, to_ms);
        let Some(grid) = Grid::new(from_ms, to_ms, step_ms) else {
            return Ok(answer(Value::Matrix(Vec::new()), &evaluator.into_notes()));
        };
        let max = options.limits.max_points;
        if grid.steps > max {
            return Err(EvalError::TooManyPoints(max));
        }
        let secs = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(0)).as_secs_f64();
        let span = Span { step: secs(step_ms), range: secs(to_ms - from_ms) };
        let mut matrix = match &*self.plan_of(span)? {
            Plan::Vector(vector) => {
                let vector = evaluator.vector(vector, &grid)?;
                series(evaluator.finish(vector)?, &grid)
            }
            Plan::Scalar(scalar) => {
                let values = evaluator.scalar(scalar, &grid)?.into_values(grid.steps);
                let point = |(step, value)| Point { at_ms: grid.at(step), value };
                vec![Series {
                    labels: Labels::empty(),
                    points: values.into_iter().enumerate().map(point).collect(),
                }]
            }
            Plan::Range(_) | Plan::Text(_) => Vec::new(),
        };
        matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(answer(Value::Matrix(matrix), &evaluator.into_notes()))
    }

    fn plan_of(&self, span: Span) -> Result<Arc<Plan>, EvalError> {
        if !self.depends {
            return Ok(Arc::clone(&self.plan));
        }
        match planned(&self.text, Some(span)) {
            Ok((_, plan)) => Ok(Arc::new(plan)),
            Err(error) => Err(EvalError::Invalid(error.message)),
        }
    }

    /// The matchers of a selector alone (`match[]` of the query API); `None` for any other expression.
    pub fn selector(&self) -> Option<Vec<Matcher>> {
        match &*self.plan {
            Plan::Vector(plan::Vector::Selector(selector))
                if selector.shift.at.is_none() && selector.shift.offset_ms == 0 =>
            {
                Some(selector.matchers.to_vec())
            }
            _ => None,
        }
    }

    /// All selectors in the expression as it is evaluated at one moment, and which of them it needs in order to say anything.
    pub fn selectors(&self, options: &Options) -> Selectors {
        let plan = self.plan_of(Span { step: 0.0, range: 0.0 });
        selectors(plan.as_ref().unwrap_or(&self.plan), options)
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("text", &self.text).finish_non_exhaustive()
    }
}

fn planned(text: &str, span: Option<Span>) -> Result<(Parsed, Plan), ParseError> {
    let parsed = syntax::parse(text, span)?;
    let plan = plan::build(&parsed.expr).map_err(|message| ParseError { message })?;
    Ok((parsed, plan))
}

/// With times like these, and what durations add to them, nothing overflows.
fn check_times(times: [i64; 2]) -> Result<(), EvalError> {
    const MOST: u64 = 1 << 53;
    if times.iter().any(|ms| ms.unsigned_abs() > MOST) {
        return Err(EvalError::Invalid("time out of range".to_owned()));
    }
    Ok(())
}

fn answer(value: Value, notes: &Notes) -> Answer {
    Answer { value, annotations: notes.annotations() }
}

fn samples(vector: Vector, at_ms: i64) -> Vec<Sample> {
    let sample = |row: Row| {
        let value = row.column.at(0)?;
        Some(Sample { labels: row.labels, point: Point { at_ms, value } })
    };
    vector.rows.into_iter().filter_map(sample).collect()
}

fn series(vector: Vector, grid: &Grid) -> Vec<Series> {
    let series = |row: Row| {
        let points = row.column.iter().map(|(step, value)| Point { at_ms: grid.at(step), value });
        Series { labels: row.labels, points: points.collect() }
    };
    vector.rows.into_iter().map(series).collect()
}

impl Default for Options {
    fn default() -> Self {
        Options {
            lookback: Duration::from_secs(5 * 60),
            subquery_step: Duration::from_secs(60),
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
