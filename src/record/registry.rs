//! Numbers for series, with a limit on how many label sets a metric may have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Cell;
use crate::ids::{MetricId, SeriesId};
use crate::labels::Labels;
use crate::metric::{Catalog, Kind, PLAIN_BOUNDS, TIME_BOUNDS_SECS, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeriesKey {
    pub metric: MetricId,
    pub labels: Labels,
}

/// Shared by all workers, but asked only when a worker meets a label set for the first time.
#[derive(Debug)]
pub struct Registry {
    catalog: Arc<Catalog>,
    bounds: Vec<Arc<[f64]>>,
    limit: usize,
    interned: Mutex<Interned>,
}

#[derive(Debug, Default)]
struct Interned {
    ids: HashMap<SeriesKey, SeriesId>,
    keys: Vec<SeriesKey>,
    per_metric: HashMap<MetricId, usize>,
    overflowed: u64,
}

impl Registry {
    /// `extra_bounds` are the values of thresholds, in recorded units: each gets a histogram bound of
    /// its own. `limit` is the number of label sets per metric.
    pub fn new(catalog: Arc<Catalog>, extra_bounds: &[(MetricId, f64)], limit: usize) -> Self {
        let bounds = catalog
            .iter()
            .map(|(id, definition)| {
                let extra = extra_bounds.iter().filter(|(metric, _)| *metric == id).map(|(_, bound)| *bound);
                let mut bounds: Vec<f64> = match (definition.kind, definition.unit) {
                    (Kind::Trend, Unit::Time) => {
                        TIME_BOUNDS_SECS.iter().map(|secs| (secs * 1e9).round()).collect()
                    }
                    (Kind::Trend, _) => PLAIN_BOUNDS.to_vec(),
                    _ => Vec::new(),
                };
                bounds.extend(extra);
                bounds.sort_by(f64::total_cmp);
                bounds.dedup();
                Arc::from(bounds)
            })
            .collect();
        Registry { catalog, bounds, limit, interned: Mutex::default() }
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The number of the series. Past the limit, `name` becomes `other`, what a target can choose at will
    /// (`status`, and the error code that repeats it) goes, and the overflow is counted.
    pub fn intern(&self, metric: MetricId, labels: &Labels) -> SeriesId {
        let mut interned = self.interned.lock().unwrap_or_else(PoisonError::into_inner);
        let key = SeriesKey { metric, labels: labels.clone() };
        if let Some(id) = interned.ids.get(&key) {
            return *id;
        }
        let known = interned.per_metric.get(&metric).copied().unwrap_or(0);
        if known < self.limit {
            return interned.add(key);
        }
        interned.overflowed += 1;
        let other = SeriesKey { metric, labels: folded(labels) };
        let id = match interned.ids.get(&other) {
            Some(id) => *id,
            None => interned.add(other),
        };
        // Remembered, so that it counts once however many workers meet it.
        interned.ids.insert(key, id);
        id
    }

    pub fn new_cell(&self, metric: MetricId) -> Cell {
        let definition = self.catalog.definition(metric);
        Cell::new(definition.kind, definition.unit, &self.bounds[metric.index()])
    }

    pub fn metric_of(&self, id: SeriesId) -> Option<MetricId> {
        let interned = self.interned.lock().unwrap_or_else(PoisonError::into_inner);
        interned.keys.get(id.index()).map(|key| key.metric)
    }

    /// The keys from number `from` on, in the order of their numbers.
    pub fn keys_from(&self, from: usize) -> Vec<SeriesKey> {
        let interned = self.interned.lock().unwrap_or_else(PoisonError::into_inner);
        interned.keys.get(from..).unwrap_or_default().to_vec()
    }

    /// How many label sets were folded into `other`.
    pub fn overflowed(&self) -> u64 {
        self.interned.lock().unwrap_or_else(PoisonError::into_inner).overflowed
    }
}

fn folded(labels: &Labels) -> Labels {
    let repeats_status = |code: &str| code.parse().is_ok_and(|code: u16| (1400..1600).contains(&code));
    let other = labels.with("name", "other").without("status");
    if labels.value("error_code").is_some_and(repeats_status) { other.without("error_code") } else { other }
}

impl Interned {
    fn add(&mut self, key: SeriesKey) -> SeriesId {
        let id = SeriesId(self.keys.len() as u32);
        *self.per_metric.entry(key.metric).or_default() += 1;
        self.keys.push(key.clone());
        self.ids.insert(key, id);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric;

    fn registry(limit: usize) -> Registry {
        Registry::new(Arc::new(Catalog::default()), &[(metric::HTTP_REQ_DURATION, 2e8)], limit)
    }

    fn named(name: &str) -> Labels {
        Labels::new([("name", name), ("scenario", "s")])
    }

    #[test]
    fn one_label_set_has_one_number() {
        let registry = registry(10);
        let first = registry.intern(metric::HTTP_REQS, &named("/a"));
        assert_eq!(registry.intern(metric::HTTP_REQS, &named("/a")), first);
        assert_ne!(registry.intern(metric::HTTP_REQS, &named("/b")), first);
        assert_ne!(registry.intern(metric::HTTP_REQ_DURATION, &named("/a")), first);
    }

    #[test]
    fn past_the_limit_the_name_becomes_other_and_is_counted() {
        let registry = registry(2);
        for name in ["/a", "/b", "/c", "/d", "/c"] {
            registry.intern(metric::HTTP_REQS, &named(name));
        }
        assert_eq!(registry.overflowed(), 2);
        let names: Vec<_> =
            registry.keys_from(0).iter().map(|key| key.labels.value("name").unwrap().to_owned()).collect();
        assert_eq!(names, ["/a", "/b", "other"]);
    }

    #[test]
    fn a_target_that_answers_with_every_status_does_not_get_past_the_limit() {
        let registry = registry(2);
        for status in 100..1000_u16 {
            let code = if (400..600).contains(&status) { (1000 + status).to_string() } else { String::new() };
            let labels = named("/a").with("status", &status.to_string()).with("error_code", &code);
            registry.intern(metric::HTTP_REQS, &labels);
        }
        let spent = named("/a").with("status", "0").with("error_code", "1802");
        registry.intern(metric::HTTP_REQS, &spent);
        let codes: Vec<_> = registry
            .keys_from(2)
            .iter()
            .map(|key| key.labels.value("error_code").map(str::to_owned))
            .collect();
        assert_eq!(codes, [None, Some("1802".to_owned())], "our own limits stay visible");
    }

    #[test]
    fn a_threshold_gets_a_bound_of_its_own() {
        let registry = registry(2);
        let Cell::Trend(mut trend) = registry.new_cell(metric::HTTP_REQ_DURATION) else { panic!("a trend") };
        trend.record(2e8);
        assert_eq!(trend.at_most(2e8), Some(1));
        let Cell::Trend(other) = registry.new_cell(metric::HTTP_REQ_WAITING) else { panic!("a trend") };
        assert_eq!(other.at_most(2e8), None);
    }
}
