//! What queries ask. Locks are held to find candidates and to take references; what is slow happens between.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::chunk::{Chunk, Decoder};
use super::head::Head;
use super::index::Entry;
use super::slab::Handle;
use super::{Metadata, Store, matching};
use crate::labels::Labels;
use crate::promql::{Matcher, Point, Sample, Series, Source, SourceError, TimeRange};

/// How many references are taken at a time, some hundred microseconds: between, who waits to write gets the lock.
const AT_A_TIME: usize = 8192;
/// What one selector may read, 256 MiB: more is for nobody to look at, and would be memory without a bound.
pub(super) const MAX_POINTS: usize = 1 << 24;

impl Store {
    /// Label sets that match all matchers and have points in the range. A sealed chunk counts as a whole: some two
    /// minutes may be in it that have no points.
    pub fn series(&self, matchers: &[Matcher], range: TimeRange) -> Vec<Labels> {
        let mut entries = self.matching(matchers);
        self.keep_in(&mut entries, range);
        entries.iter().map(|entry| entry.labels.clone()).collect()
    }

    /// Label sets that match any of the sets of matchers and have points in the range, each once, sorted. No sets at
    /// all match every series, here and below.
    pub fn series_of(&self, sets: &[Vec<Matcher>], range: TimeRange) -> BTreeSet<Labels> {
        self.any(sets, range).iter().map(|entry| entry.labels.clone()).collect()
    }

    /// Names of the labels of such series.
    pub fn label_names(&self, sets: &[Vec<Matcher>], range: TimeRange) -> BTreeSet<String> {
        let entries = self.any(sets, range);
        let names: HashSet<&str> =
            entries.iter().flat_map(|entry| entry.labels.iter()).map(|(name, _)| name).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Values that such series have for a label.
    pub fn label_values(&self, label: &str, sets: &[Vec<Matcher>], range: TimeRange) -> BTreeSet<String> {
        let entries = self.any(sets, range);
        let values: HashSet<&str> = entries.iter().filter_map(|entry| entry.labels.value(label)).collect();
        values.into_iter().map(str::to_owned).collect()
    }

    /// By the family's name, as origins gave them last.
    pub fn metadata(&self) -> BTreeMap<String, Metadata> {
        let head = self.head.read();
        head.metadata.iter().map(|(name, (_, metadata))| (name.clone(), metadata.clone())).collect()
    }

    /// All names of metrics, for suggestions.
    pub fn names(&self) -> BTreeSet<String> {
        self.head.read().index.label_values("__name__").map(str::to_owned).collect()
    }

    /// Those that have had a point: a series that a tick under way brings is not seen before all of that tick is.
    pub(super) fn matching(&self, matchers: &[Matcher]) -> Vec<Arc<Entry>> {
        let mut entries = {
            let head = self.head.read();
            let mut entries = head.index.candidates(matchers);
            entries.retain(|entry| head.slab.get(entry.handle).is_some_and(|slot| slot.last.is_some()));
            entries
        };
        matching::retain(&mut entries, matchers);
        entries
    }

    fn any(&self, sets: &[Vec<Matcher>], range: TimeRange) -> Vec<Arc<Entry>> {
        let mut entries = match sets {
            [] => self.matching(&[]),
            sets => sets.iter().flat_map(|matchers| self.matching(matchers)).collect(),
        };
        if sets.len() > 1 {
            let mut seen: HashSet<Handle> = HashSet::new();
            entries.retain(|entry| seen.insert(entry.handle));
        }
        self.keep_in(&mut entries, range);
        entries
    }

    fn keep_in(&self, entries: &mut Vec<Arc<Entry>>, range: TimeRange) {
        let mut overlap = Vec::with_capacity(entries.len());
        self.each(entries, |head, entry| {
            overlap.push(head.slab.get(entry.handle).is_some_and(|slot| slot.overlaps(range)));
            0
        });
        let mut overlap = overlap.into_iter();
        entries.retain(|_| overlap.next().unwrap_or_default());
    }

    /// Under the lock, which is given up now and then; `take` answers how many chunks it has taken.
    fn each<'e>(&self, entries: &'e [Arc<Entry>], mut take: impl FnMut(&Head, &'e Arc<Entry>) -> usize) {
        let mut entries = entries.iter().peekable();
        while entries.peek().is_some() {
            let head = self.head.read();
            let mut taken = 0;
            while taken < AT_A_TIME
                && let Some(entry) = entries.next()
            {
                taken += 1 + take(&head, entry);
            }
        }
    }
}

/// What is taken along from under the lock.
struct Taken<'e> {
    labels: &'e Labels,
    sealed: Vec<Chunk>,
    open: Vec<Point>,
}

