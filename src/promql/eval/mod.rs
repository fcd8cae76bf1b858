//! A plan's value at all steps at once: each selector's series are read once, and what depends on labels alone (groups,
//! matches, label sets of results) is settled once for a series and not at each step.

mod aggregate;
mod binary;
mod call;
mod column;
mod grid;
mod select;
#[cfg(test)]
mod tests;
mod vector;
mod window;

use std::time::Instant;

pub(super) use column::Column;
pub(super) use grid::Grid;
pub(super) use vector::{Row, Scalar, Vector};

use super::functions::Notes;
use super::plan;
use super::{EvalError, Options, Source};

/// One evaluation of one query.
pub(super) struct Evaluator<'a> {
    source: &'a dyn Source,
    options: &'a Options,
    /// What `@ start()` and `@ end()` mean.
    from_ms: i64,
    to_ms: i64,
    lookback_ms: i64,
    notes: Notes,
    /// Points held now.
    held: usize,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(source: &'a dyn Source, options: &'a Options, from_ms: i64, to_ms: i64) -> Self {
        let lookback_ms = i64::try_from(options.lookback.as_millis()).unwrap_or(i64::MAX).min(plan::MAX_MS);
        let notes = Notes::new(options.delayed_name_removal);
        Evaluator { source, options, from_ms, to_ms, lookback_ms, notes, held: 0 }
    }

    pub(super) fn into_notes(self) -> Notes {
        self.notes
    }

    pub(super) fn scalar(&mut self, node: &plan::Scalar, grid: &Grid) -> Result<Scalar, EvalError> {
        match node {
            plan::Scalar::Number(number) => Ok(Scalar::Same(*number)),
            plan::Scalar::Time => Ok(Scalar::Each(grid.seconds())),
            plan::Scalar::Negated(of) => Ok(self.scalar(of, grid)?.map(|value| -value)),
            plan::Scalar::Pair(pair) => self.scalar_pair(pair, grid),
            plan::Scalar::Of(of) => self.scalar_of(of, grid),
            plan::Scalar::Fixed(of) => Ok(Scalar::Same(self.scalar(of, &grid.first())?.at(0))),
        }
    }

    /// Only series that have a value are in the result.
    pub(super) fn vector(&mut self, node: &plan::Vector, grid: &Grid) -> Result<Vector, EvalError> {
        self.check_time()?;
        let before = self.held;
        let vector = match node {
            plan::Vector::Selector(selector) => self.instants(selector, grid, select::Take::Value),
            plan::Vector::TakenAt(selector) => self.taken_at(selector, grid),
            plan::Vector::EvaluatedAt(of) => self.evaluated_at(of, grid),
            plan::Vector::Negated(of) => self.negated(of, grid),
            plan::Vector::WithScalar(operation) => self.with_scalar(operation, grid),
            plan::Vector::Matched(operation) => self.matched(operation, grid),
            plan::Vector::Set(operation) => self.set(operation, grid),
            plan::Vector::Aggregation(aggregation) => self.aggregation(aggregation, grid),
            plan::Vector::Call(call) => self.call(call, grid),
            plan::Vector::Of(of) => self.vector_of(of, grid),
            plan::Vector::Absent(of, labels) => self.absent(of, labels, grid),
            plan::Vector::AbsentOverTime(range, labels) => self.absent_over_time(range, labels, grid),
            plan::Vector::Fixed(of) => self.fixed(of, grid),
        }?;
        self.held = before;
        self.hold(vector.points())?;
        Ok(vector)
    }

    fn fixed(&mut self, of: &plan::Vector, grid: &Grid) -> Result<Vector, EvalError> {
        let mut vector = self.vector(of, &grid.first())?;
        if grid.steps > 1 {
            for row in &mut vector.rows {
                self.hold(grid.steps)?;
                let value = row.column.at(0).unwrap_or(f64::NAN);
                row.column = Column::full(vec![value; grid.steps]);
            }
        }
        Ok(vector)
    }

    fn hold(&mut self, points: usize) -> Result<(), EvalError> {
        self.held = self.held.saturating_add(points);
        let max = self.options.limits.max_points;
        if self.held > max { Err(EvalError::TooManyPoints(max)) } else { Ok(()) }
    }

    fn check_time(&self) -> Result<(), EvalError> {
        match self.options.limits.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(EvalError::Timeout),
            _ => Ok(()),
        }
    }
}
