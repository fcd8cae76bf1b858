//! `and`, `or`, `unless`.

use super::Matches;
use crate::promql::EvalError;
use crate::promql::eval::{Column, Evaluator, Grid, Row, Vector};
use crate::promql::plan::{SetOperation, SetOperator};

impl Evaluator<'_> {
    pub(in crate::promql::eval) fn set(
        &mut self,
        operation: &SetOperation,
        grid: &Grid,
    ) -> Result<Vector, EvalError> {
        let mut left = self.vector(&operation.left, grid)?;
        let mut right = self.vector(&operation.right, grid)?;
        let matches = Matches::new(self, &left, &right, &operation.on);
        match operation.operator {
            SetOperator::And | SetOperator::Unless => {
                let wants_match = operation.operator == SetOperator::And;
                for (row, &signature) in left.rows.iter_mut().zip(&matches.of_left) {
                    let others = &matches.groups[signature].1;
                    keep(&mut row.column, wants_match, others, &right.rows);
                }
                left.drop_empty();
                Ok(left)
            }
            SetOperator::Or => {
                for (row, &signature) in right.rows.iter_mut().zip(&matches.of_right) {
                    keep(&mut row.column, false, &matches.groups[signature].0, &left.rows);
                }
                self.join(&mut left, right, &matches);
                Ok(left)
            }
        }
    }

    /// A series that is on both sides at different steps is one. Those of one label set have one signature, too.
    fn join(&self, left: &mut Vector, right: Vector, matches: &Matches) {
        left.distinct = false;
        let of_left = left.rows.len();
        for (row, &signature) in right.rows.into_iter().zip(&matches.of_right) {
            if row.column.is_empty() {
                continue;
            }
            let same = |at: &&usize| self.labels(&left.rows[**at]) == self.labels(&row);
            match matches.groups[signature].0.iter().filter(|at| **at < of_left).find(same) {
                Some(&at) if left.rows[at].column.merge(&row.column) => {}
                _ => left.rows.push(row),
            }
        }
    }
}

/// The values at those steps at which any of the others has one, or none of them.
fn keep(column: &mut Column, wants_match: bool, others: &[usize], rows: &[Row]) {
    column.map(|step, value| {
        let matched = others.iter().any(|&other| rows[other].column.has(step));
        (matched == wants_match).then_some(value)
    });
}