impl Taken<'_> {
    fn count(&self) -> usize {
        self.sealed.iter().map(Chunk::points).sum::<usize>() + self.open.len()
    }

    /// Adds its points in the range to `points`.
    fn decode(&self, decoder: &mut Decoder, range: TimeRange, points: &mut Vec<Point>) {
        points.reserve(self.count());
        self.sealed.iter().for_each(|chunk| decoder.decode(chunk, range, points));
        points.extend_from_slice(&self.open);
    }
}

impl Store {
    /// All that have points, or a chunk over the range; no further once `enough` of them.
    fn taken<'e>(&self, entries: &'e [Arc<Entry>], range: TimeRange, enough: usize) -> Vec<Taken<'e>> {
        let mut all = Vec::with_capacity(entries.len());
        let mut points = 0;
        self.each(entries, |head, entry| {
            let Some(slot) = head.slab.get(entry.handle).filter(|_| points <= enough) else { return 0 };
            let sealed: Vec<Chunk> = slot.sealed_in(range).cloned().collect();
            let open = slot.open_in(range).to_vec();
            let taken = Taken { labels: &entry.labels, sealed, open };
            let chunks = taken.sealed.len();
            points += taken.count();
            if taken.count() > 0 {
                all.push(taken);
            }
            chunks
        });
        all
    }
}

impl Source for Store {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError> {
        let entries = self.matching(matchers);
        let taken = self.taken(&entries, range, self.max_points);
        if taken.iter().map(Taken::count).sum::<usize>() > self.max_points {
            return Err(SourceError(format!(
                "a selector would read more than {} points: ask for fewer series, or a shorter range",
                self.max_points
            )));
        }
        let mut decoder = Decoder::default();
        let series = taken.into_iter().map(|taken| {
            let mut points = Vec::new();
            taken.decode(&mut decoder, range, &mut points);
            Series { labels: taken.labels.clone(), points }
        });
        Ok(series.filter(|series| !series.points.is_empty()).collect())
    }

    /// Holds the points of one series at a time, so their number needs no bound here.
    fn visit(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        take: &mut dyn FnMut(&Labels, &[Point]) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let entries = self.matching(matchers);
        let mut decoder = Decoder::default();
        let mut points = Vec::new();
        for taken in self.taken(&entries, range, usize::MAX) {
            points.clear();
            taken.decode(&mut decoder, range, &mut points);
            if !points.is_empty() && take(taken.labels, &points).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Decodes nothing where the range ends now.
    fn latest(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Sample>, SourceError> {
        let entries = self.matching(matchers);
        let mut samples = Vec::with_capacity(entries.len());
        let mut taken = Vec::new();
        self.each(&entries, |head, entry| {
            let slot = head.slab.get(entry.handle);
            let Some((slot, last)) = slot.and_then(|slot| Some((slot, slot.last?))) else { return 0 };
            if last.at_ms <= range.to_ms {
                samples.extend((last.at_ms >= range.from_ms).then_some((entry, last)));
            } else if let Some(point) = slot.open_in(range).last() {
                samples.push((entry, *point));
            } else if let Some(chunk) = slot.sealed_in(range).last() {
                taken.push((entry, chunk.clone()));
            }
            1
        });
        let mut decoder = Decoder::default();
        let mut points = Vec::new();
        for (entry, chunk) in taken {
            points.clear();
            decoder.decode(&chunk, range, &mut points);
            samples.extend(points.last().map(|point| (entry, *point)));
        }
        Ok(samples.into_iter().map(|(entry, point)| Sample { labels: entry.labels.clone(), point }).collect())
    }
}
