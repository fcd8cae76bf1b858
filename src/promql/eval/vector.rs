//! Series over the steps, and what becomes of their names.

use std::collections::HashMap;

use super::{Column, Evaluator};
use crate::labels::Labels;
use crate::promql::EvalError;

pub(super) const NAME: &str = "__name__";

/// What goes where the name goes: the labels that say what is measured (Prometheus' `schema.IsMetadataLabel`).
pub(super) fn is_of_name(label: &str) -> bool {
    label == NAME || is_of_type(label)
}

fn is_of_type(label: &str) -> bool {
    label == "__type__" || label == "__unit__"
}

pub(super) fn nameless(labels: &Labels) -> Labels {
    labels.filtered(|label| !is_of_name(label))
}

pub(super) fn has_name(labels: &Labels) -> bool {
    labels.iter().any(|(label, _)| is_of_name(label))
}

/// Whether it has such labels beside the name.
pub(super) fn is_typed(labels: &Labels) -> bool {
    labels.iter().any(|(label, _)| is_of_type(label))
}

/// The words of Prometheus.
pub(super) const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

#[derive(Debug, Default)]
pub(in crate::promql) struct Vector {
    /// In the order in which an instant query shows them.
    pub(in crate::promql) rows: Vec<Row>,
    /// Whether no two label sets are the same without their names, so that those can go unseen.
    pub(super) distinct: bool,
}

#[derive(Debug)]
pub(in crate::promql) struct Row {
    pub(in crate::promql) labels: Labels,
    /// The name no longer counts, though it may still be among the labels: it is removed when somebody asks, or at
    /// the end if names are to be removed late.
    pub(in crate::promql) unnamed: bool,
    pub(in crate::promql) column: Column,
}

/// A number at each step.
#[derive(Debug)]
pub(in crate::promql) enum Scalar {
    Same(f64),
    Each(Vec<f64>),
}

/// What is done about rows that come to have the same labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Same {
    /// They become one, unless both have a value at the same step.
    Merges,
    IsRefused,
}

impl Row {
    pub(super) fn new(labels: Labels, column: Column) -> Self {
        Row { labels, unnamed: false, column }
    }
}

impl Vector {
    pub(super) fn new(rows: Vec<Row>, distinct: bool) -> Self {
        Vector { rows, distinct }
    }

    /// With one row at most; none if it has no values.
    pub(super) fn of_one(labels: Labels, column: Column) -> Self {
        let row = (!column.is_empty()).then(|| Row::new(labels, column));
        Vector { rows: row.into_iter().collect(), distinct: true }
    }

    pub(super) fn points(&self) -> usize {
        self.rows.iter().map(|row| row.column.len()).sum()
    }

    pub(super) fn drop_empty(&mut self) {
        self.rows.retain(|row| !row.column.is_empty());
    }
}

impl Scalar {
    pub(in crate::promql) fn at(&self, step: usize) -> f64 {
        match self {
            Scalar::Same(value) => *value,
            Scalar::Each(values) => values.get(step).copied().unwrap_or(f64::NAN),
        }
    }

    pub(super) fn map(self, f: impl Fn(f64) -> f64) -> Self {
        match self {
            Scalar::Same(value) => Scalar::Same(f(value)),
            Scalar::Each(values) => Scalar::Each(values.into_iter().map(f).collect()),
        }
    }

    pub(in crate::promql) fn into_values(self, steps: usize) -> Vec<f64> {
        match self {
            Scalar::Same(value) => vec![value; steps],
            Scalar::Each(values) => values,
        }
    }
}

impl Evaluator<'_> {
    /// Whether the name of a row is no longer to be looked at.
    pub(super) fn hides_name(&self, row: &Row) -> bool {
        row.unnamed && !self.options.delayed_name_removal
    }

    /// The labels of a row as they are to be seen now.
    pub(super) fn labels(&self, row: &Row) -> Labels {
        if self.hides_name(row) { nameless(&row.labels) } else { row.labels.clone() }
    }

    /// Names no longer count: at once, or at the end if they are to be removed late.
    pub(super) fn unname(&self, vector: &mut Vector, same: Same) -> Result<(), EvalError> {
        for row in &mut vector.rows {
            row.unnamed = true;
        }
        if vector.distinct || self.options.delayed_name_removal {
            return Ok(());
        }
        self.unite(vector, same)
    }

    /// Makes rows with the same labels one.
    pub(super) fn unite(&self, vector: &mut Vector, same: Same) -> Result<(), EvalError> {
        let mut known: HashMap<Labels, usize> = HashMap::with_capacity(vector.rows.len());
        let mut united: Vec<Row> = Vec::with_capacity(vector.rows.len());
        for row in vector.rows.drain(..) {
            let labels = self.labels(&row);
            match known.get(&labels) {
                None => {
                    known.insert(labels, united.len());
                    united.push(row);
                }
                Some(&at) if same == Same::Merges && united[at].column.merge(&row.column) => {}
                Some(_) => return Err(EvalError::Invalid(SAME_LABELS.to_owned())),
            }
        }
        vector.rows = united;
        vector.distinct = vector.rows.iter().all(|row| self.hides_name(row) || !has_name(&row.labels));
        Ok(())
    }

    /// Removes late what was to be removed late, and gives each row the labels that are to be shown.
    pub(in crate::promql) fn finish(&self, mut vector: Vector) -> Result<Vector, EvalError> {
        for row in &mut vector.rows {
            if row.unnamed {
                row.labels = nameless(&row.labels);
            }
        }
        if self.options.delayed_name_removal {
            self.unite(&mut vector, Same::Merges)?;
        }
        Ok(vector)
    }
}
