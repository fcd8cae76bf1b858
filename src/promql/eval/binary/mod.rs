//! Binary operators, and the signatures by which samples of two vectors find each other.

mod matched;
mod set;

use std::collections::HashMap;

use super::vector::{Same, is_of_name};
use super::{Evaluator, Grid, Row, Scalar, Vector};
use crate::promql::EvalError;
use crate::promql::plan::{LabelChoice, Operator, ScalarPair, WithScalar};

impl Operator {
    /// Between numbers a comparison is 1 or 0.
    fn of_numbers(self, left: f64, right: f64) -> f64 {
        match self {
            Operator::Arithmetic(arithmetic) => arithmetic.apply(left, right),
            Operator::Comparison(comparison) => truth(comparison.holds(left, right)),
        }
    }

    /// Of samples; the kept one is what stays where a comparison holds.
    fn of_samples(self, left: f64, right: f64, kept: f64, as_bool: bool) -> Option<f64> {
        match self {
            Operator::Arithmetic(arithmetic) => Some(arithmetic.apply(left, right)),
            Operator::Comparison(comparison) if as_bool => Some(truth(comparison.holds(left, right))),
            Operator::Comparison(comparison) => comparison.holds(left, right).then_some(kept),
        }
    }
}

fn truth(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

impl Evaluator<'_> {
    pub(super) fn scalar_pair(&mut self, pair: &ScalarPair, grid: &Grid) -> Result<Scalar, EvalError> {
        let left = self.scalar(&pair.left, grid)?;
        let right = self.scalar(&pair.right, grid)?;
        let value = |step| pair.operator.of_numbers(left.at(step), right.at(step));
        Ok(match (&left, &right) {
            (Scalar::Same(_), Scalar::Same(_)) => Scalar::Same(value(0)),
            _ => Scalar::Each((0..grid.steps).map(value).collect()),
        })
    }

    pub(super) fn with_scalar(&mut self, operation: &WithScalar, grid: &Grid) -> Result<Vector, EvalError> {
        let &WithScalar { operator, as_bool, scalar_first, .. } = operation;
        let scalar = self.scalar(&operation.scalar, grid)?;
        let mut vector = self.vector(&operation.vector, grid)?;
        for row in &mut vector.rows {
            row.column.map(|step, value| {
                let scalar = scalar.at(step);
                let (left, right) = if scalar_first { (scalar, value) } else { (value, scalar) };
                operator.of_samples(left, right, value, as_bool)
            });
        }
        vector.drop_empty();
        if as_bool || !operator.is_comparison() {
            self.unname(&mut vector, Same::Merges)?;
        }
        Ok(vector)
    }
}

/// The rows of two vectors by their signatures: of those of one signature, each may match each.
struct Matches {
    of_left: Vec<usize>,
    of_right: Vec<usize>,
    /// Rows of the left and of the right vector, for each signature.
    groups: Vec<(Vec<usize>, Vec<usize>)>,
}

impl Matches {
    fn new(evaluator: &Evaluator<'_>, left: &Vector, right: &Vector, on: &LabelChoice) -> Self {
        let mut known: HashMap<Vec<u8>, usize> = HashMap::with_capacity(left.rows.len());
        let mut signature = Vec::new();
        let mut find = |row: &Row| {
            signature.clear();
            evaluator.write_key(row, on, &mut signature);
            if let Some(&at) = known.get(&signature) {
                return at;
            }
            let at = known.len();
            known.insert(signature.clone(), at);
            at
        };
        let of_left: Vec<usize> = left.rows.iter().map(&mut find).collect();
        let of_right: Vec<usize> = right.rows.iter().map(&mut find).collect();
        let mut groups = vec![(Vec::new(), Vec::new()); known.len()];
        of_left.iter().enumerate().for_each(|(row, &signature)| groups[signature].0.push(row));
        of_right.iter().enumerate().for_each(|(row, &signature)| groups[signature].1.push(row));
        Matches { of_left, of_right, groups }
    }
}

impl Evaluator<'_> {
    /// Appends what of a row's labels it is matched or grouped by. Bytes that are not UTF-8 stand between them.
    pub(super) fn write_key(&self, row: &Row, by: &LabelChoice, key: &mut Vec<u8>) {
        if matches!(by, LabelChoice::Only(labels) if labels.is_empty()) {
            return;
        }
        let hides_name = self.hides_name(row);
        for (name, value) in row.labels.iter() {
            if by.takes(name) && !(hides_name && is_of_name(name)) {
                key.extend_from_slice(name.as_bytes());
                key.push(0xff);
                key.extend_from_slice(value.as_bytes());
                key.push(0xff);
            }
        }
    }
}
