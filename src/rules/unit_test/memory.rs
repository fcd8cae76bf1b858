//! Series in memory, with the rules of Prometheus' store about what may be appended.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::labels::Labels;
use crate::promql::{Matcher, Point, Series, Source, SourceError, TimeRange};
use crate::rules::group::{AppendError, Storage};

#[derive(Debug, Default)]
pub(in crate::rules) struct Memory {
    series: RefCell<BTreeMap<Labels, Vec<Point>>>,
}

impl Source for Memory {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError> {
        let matches = |labels: &Labels| {
            matchers.iter().all(|matcher| matcher.matches(labels.value(&matcher.label).unwrap_or_default()))
        };
        let within = |points: &[Point]| {
            let from = points.partition_point(|point| point.at_ms < range.from_ms);
            let to = points.partition_point(|point| point.at_ms <= range.to_ms);
            points.get(from..to).unwrap_or_default().to_vec()
        };
        let series = self.series.borrow();
        let found = series.iter().filter(|(labels, _)| matches(labels));
        let found = found.map(|(labels, points)| Series { labels: labels.clone(), points: within(points) });
        Ok(found.filter(|series| !series.points.is_empty()).collect())
    }
}

impl Storage for Memory {
    fn append(&self, labels: &Labels, point: Point) -> Result<(), AppendError> {
        let mut series = self.series.borrow_mut();
        let points = series.entry(labels.clone()).or_default();
        match points.last() {
            Some(last) if last.at_ms > point.at_ms => return Err(AppendError::OutOfOrder),
            Some(last) if last.at_ms == point.at_ms => {
                let same = last.value.to_bits() == point.value.to_bits();
                return if same { Ok(()) } else { Err(AppendError::Duplicate) };
            }
            _ => points.push(point),
        }
        Ok(())
    }
}
