//! Families at one moment as a source of series: what Prometheus would have after exactly one scrape.

use std::collections::BTreeMap;

use crate::family::Family;
use crate::labels::Labels;
use crate::promql::{MatchKind, Matcher, Point, Series, Source, SourceError, TimeRange};

const NAME: &str = "__name__";

#[derive(Debug)]
pub struct Snapshot {
    at_ms: i64,
    /// By the metric's name; labels are without it.
    samples: BTreeMap<String, Vec<(Labels, f64)>>,
}

impl Snapshot {
    /// No two families may have one name: their series would be counted twice.
    pub fn new<'a>(at_ms: i64, families: impl IntoIterator<Item = &'a Family>) -> Self {
        let mut samples = BTreeMap::<String, Vec<(Labels, f64)>>::new();
        for family in families {
            family.each_sample(|name, labels, value| match samples.get_mut(name) {
                Some(known) => known.push((labels.clone(), value)),
                None => drop(samples.insert(name.to_owned(), vec![(labels.clone(), value)])),
            });
        }
        Snapshot { at_ms, samples }
    }

    pub fn at_ms(&self) -> i64 {
        self.at_ms
    }
}

impl Source for Snapshot {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError> {
        let mut found = Vec::new();
        if self.at_ms < range.from_ms || self.at_ms > range.to_ms {
            return Ok(found);
        }
        let (by_name, by_label): (Vec<&Matcher>, Vec<&Matcher>) =
            matchers.iter().partition(|matcher| matcher.label == NAME);
        let mut add = |name: &str, samples: &[(Labels, f64)]| {
            if !by_name.iter().all(|matcher| matcher.matches(name)) {
                return;
            }
            for (labels, value) in samples {
                let value_of = |label: &str| labels.value(label).unwrap_or_default();
                if by_label.iter().all(|matcher| matcher.matches(value_of(&matcher.label))) {
                    let points = vec![Point { at_ms: self.at_ms, value: *value }];
                    found.push(Series { labels: labels.with(NAME, name), points });
                }
            }
        };
        match by_name.iter().find(|matcher| matcher.kind == MatchKind::Equal) {
            Some(named) => {
                if let Some((name, samples)) = self.samples.get_key_value(&named.value) {
                    add(name, samples);
                }
            }
            None => self.samples.iter().for_each(|(name, samples)| add(name, samples)),
        }
        Ok(found)
    }
}
