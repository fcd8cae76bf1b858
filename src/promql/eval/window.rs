//! Range vectors: windows that slide over the points of each series, from a source or from a subquery.

use super::grid::Gaze;
use super::select::of_one_name;
use super::vector::{Row, is_typed, nameless};
use super::{Evaluator, Grid};
use crate::labels::Labels;
use crate::promql::functions::Window;
use crate::promql::plan::{MAX_MS, Range, Subquery};
use crate::promql::{EvalError, Point, Series, TimeRange, is_stale};

/// A series of a range vector, staleness markers left out.
pub(super) struct Input<'a> {
    pub(super) labels: &'a Labels,
    /// As of [`Row`].
    pub(super) unnamed: bool,
    points: &'a [Point],
    grid: &'a Grid,
    gaze: Gaze,
    range_ms: i64,
}

impl Input<'_> {
    /// The step and its window, where that is not empty.
    pub(super) fn each_window(
        &self,
        mut visit: impl FnMut(usize, &Window<'_>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let first_ms = self.gaze.from(self.grid.at(0));
        let mut end = self.points.partition_point(|point| point.at_ms <= first_ms);
        let mut begin = self.points[..end].partition_point(|point| point.at_ms <= first_ms - self.range_ms);
        for step in 0..self.grid.steps {
            let at_ms = self.grid.at(step);
            let to_ms = self.gaze.from(at_ms);
            let from_ms = to_ms - self.range_ms;
            end += self.points[end..].iter().take_while(|point| point.at_ms <= to_ms).count();
            begin += self.points[begin..end].iter().take_while(|point| point.at_ms <= from_ms).count();
            if begin < end {
                visit(step, &Window { points: &self.points[begin..end], from_ms, to_ms, at_ms })?;
            }
        }
        Ok(())
    }
}

impl Evaluator<'_> {
    /// Visits the series that have points in the range of any step. Whether they are distinct without their names is
    /// the result.
    pub(super) fn each_input(
        &mut self,
        range: &Range,
        grid: &Grid,
        visit: &mut dyn FnMut(&mut Self, Input<'_>) -> Result<(), EvalError>,
    ) -> Result<bool, EvalError> {
        match range {
            Range::Selector { selector, range_ms } => {
                let gaze = Gaze::new(&selector.shift, self.from_ms, self.to_ms);
                let (first_ms, last_ms) = grid.seen(gaze);
                let span = TimeRange { from_ms: first_ms - range_ms + 1, to_ms: last_ms };
                let mut fresh = Vec::new();
                let mut typed = false;
                self.each_series(&selector.matchers, span, &mut |evaluator, labels, points| {
                    let points = without_stale(points, &mut fresh);
                    if points.is_empty() {
                        return Ok(());
                    }
                    typed |= is_typed(labels);
                    let held = evaluator.held;
                    evaluator.hold(points.len())?;
                    evaluator.held = held;
                    visit(
                        evaluator,
                        Input { labels, unnamed: false, points, grid, gaze, range_ms: *range_ms },
                    )
                })?;
                Ok(of_one_name(&selector.matchers) && !typed)
            }
            Range::Subquery(subquery) => self.each_of_subquery(subquery, grid, visit),
        }
    }

    fn each_of_subquery(
        &mut self,
        subquery: &Subquery,
        grid: &Grid,
        visit: &mut dyn FnMut(&mut Self, Input<'_>) -> Result<(), EvalError>,
    ) -> Result<bool, EvalError> {
        let gaze = Gaze::new(&subquery.shift, self.from_ms, self.to_ms);
        let Some(inner) = self.grid_of(subquery, grid)? else { return Ok(true) };
        let before = self.held;
        let vector = self.vector(&subquery.of, &inner)?;
        let mut points = Vec::new();
        for Row { labels, unnamed, column } in &vector.rows {
            self.check_time()?;
            points.clear();
            points.extend(column.iter().map(|(step, value)| Point { at_ms: inner.at(step), value }));
            let range_ms = subquery.range_ms;
            visit(self, Input { labels, unnamed: *unnamed, points: &points, grid, gaze, range_ms })?;
        }
        self.held -= vector.points().min(self.held - before);
        Ok(vector.distinct)
    }

    /// The steps of a subquery are multiples of its step, whatever moment it is asked for.
    pub(super) fn grid_of(&self, subquery: &Subquery, grid: &Grid) -> Result<Option<Grid>, EvalError> {
        let default_ms = i64::try_from(self.options.subquery_step.as_millis()).unwrap_or(MAX_MS);
        let step_ms = subquery.step_ms.unwrap_or(default_ms).clamp(1, MAX_MS);
        let gaze = Gaze::new(&subquery.shift, self.from_ms, self.to_ms);
        let (first_ms, last_ms) = grid.seen(gaze);
        let after_ms = first_ms - subquery.range_ms;
        let inner = Grid::new((after_ms.div_euclid(step_ms) + 1) * step_ms, last_ms, step_ms);
        let max = self.options.limits.max_points;
        match inner {
            Some(inner) if inner.steps > max => Err(EvalError::TooManyPoints(max)),
            inner => Ok(inner),
        }
    }

    /// The range vector itself, at the only step of an instant query.
    pub(in crate::promql) fn range(&mut self, range: &Range, grid: &Grid) -> Result<Vec<Series>, EvalError> {
        let mut all = Vec::new();
        self.each_input(range, grid, &mut |evaluator, input| {
            input.each_window(|_, window| {
                evaluator.hold(window.points.len())?;
                let labels = if input.unnamed { nameless(input.labels) } else { input.labels.clone() };
                all.push(Series { labels, points: window.points.to_vec() });
                Ok(())
            })
        })?;
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(all)
    }
}

fn without_stale<'a>(points: &'a [Point], fresh: &'a mut Vec<Point>) -> &'a [Point] {
    if !points.iter().any(|point| is_stale(point.value)) {
        return points;
    }
    fresh.clear();
    fresh.extend(points.iter().filter(|point| !is_stale(point.value)));
    fresh
}
