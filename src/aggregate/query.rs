//! What thresholds, summary and progress ask of the totals.

use std::collections::{BTreeMap, BTreeSet};

use super::Totals;
use crate::ids::MetricId;
use crate::labels::Labels;
use crate::metric::Catalog;
use crate::record::{Cell, Distribution};
use crate::time::Elapsed;

/// A metric and the tags that must all be equal; k6's sub-metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    pub metric: MetricId,
    /// An empty value asks for series without the label.
    pub tags: BTreeMap<String, String>,
}

impl Selector {
    pub fn all(metric: MetricId) -> Self {
        Selector { metric, tags: BTreeMap::new() }
    }

    pub fn with(metric: MetricId, name: &str, value: &str) -> Self {
        Selector::new(metric, [(name, value)])
    }

    pub fn new<'a>(metric: MetricId, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let tags = tags.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Selector { metric, tags: tags.collect() }
    }

    fn matches(&self, labels: &Labels, run_labels: &Labels) -> bool {
        let found = |name: &str| labels.value(name).or_else(|| run_labels.value(name)).unwrap_or("");
        self.tags.iter().all(|(name, value)| found(name) == value)
    }
}

impl Totals {
    pub fn catalog(&self) -> &Catalog {
        self.registry.catalog()
    }

    /// 0 when nothing was counted: a counter that never rose is 0, also for a tag value not yet seen.
    pub fn counter(&self, selector: &Selector) -> f64 {
        self.cells(selector)
            .fold(0.0, |sum, cell| if let Cell::Counter(total) = cell { sum + total } else { sum })
    }

    /// (samples that were not zero, all samples).
    pub fn rate(&self, selector: &Selector) -> (u64, u64) {
        self.cells(selector).fold((0, 0), |(held, all), cell| match cell {
            Cell::Rate { nonzero, zero } => (held + nonzero, all + nonzero + zero),
            _ => (held, all),
        })
    }

    /// `None` when nothing was recorded.
    pub fn trend(&self, selector: &Selector) -> Option<Distribution> {
        let mut merged: Option<Distribution> = None;
        for cell in self.cells(selector) {
            match (cell, &mut merged) {
                (Cell::Trend(distribution), _) if distribution.count() == 0 => {}
                (Cell::Trend(distribution), Some(merged)) => merged.merge(distribution),
                (Cell::Trend(distribution), none) => *none = Some((**distribution).clone()),
                _ => {}
            }
        }
        merged
    }

    /// (value now, smallest, largest): of the series the one that was set last, as k6 has it; what is
    /// counted up and down (`ws_connected`) is added up, and 0 from the start. `None` when it was never set.
    pub fn gauge(&self, selector: &Selector) -> Option<(f64, f64, f64)> {
        let custom = self.catalog().definition(selector.metric).custom;
        let (mut newest, mut level, mut extremes) =
            (None::<(Elapsed, f64)>, None, (f64::INFINITY, f64::NEG_INFINITY));
        for cell in self.cells(selector) {
            let Cell::Gauge { set, added, min, max } = cell else { continue };
            match set {
                Some(set) if newest.is_none_or(|newest| set.0 >= newest.0) => newest = Some(*set),
                None if !custom => level = Some(level.unwrap_or(0.0) + added),
                _ => {}
            }
            extremes = (extremes.0.min(*min), extremes.1.max(*max));
        }
        let value = newest.map(|(_, value)| value).or(level)?;
        Some((value, extremes.0.min(value), extremes.1.max(value)))
    }

    /// The values that a label takes on a metric, sorted.
    pub fn label_values(&self, metric: MetricId, label: &str) -> BTreeSet<&str> {
        self.of(metric)
            .filter_map(|(labels, _)| labels.value(label).or_else(|| self.run_labels.value(label)))
            .collect()
    }

    pub(super) fn of(&self, metric: MetricId) -> impl Iterator<Item = (&Labels, &Cell)> {
        self.series.iter().filter(move |(key, _)| key.metric == metric).map(|(key, cell)| (&key.labels, cell))
    }

    fn cells<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = &'a Cell> {
        self.of(selector.metric)
            .filter(|(labels, _)| selector.matches(labels, &self.run_labels))
            .map(|(_, cell)| cell)
    }
}
