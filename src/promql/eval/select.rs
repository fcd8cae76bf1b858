//! Instant vectors from a source: at each step the newest sample within the lookback.

use std::ops::ControlFlow;

use super::grid::{Gaze, seconds};
use super::vector::{NAME, Same};
use super::{Column, Evaluator, Grid, Row, Vector};
use crate::labels::Labels;
use crate::promql::plan::Selector;
use crate::promql::{EvalError, MatchKind, Matcher, Point, TimeRange, is_stale};

/// What is taken of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    Value,
    /// When it was taken, in seconds.
    Time,
}

impl Evaluator<'_> {
    pub(super) fn instants(
        &mut self,
        selector: &Selector,
        grid: &Grid,
        take: Take,
    ) -> Result<Vector, EvalError> {
        let gaze = Gaze::new(&selector.shift, self.from_ms, self.to_ms);
        let (first_ms, last_ms) = grid.seen(gaze);
        // Open to the left: a sample as old as the lookback is too old.
        let range = TimeRange { from_ms: first_ms - self.lookback_ms + 1, to_ms: last_ms };
        let lookback_ms = self.lookback_ms;
        let mut rows = Vec::new();
        self.each_series(&selector.matchers, range, &mut |evaluator, labels, points| {
            let column = newest(points, grid, gaze, lookback_ms, take);
            if !column.is_empty() {
                evaluator.hold(column.len())?;
                rows.push(Row::new(labels.clone(), column));
            }
            Ok(())
        })?;
        Ok(Vector::new(rows, of_one_name(&selector.matchers)))
    }

    pub(super) fn taken_at(&mut self, selector: &Selector, grid: &Grid) -> Result<Vector, EvalError> {
        let mut vector = self.instants(selector, grid, Take::Time)?;
        self.unname(&mut vector, Same::Merges)?;
        Ok(vector)
    }

    pub(super) fn each_series(
        &mut self,
        matchers: &[Matcher],
        range: TimeRange,
        visit: &mut dyn FnMut(&mut Self, &Labels, &[Point]) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let mut outcome = Ok(());
        self.source.each(matchers, range, &mut |labels, points| {
            outcome = self.check_time().and_then(|()| visit(self, labels, points));
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        outcome
    }
}

/// Then label sets differ without their names, too.
pub(super) fn of_one_name(matchers: &[Matcher]) -> bool {
    matchers.iter().any(|matcher| matcher.label == NAME && matcher.kind == MatchKind::Equal)
}

fn newest(points: &[Point], grid: &Grid, gaze: Gaze, lookback_ms: i64, take: Take) -> Column {
    let seen = |point: Option<&Point>, at_ms: i64| {
        let point = point.filter(|point| point.at_ms > at_ms - lookback_ms && !is_stale(point.value))?;
        Some(match take {
            Take::Value => point.value,
            Take::Time => seconds(point.at_ms),
        })
    };
    if let Gaze::Fixed(at_ms) = gaze {
        let until = points.partition_point(|point| point.at_ms <= at_ms);
        let value = seen(points[..until].last(), at_ms);
        return value.map_or_else(Column::default, |value| Column::full(vec![value; grid.steps]));
    }
    let mut column = Column::default();
    let mut until = 0;
    for step in 0..grid.steps {
        let at_ms = gaze.from(grid.at(step));
        until += points[until..].iter().take_while(|point| point.at_ms <= at_ms).count();
        if let Some(value) = seen(points[..until].last(), at_ms) {
            if column.is_empty() {
                column = Column::with_room(grid.steps - step);
            }
            column.push(step, value);
        }
    }
    column
}
