//! The embedded store: families become series in bounded memory, and queries read them.

use std::collections::BTreeSet;

use crate::family::Family;
use crate::labels::Labels;
use crate::promql::{Matcher, Point, Series, Source, SourceError, TimeRange};

/// Series of one run, or of a daemon. Shared between the thread that ticks and those that ask: a reader copies
/// references to chunks under a short lock and decodes them outside of it.
#[derive(Debug, Default)]
pub struct Store {}

/// Who exposes: a scrape of one origin that no longer shows a series ends it with a staleness marker.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(pub String);

impl Store {
    /// `budget_bytes` bounds what all series together hold.
    pub fn new(budget_bytes: usize) -> Self {
        let _ = budget_bytes;
        Store {}
    }

    /// Takes in what one origin shows at a moment; its series that are not among them become stale.
    pub fn scrape(&self, origin: &Origin, at_ms: i64, families: &[Family]) {
        let _ = (origin, at_ms, families);
    }

    /// Adds one point (of a rule), a staleness marker included.
    pub fn append(&self, labels: &Labels, point: Point) {
        let _ = (labels, point);
    }

    /// Label sets that match all matchers and have points in the range.
    pub fn series(&self, matchers: &[Matcher], range: TimeRange) -> Vec<Labels> {
        let _ = (matchers, range);
        Vec::new()
    }

    /// All names of metrics, for suggestions.
    pub fn names(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }
}

impl Source for Store {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError> {
        let _ = (matchers, range);
        Ok(Vec::new())
    }
}
