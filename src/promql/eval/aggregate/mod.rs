//! Aggregations: rows are put into groups once, then each group is gone through row by row for all steps.

mod fold;
mod rank;
mod values;

use std::collections::HashMap;

use super::vector::{has_name, is_of_name};
use super::{Column, Evaluator, Grid, Row, Scalar, Vector};
use crate::labels::Labels;
use crate::promql::EvalError;
use crate::promql::functions::note_invalid_quantile;
use crate::promql::functions::quantile;
use crate::promql::plan::{Aggregation, AggregationOperator, LabelChoice};

/// Rows that are aggregated into one.
struct Rows {
    /// Of the result.
    labels: Labels,
    members: Vec<usize>,
    /// The name is to be removed late, as that of one of its rows is.
    unnamed: bool,
}

impl Evaluator<'_> {
    pub(super) fn aggregation(
        &mut self,
        aggregation: &Aggregation,
        grid: &Grid,
    ) -> Result<Vector, EvalError> {
        let by = &aggregation.by;
        match &aggregation.operator {
            AggregationOperator::Sum => self.folded::<fold::Sum>(aggregation, grid),
            AggregationOperator::Average => self.folded::<fold::Average>(aggregation, grid),
            AggregationOperator::Minimum => self.folded::<fold::Minimum>(aggregation, grid),
            AggregationOperator::Maximum => self.folded::<fold::Maximum>(aggregation, grid),
            AggregationOperator::Count => self.folded::<fold::Count>(aggregation, grid),
            AggregationOperator::Group => self.folded::<fold::Group>(aggregation, grid),
            AggregationOperator::StandardDeviation => self.folded::<fold::Deviation>(aggregation, grid),
            AggregationOperator::StandardVariance => self.folded::<fold::Variance>(aggregation, grid),
            AggregationOperator::Quantile(q) => {
                let q = self.scalar(q, grid)?;
                let vector = self.vector(&aggregation.over, grid)?;
                self.quantiles(&q, &vector, by, grid)
            }
            AggregationOperator::Top(k) => {
                let k = self.scalar(k, grid)?;
                let vector = self.vector(&aggregation.over, grid)?;
                self.ranked(rank::Rank::Top, &k, vector, by, grid)
            }
            AggregationOperator::Bottom(k) => {
                let k = self.scalar(k, grid)?;
                let vector = self.vector(&aggregation.over, grid)?;
                self.ranked(rank::Rank::Bottom, &k, vector, by, grid)
            }
            AggregationOperator::CountValues(label) => {
                let vector = self.vector(&aggregation.over, grid)?;
                self.counted_values(label, &vector, by)
            }
        }
    }

    fn folded<F: fold::Fold>(&mut self, aggregation: &Aggregation, grid: &Grid) -> Result<Vector, EvalError> {
        let vector = self.vector(&aggregation.over, grid)?;
        let mut folds: Vec<Option<F>> = Vec::new();
        self.each_group(&vector, &aggregation.by, |members, span| {
            folds.clear();
            folds.resize_with(span.len(), || None);
            for (step, value) in members.iter().flat_map(|&at| vector.rows[at].column.iter()) {
                let fold = &mut folds[step - span.start];
                match fold {
                    Some(fold) => fold.add(value),
                    None => *fold = Some(F::first(value)),
                }
            }
            let mut column = Column::with_room(span.len());
            for (step, fold) in span.zip(&folds) {
                if let Some(fold) = fold {
                    column.push(step, fold.value());
                }
            }
            column
        })
    }

    fn quantiles(
        &mut self,
        q: &Scalar,
        vector: &Vector,
        by: &LabelChoice,
        grid: &Grid,
    ) -> Result<Vector, EvalError> {
        let all = || (0..grid.steps).map(|step| q.at(step));
        all().filter(|q| q.is_nan()).take(1).for_each(|q| note_invalid_quantile(q, &self.notes));
        // Of many numbers that are no quantiles the furthest off are named.
        for q in [all().fold(0.0, f64::max), all().fold(0.0, f64::min)] {
            note_invalid_quantile(q, &self.notes);
        }
        let mut values = Vec::new();
        self.each_group(vector, by, |members, span| {
            let mut column = Column::with_room(span.len());
            for step in span {
                values.clear();
                values.extend(members.iter().filter_map(|&at| vector.rows[at].column.at(step)));
                if !values.is_empty() {
                    column.push(step, quantile(q.at(step), &mut values));
                }
            }
            column
        })
    }

    /// A row for each group; the steps given are those from its first value to its last.
    fn each_group(
        &mut self,
        vector: &Vector,
        by: &LabelChoice,
        mut aggregate: impl FnMut(&[usize], std::ops::Range<usize>) -> Column,
    ) -> Result<Vector, EvalError> {
        let mut rows = Vec::new();
        for group in self.groups(vector, by) {
            self.check_time()?;
            let spans = || group.members.iter().map(|&at| vector.rows[at].column.span());
            let begin = spans().map(|span| span.start).min().unwrap_or(0);
            let end = spans().map(|span| span.end).max().unwrap_or(0);
            self.hold(end - begin)?;
            let column = aggregate(&group.members, begin..end);
            rows.push(Row { labels: group.labels, unnamed: group.unnamed, column });
        }
        let distinct = !rows.iter().any(|row: &Row| has_name(&row.labels));
        Ok(Vector::new(rows, distinct))
    }

    /// In the order of their first rows.
    fn groups(&self, vector: &Vector, by: &LabelChoice) -> Vec<Rows> {
        let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut groups: Vec<Rows> = Vec::new();
        let mut key = Vec::new();
        for (at, row) in vector.rows.iter().enumerate() {
            key.clear();
            self.write_key(row, by, &mut key);
            if let Some(&group) = known.get(&key) {
                groups[group].members.push(at);
                groups[group].unnamed |= row.unnamed && self.options.delayed_name_removal;
                continue;
            }
            known.insert(key.clone(), groups.len());
            let hides_name = self.hides_name(row);
            let labels = row.labels.filtered(|name| by.takes(name) && !(hides_name && is_of_name(name)));
            let unnamed = row.unnamed && self.options.delayed_name_removal;
            groups.push(Rows { labels, members: vec![at], unnamed });
        }
        groups
    }
}
