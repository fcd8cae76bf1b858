//! The embedded store: families become series in bounded memory, and queries read them.

mod chunk;
mod estimate;
mod head;
mod index;
mod matching;
mod origin;
mod read;
mod relief;
mod sequence;
mod slab;
mod slot;
mod statistics;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use estimate::needed_bytes;
pub use statistics::stored;

use crate::family::{Family, FamilyKind};
use crate::labels::Labels;
use crate::promql::{Matcher, Point, is_stale};
use head::{Bringer, Head, SharedHead};
use origin::Shown;
use slab::Handle;

/// What a run's store holds at most.
pub const DEFAULT_BUDGET_BYTES: usize = 256 << 20;

/// Series of one run, or of a daemon. Shared between the thread that ticks and those that ask: a reader copies
/// references to chunks under a short lock and decodes them outside of it, and a tick is seen as a whole.
#[derive(Debug)]
pub struct Store {
    head: SharedHead,
    /// Locked by those who bring, never by those who ask. Comes before `head` where both are locked.
    origins: Mutex<Origins>,
    max_points: usize,
}

#[derive(Debug, Default)]
struct Origins {
    shown: HashMap<Origin, Shown>,
    /// How many there have been.
    count: u32,
}

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
        Store { head: SharedHead::new(budget_bytes), origins: Mutex::default(), max_points: read::MAX_POINTS }
    }

    /// Replaces what rules need. Series that none of the needs match keep nothing for rules.
    pub fn keep(&self, needs: Vec<Need>) {
        self.head.write().keep(needs);
    }

    /// Lets an origin of our own use room that targets may not take from it.
    pub fn trust(&self, origin: &Origin) {
        self.origins().shown(origin).by().is_trusted = true;
    }

    /// Labels that each series of an origin gets, and that win: `job` and `instance`, as a scraper adds them. To be set
    /// before its first scrape.
    pub fn identify(&self, origin: &Origin, labels: Labels) {
        self.origins().shown(origin).identify(labels);
    }

    /// Takes in what one origin shows at a moment; its series that are not among them become stale. What has a series
    /// already costs no allocation.
    pub fn scrape<'a>(
        &self,
        origin: &Origin,
        at_ms: i64,
        families: impl IntoIterator<Item = &'a Family>,
    ) -> Intake {
        let mut origins = self.origins();
        let shown = origins.shown(origin);
        shown.begin();
        for family in families {
            shown.take(family, at_ms, &self.head);
        }
        shown.finish();
        let mut head = self.head.write();
        let intake = shown.store(at_ms, &mut head);
        head.relieve(at_ms);
        head.totals.dropped_series = origins.shown.values().map(Shown::refused).sum();
        intake
    }

    /// Adds one point (of a rule), a staleness marker included.
    pub fn append(&self, labels: &Labels, point: Point) -> Intake {
        let mut head = self.head.write();
        let mut intake = Intake::default();
        match head.index.get(labels) {
            // Nothing to end.
            None if is_stale(point.value) => return intake,
            Some(handle) => head.append(handle, point, Bringer::RULES, &mut intake),
            None => match head.resolve(std::slice::from_ref(labels), Bringer::RULES, point.at_ms) {
                Some(handles) => {
                    handles
                        .iter()
                        .for_each(|handle| head.append(*handle, point, Bringer::RULES, &mut intake));
                }
                None => intake.refused_series += 1,
            },
        }
        head.count(&intake);
        if head.bytes() > head.budget_bytes {
            head.relieve(point.at_ms);
        }
        intake
    }

    /// Ends all series of an origin with a staleness marker; they stay to be asked about.
    pub fn end(&self, origin: &Origin, at_ms: i64) {
        self.scrape(origin, at_ms, []);
    }

    /// Drops all series that an origin brought, and what it said of them.
    pub fn forget(&self, origin: &Origin) {
        let mut origins = self.origins();
        let Some(mut forgotten) = origins.shown.remove(origin) else { return };
        let number = forgotten.by().number;
        let mut head = self.head.write();
        head.forget_metadata(number);
        let gone: Vec<Handle> = head
            .slab
            .iter()
            .filter(|(slot, _)| slot.origin == number)
            .map(|(_, entry)| entry.handle)
            .collect();
        origins.remove(&gone, &mut head);
    }

    /// Drops all series that the matchers match (`testid="…"`); answers how many.
    pub fn forget_matching(&self, matchers: &[Matcher]) -> usize {
        // Locked first: between two scrapes every series has had its first point.
        let mut origins = self.origins();
        let gone: Vec<Handle> = self.matching(matchers).iter().map(|entry| entry.handle).collect();
        origins.remove(&gone, &mut self.head.write());
        gone.len()
    }

    pub fn stats(&self) -> Stats {
        self.head.read().stats()
    }

    fn origins(&self) -> MutexGuard<'_, Origins> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origins {
    fn shown(&mut self, origin: &Origin) -> &mut Shown {
        if !self.shown.contains_key(origin) {
            self.count += 1;
        }
        let number = self.count;
        let new = || Shown::new(Bringer { number, is_trusted: false });
        self.shown.entry(origin.clone()).or_insert_with(new)
    }

    fn remove(&mut self, gone: &[Handle], head: &mut Head) {
        head.remove(gone.iter().copied());
        self.shown.values_mut().for_each(|shown| shown.prune(head));
    }
}

impl Default for Store {
    /// With [`DEFAULT_BUDGET_BYTES`].
    fn default() -> Self {
        Store::new(DEFAULT_BUDGET_BYTES)
    }
}
