//! The values of one series over the steps.

use crate::promql::{STALE, is_stale};

/// Dense from its first value to its last. What is absent between them is marked as in the store, with the staleness
/// marker: no value is ever that one.
#[derive(Debug, Clone, Default)]
pub(in crate::promql) struct Column {
    first: usize,
    values: Vec<f64>,
}

impl Column {
    /// A value at each step.
    pub(super) fn full(values: Vec<f64>) -> Self {
        Column { first: 0, values }
    }

    pub(super) fn with_room(steps: usize) -> Self {
        Column { first: 0, values: Vec::with_capacity(steps) }
    }

    /// Steps come in ascending order.
    pub(super) fn push(&mut self, step: usize, value: f64) {
        if self.values.is_empty() {
            self.first = step;
        }
        self.values.resize(step.saturating_sub(self.first).max(self.values.len()), STALE);
        self.values.push(value);
    }

    pub(in crate::promql) fn at(&self, step: usize) -> Option<f64> {
        let value = *self.values.get(step.checked_sub(self.first)?)?;
        (!is_stale(value)).then_some(value)
    }

    /// Gives back room that was reserved in vain.
    pub(super) fn settled(mut self) -> Self {
        if self.values.capacity() > 2 * self.values.len() {
            self.values.shrink_to_fit();
        }
        self
    }

    pub(super) fn has(&self, step: usize) -> bool {
        self.at(step).is_some()
    }

    pub(in crate::promql) fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let present = |(at, value): (usize, &f64)| (!is_stale(*value)).then_some((self.first + at, *value));
        self.values.iter().enumerate().filter_map(present)
    }

    /// Steps from the first value to the last.
    pub(super) fn span(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.values.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Places for values: what it costs.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Other values at the same steps; none takes the value away.
    pub(super) fn map(&mut self, mut f: impl FnMut(usize, f64) -> Option<f64>) {
        for (at, value) in self.values.iter_mut().enumerate() {
            if !is_stale(*value) {
                *value = f(self.first + at, *value).unwrap_or(STALE);
            }
        }
        self.trim();
    }

    fn trim(&mut self) {
        let present = |value: &f64| !is_stale(*value);
        self.values.truncate(self.values.iter().rposition(present).map_or(0, |last| last + 1));
        let absent = self.values.iter().position(present).unwrap_or(0);
        if absent > 0 {
            self.values.drain(..absent);
            self.first += absent;
        }
    }

    /// With the values of another that has none where this one has; false if it has.
    pub(super) fn merge(&mut self, other: &Column) -> bool {
        if other.iter().any(|(step, _)| self.has(step)) {
            return false;
        }
        let (own, others) = (self.span(), other.span());
        let mut merged = Column::with_room(own.end.max(others.end) - own.start.min(others.start));
        for step in own.start.min(others.start)..own.end.max(others.end) {
            if let Some(value) = self.at(step).or_else(|| other.at(step)) {
                merged.push(step, value);
            }
        }
        *self = merged;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(text: &str) -> Column {
        let mut column = Column::default();
        for (step, item) in text.split_whitespace().enumerate() {
            if let Ok(value) = item.parse() {
                column.push(step, value);
            }
        }
        column
    }

    fn shown(column: &Column) -> String {
        let values = (0..column.span().end).map(|step| match column.at(step) {
            Some(value) => value.to_string(),
            None => "_".to_owned(),
        });
        values.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_was_put_in_is_found_at_its_step() {
        for text in ["1 2 3", "_ _ 1 _ 2", "NaN _ 1", ""] {
            assert_eq!(shown(&column(text)), text);
        }
        assert_eq!(column("_ _ 1 _ _ 2 _").len(), 4);
        assert_eq!(column("_ 1").at(5), None);
    }

    #[test]
    fn what_is_taken_away_at_the_ends_costs_nothing() {
        let mut kept = column("1 2 3 4 5 _ 7");
        kept.map(|_, value| (2.0..5.0).contains(&value).then_some(value));
        assert_eq!((shown(&kept).as_str(), kept.len()), ("_ 2 3 4", 3));
        kept.map(|_, _| None);
        assert!(kept.is_empty());
    }

    #[test]
    fn columns_merge_unless_they_overlap() {
        let mut merged = column("_ 1 _ 3");
        assert!(merged.merge(&column("0 _ 2 _ _ 5")));
        assert_eq!(shown(&merged), "0 1 2 3 _ 5");
        assert!(!merged.merge(&column("_ _ _ 9")));
    }
}
