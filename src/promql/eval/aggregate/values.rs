//! `count_values`.

use std::collections::HashMap;

use crate::labels::Labels;
use crate::promql::EvalError;
use crate::promql::eval::vector::has_name;
use crate::promql::eval::{Column, Evaluator, Row, Vector};
use crate::promql::plan::LabelChoice;

impl Evaluator<'_> {
    /// How many series of a group have which value. The label with the value takes the place of one of its name.
    pub(super) fn counted_values(
        &mut self,
        label: &str,
        vector: &Vector,
        by: &LabelChoice,
    ) -> Result<Vector, EvalError> {
        let mut counts: Vec<(Labels, HashMap<usize, f64>)> = Vec::new();
        let mut known: HashMap<Labels, usize> = HashMap::new();
        for row in &vector.rows {
            self.check_time()?;
            let labels = self.labels(row);
            let mut last: Option<(u64, usize)> = None;
            for (step, value) in row.column.iter() {
                let at = match last {
                    Some((bits, at)) if bits == value.to_bits() => at,
                    _ => {
                        let labels = labels.with(label, &plain(value)).filtered(|name| by.takes(name));
                        *known.entry(labels).or_insert_with_key(|labels| {
                            counts.push((labels.clone(), HashMap::new()));
                            counts.len() - 1
                        })
                    }
                };
                last = Some((value.to_bits(), at));
                *counts[at].1.entry(step).or_default() += 1.0;
            }
        }
        let mut rows = Vec::with_capacity(counts.len());
        for (labels, counts) in counts {
            let mut counts: Vec<(usize, f64)> = counts.into_iter().collect();
            counts.sort_unstable_by_key(|(step, _)| *step);
            let mut column = Column::default();
            counts.into_iter().for_each(|(step, count)| column.push(step, count));
            self.hold(column.len())?;
            rows.push(Row::new(labels, column));
        }
        let distinct = !rows.iter().any(|row: &Row| has_name(&row.labels));
        Ok(Vector::new(rows, distinct))
    }
}

/// Never with an exponent, as Go's `FormatFloat(value, 'f', -1, 64)`.
fn plain(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}
