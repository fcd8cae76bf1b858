//! Instant vectors from a source: at each step the newest sample within the lookback.

use std::ops::ControlFlow;

use super::grid::{Gaze, seconds};
use super::vector::{NAME, Same, is_typed};
use super::{Column, Evaluator, Grid, Row, Vector};
use crate::labels::Labels;
use crate::promql::plan::Selector;
use crate::promql::{EvalError, MatchKind, Matcher, Point, Sample, TimeRange, is_stale};

/// What is taken of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    Value,
    /// When it was taken, in seconds.
    Time,
}

type Visit<'a, 'v> = dyn FnMut(&mut Evaluator<'a>, &Labels, &[Point]) -> Result<(), EvalError> + 'v;

impl<'a> Evaluator<'a> {
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
        if first_ms == last_ms {
            for Sample { labels, point } in self.source.latest(&selector.matchers, range)? {
                self.check_time()?;
                if let Some(value) = take.of(&point) {
                    self.hold(grid.steps)?;
                    rows.push(Row::new(labels, Column::full(vec![value; grid.steps])));
                }
            }
        } else {
            self.each_series(&selector.matchers, range, &mut |evaluator, labels, points| {
                let column = newest(points, grid, gaze, lookback_ms, take);
                if !column.is_empty() {
                    evaluator.hold(column.len())?;
                    rows.push(Row::new(labels.clone(), column));
                }
                Ok(())
            })?;
        }
        let distinct = of_one_name(&selector.matchers) && !rows.iter().any(|row| is_typed(&row.labels));
        Ok(Vector::new(rows, distinct))
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
        visit: &mut Visit<'a, '_>,
    ) -> Result<(), EvalError> {
        let mut outcome = Ok(());
        self.source.visit(matchers, range, &mut |labels, points| {
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

impl Take {
    /// Nothing of a staleness marker.
    fn of(self, point: &Point) -> Option<f64> {
        match self {
            _ if is_stale(point.value) => None,
            Take::Value => Some(point.value),
            Take::Time => Some(seconds(point.at_ms)),
        }
    }
}

/// At each step of more than one.
fn newest(points: &[Point], grid: &Grid, gaze: Gaze, lookback_ms: i64, take: Take) -> Column {
    let mut column = Column::default();
    let first_ms = gaze.from(grid.at(0));
    let mut until = points.partition_point(|point| point.at_ms <= first_ms);
    for step in 0..grid.steps {
        let at_ms = gaze.from(grid.at(step));
        until += points[until..].iter().take_while(|point| point.at_ms <= at_ms).count();
        let point = points[..until].last().filter(|point| point.at_ms > at_ms - lookback_ms);
        if let Some(value) = point.and_then(|point| take.of(point)) {
            if column.is_empty() {
                column = Column::with_room(grid.steps - step);
            }
            column.push(step, value);
        }
    }
    column.settled()
}
