//! What queries ask. Locks are held to find candidates and to take references; what is slow happens between.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::chunk::{Chunk, Decoder};
use super::head::Head;
use super::index::Entry;
use super::slab::Handle;
use super::{Metadata, Store, matching};
use crate::labels::Labels;
use crate::promql::{Matcher, Point, Sample, Series, Source, SourceError, TimeRange};

/// For how many series references are taken at a time: between, who waits to write gets the lock.
const AT_A_TIME: usize = 1024;

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

    pub(super) fn matching(&self, matchers: &[Matcher]) -> Vec<Arc<Entry>> {
        let mut entries = self.head.read().index.candidates(matchers);
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
        });
        let mut overlap = overlap.into_iter();
        entries.retain(|_| overlap.next().unwrap_or_default());
    }

    /// Under the lock, which is given up now and then.
    fn each<'e>(&self, entries: &'e [Arc<Entry>], mut take: impl FnMut(&Head, &'e Arc<Entry>)) {
        for entries in entries.chunks(AT_A_TIME) {
            let head = self.head.read();
            entries.iter().for_each(|entry| take(&head, entry));
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
    fn decode(self, decoder: &mut Decoder, range: TimeRange) -> Series {
        let mut points = self.open;
        if !self.sealed.is_empty() {
            let count = self.sealed.iter().map(Chunk::points).sum::<usize>() + points.len();
            let open = std::mem::replace(&mut points, Vec::with_capacity(count));
            self.sealed.iter().for_each(|chunk| decoder.decode(chunk, range, &mut points));
            points.extend(open);
        }
        Series { labels: self.labels.clone(), points }
    }
}

impl Source for Store {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError> {
        let entries = self.matching(matchers);
        let mut taken = Vec::with_capacity(entries.len());
        self.each(&entries, |head, entry| {
            let Some(slot) = head.slab.get(entry.handle) else { return };
            let sealed: Vec<Chunk> = slot.sealed_in(range).cloned().collect();
            let open = slot.open_in(range).to_vec();
            if !sealed.is_empty() || !open.is_empty() {
                taken.push(Taken { labels: &entry.labels, sealed, open });
            }
        });
        let mut decoder = Decoder::default();
        let series = taken.into_iter().map(|taken| taken.decode(&mut decoder, range));
        Ok(series.filter(|series| !series.points.is_empty()).collect())
    }

    /// Decodes nothing where the range ends now.
    fn latest(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Sample>, SourceError> {
        let entries = self.matching(matchers);
        let mut samples = Vec::with_capacity(entries.len());
        let mut taken = Vec::new();
        self.each(&entries, |head, entry| {
            let Some(slot) = head.slab.get(entry.handle) else { return };
            let Some(last) = slot.last else { return };
            let open = slot.open_in(range).last().copied();
            if last.at_ms <= range.to_ms {
                samples.extend((last.at_ms >= range.from_ms).then_some((entry, last)));
            } else if let Some(point) = open {
                samples.push((entry, point));
            } else if let Some(chunk) = slot.sealed_in(range).last() {
                taken.push((entry, chunk.clone()));
            }
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
