//! The embedded store: families become series in bounded memory, and queries read them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::family::{Family, FamilyKind};
use crate::labels::Labels;
use crate::promql::{Matcher, Point, Sample, Series, Source, SourceError, TimeRange};

/// Series of one run, or of a daemon. Shared between the thread that ticks and those that ask: a reader copies
/// references to chunks under a short lock and decodes them outside of it.
#[derive(Debug, Default)]
pub struct Store {}

/// Who exposes: a scrape of one origin that no longer shows a series ends it with a staleness marker.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(pub String);

/// What became of the samples of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Intake {
    /// Staleness markers included.
    pub samples: usize,
    /// Older than the series' last sample; not stored.
    pub out_of_order: usize,
    /// Of the time of the series' last sample, but of another value; not stored.
    pub duplicates: usize,
    /// New series that found no room in the budget, and had one sample each.
    pub refused_series: usize,
}

/// What the store holds, and what it lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub series: usize,
    pub samples: u64,
    pub bytes: usize,
    pub budget_bytes: usize,
    pub appended_total: u64,
    pub out_of_order_total: u64,
    pub duplicates_total: u64,
    /// In the latest scrapes of all origins: series that are not there because the budget is spent.
    pub dropped_series: usize,
    /// Samples of refused series.
    pub refused_samples_total: u64,
    /// Samples beyond what rules need, removed to make room: by thinning, or as the oldest.
    pub thinned_samples_total: u64,
    pub expired_samples_total: u64,
    /// Samples removed although a rule needs them. Any is a doubt about the verdict.
    pub starved_samples_total: u64,
}

/// What rules look back on: the last `range_ms` of all series that these matchers match are neither thinned nor
/// dropped while anything else can be.
#[derive(Debug, Clone)]
pub struct Need {
    pub matchers: Vec<Matcher>,
    pub range_ms: i64,
}

/// What an origin said of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    pub kind: FamilyKind,
    pub help: String,
}

impl Store {
    /// `budget_bytes` bounds what all series together hold.
    pub fn new(budget_bytes: usize) -> Self {
        let _ = budget_bytes;
        Store {}
    }

    /// Replaces what rules need. Series that none of the needs match keep nothing for rules.
    pub fn keep(&self, needs: Vec<Need>) {
        let _ = needs;
    }

    /// Lets an origin of our own use room that targets may not take from it.
    pub fn trust(&self, origin: &Origin) {
        let _ = origin;
    }

    /// Takes in what one origin shows at a moment; its series that are not among them become stale.
    pub fn scrape<'a>(
        &self,
        origin: &Origin,
        at_ms: i64,
        families: impl IntoIterator<Item = &'a Family>,
    ) -> Intake {
        let _ = (origin, at_ms, families.into_iter());
        Intake::default()
    }

    /// Adds one point (of a rule), a staleness marker included.
    pub fn append(&self, labels: &Labels, point: Point) -> Intake {
        let _ = (labels, point);
        Intake::default()
    }

    /// Ends all series of an origin with a staleness marker; they stay to be asked about.
    pub fn end(&self, origin: &Origin, at_ms: i64) {
        let _ = (origin, at_ms);
    }

    /// Drops all series that an origin brought, and what it said of them.
    pub fn forget(&self, origin: &Origin) {
        let _ = origin;
    }

    /// Drops all series that the matchers match (`testid="…"`); answers how many.
    pub fn forget_matching(&self, matchers: &[Matcher]) -> usize {
        let _ = matchers;
        0
    }

    /// Label sets that match all matchers and have points in the range.
    pub fn series(&self, matchers: &[Matcher], range: TimeRange) -> Vec<Labels> {
        let _ = (matchers, range);
        Vec::new()
    }

    /// Label sets that match any of the sets of matchers and have points in the range, each once, sorted. No sets at
    /// all match every series, here and below.
    pub fn series_of(&self, sets: &[Vec<Matcher>], range: TimeRange) -> BTreeSet<Labels> {
        let _ = (sets, range);
        BTreeSet::new()
    }

    /// Names of the labels of such series.
    pub fn label_names(&self, sets: &[Vec<Matcher>], range: TimeRange) -> BTreeSet<String> {
        let _ = (sets, range);
        BTreeSet::new()
    }

    /// Values that such series have for a label.
    pub fn label_values(&self, label: &str, sets: &[Vec<Matcher>], range: TimeRange) -> BTreeSet<String> {
        let _ = (label, sets, range);
        BTreeSet::new()
    }

    /// By the family's name, as origins gave them last.
    pub fn metadata(&self) -> BTreeMap<String, Metadata> {
        BTreeMap::new()
    }

    /// All names of metrics, for suggestions.
    pub fn names(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    pub fn stats(&self) -> Stats {
        Stats::default()
    }
}

impl Source for Store {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError> {
        let _ = (matchers, range);
        Ok(Vec::new())
    }

    fn latest(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Sample>, SourceError> {
        let _ = (matchers, range);
        Ok(Vec::new())
    }
}

/// The budget with which `series` series can look back on `range` at samples `interval` apart.
pub fn needed_bytes(series: usize, range: Duration, interval: Duration) -> usize {
    let _ = (series, range, interval);
    0
}

/// The families of a run that are stored: all but the statistics of trends (`_avg`, `_med`, `_p90`, …), which rules
/// take from the trend's histogram; `_min` and `_max`, which a histogram does not have, stay.
pub fn stored(families: &[Family]) -> impl Iterator<Item = &Family> {
    families.iter()
}
