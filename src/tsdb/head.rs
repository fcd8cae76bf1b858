//! The store behind its lock: index and points, and who may still come in.

use std::collections::{BTreeMap, HashSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::index::Index;
use super::matching;
use super::relief::Relief;
use super::slab::{Handle, Slab};
use super::slot::{Appended, OPEN_BYTES, Slot};
use super::{Intake, Metadata, Need, Stats};
use crate::labels::Labels;
use crate::promql::Point;

/// Of each name in the metadata, beside its texts.
const METADATA_BYTES: usize = 160;

/// Who brings a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bringer {
    /// 0 is none.
    pub(super) number: u32,
    /// May use what targets must leave.
    pub(super) is_trusted: bool,
}

impl Bringer {
    pub(super) const RULES: Bringer = Bringer { number: 0, is_trusted: true };
}

#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) budget_bytes: usize,
    pub(super) index: Index,
    pub(super) slab: Slab,
    pub(super) needs: Vec<Need>,
    /// With the number of the origin that said so.
    pub(super) metadata: BTreeMap<String, (u32, Metadata)>,
    pub(super) metadata_bytes: usize,
    pub(super) relief: Relief,
    /// What only ever grows; the rest is filled in when asked.
    pub(super) totals: Stats,
    /// When room was last made for new series by evicting ended ones.
    evicted_ms: Option<i64>,
}

/// A thread that panicked while it held the lock has left nothing half done that would matter more than going on.
#[derive(Debug, Default)]
pub(super) struct SharedHead(RwLock<Head>);

impl SharedHead {
    pub(super) fn new(budget_bytes: usize) -> Self {
        SharedHead(RwLock::new(Head { budget_bytes, ..Head::default() }))
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Head> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Head> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Head {
    pub(super) fn bytes(&self) -> usize {
        self.index.bytes() + self.metadata_bytes + self.slab.bytes()
    }

    /// The handles of series of these labels, new ones among them; `None`, and nothing added, where there is no room
    /// for all: half a histogram is none.
    pub(super) fn resolve(&mut self, series: &[Labels], by: Bringer, now_ms: i64) -> Option<Vec<Handle>> {
        let known: Vec<Option<Handle>> = series.iter().map(|labels| self.index.get(labels)).collect();
        let new = || series.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(labels, _)| labels);
        let cost = new().map(|labels| self.index.cost(labels) + size_of::<Slot>() + OPEN_BYTES).sum();
        if cost > 0 && !self.has_room(cost, by) && !(self.evict(now_ms) && self.has_room(cost, by)) {
            return None;
        }
        let handle = |(labels, known): (&Labels, Option<Handle>)| {
            // The same labels twice among the new.
            known.or_else(|| self.index.get(labels)).unwrap_or_else(|| {
                let handle = self.slab.reserve();
                let entry = self.index.insert(labels, handle);
                self.slab.place(entry, by.number, keep_ms(&self.needs, labels));
                handle
            })
        };
        Some(series.iter().zip(known).map(handle).collect())
    }

    /// Half of the budget at most is for series' being there; targets leave a fifth of that to us. The rest is for
    /// their history.
    fn has_room(&self, cost: usize, by: Bringer) -> bool {
        let limit = if by.is_trusted { self.budget_bytes / 2 } else { self.budget_bytes / 5 * 2 };
        self.reserved() + cost <= limit
    }

    fn reserved(&self) -> usize {
        let open = self.slab.ledger.open_series * OPEN_BYTES;
        self.index.bytes() + self.metadata_bytes + open + self.slab.places() * size_of::<Slot>()
    }

    /// Takes the longest ended series out, as far as rules do not need them: the living come first. Once a tick, as
    /// it looks at all. Says whether it took any.
    fn evict(&mut self, now_ms: i64) -> bool {
        if self.evicted_ms.replace(now_ms) == Some(now_ms) {
            return false;
        }
        let mut ended: Vec<(i64, Handle)> = Vec::new();
        for (slot, entry) in self.slab.iter() {
            let last_ms = slot.last.map_or(i64::MAX, |last| last.at_ms);
            if slot.has_ended(0, now_ms) && last_ms < now_ms.saturating_sub(slot.keep_ms) {
                ended.push((last_ms, entry.handle));
            }
        }
        ended.sort_unstable_by_key(|(last_ms, _)| *last_ms);
        ended.truncate(ended.len().div_ceil(4));
        let before = self.slab.ledger.samples;
        self.remove(ended.iter().map(|(_, handle)| *handle));
        self.totals.expired_samples_total += before - self.slab.ledger.samples;
        !ended.is_empty()
    }

    pub(super) fn remove(&mut self, gone: impl Iterator<Item = Handle>) {
        let gone: HashSet<Handle> = gone.collect();
        if gone.is_empty() {
            return;
        }
        self.index.remove(|entry| gone.contains(&entry.handle));
        gone.into_iter().for_each(|handle| self.slab.free(handle));
    }

    /// A series that is no longer there, or that had ended and for which there is no room now, is refused.
    #[inline]
    pub(super) fn append(&mut self, handle: Handle, point: Point, by: Bringer, intake: &mut Intake) {
        if self.slab.get(handle).is_none_or(Slot::is_closed) && !self.reopen(handle, by) {
            intake.refused_series += 1;
            return;
        }
        let Some((slot, ledger)) = self.slab.get_mut(handle) else { return };
        match slot.append(point, ledger) {
            Appended::Stored => intake.samples += 1,
            Appended::Known => {}
            Appended::OutOfOrder => intake.out_of_order += 1,
            Appended::Duplicate => intake.duplicates += 1,
        }
    }

    #[cold]
    fn reopen(&mut self, handle: Handle, by: Bringer) -> bool {
        let has_room = self.has_room(OPEN_BYTES, by);
        match self.slab.get_mut(handle) {
            Some((slot, ledger)) if has_room => slot.open(ledger),
            _ => return false,
        }
        true
    }

    pub(super) fn count(&mut self, intake: &Intake) {
        self.totals.appended_total += intake.samples as u64;
        self.totals.out_of_order_total += intake.out_of_order as u64;
        self.totals.duplicates_total += intake.duplicates as u64;
        self.totals.refused_samples_total += intake.refused_series as u64;
    }

    pub(super) fn describe(&mut self, name: &str, origin: u32, metadata: Metadata) {
        let held = |name: &str, metadata: &Metadata| METADATA_BYTES + name.len() + metadata.help.len();
        let (new, old) =
            (held(name, &metadata), self.metadata.get(name).map_or(0, |(_, old)| held(name, old)));
        let by = Bringer { number: origin, is_trusted: false };
        if self.has_room(new.saturating_sub(old), by) {
            self.metadata_bytes = self.metadata_bytes + new - old;
            self.metadata.insert(name.to_owned(), (origin, metadata));
        }
    }

    pub(super) fn forget_metadata(&mut self, origin: u32) {
        self.metadata.retain(|_, (of, _)| *of != origin);
        let held = |(name, (_, metadata)): (&String, &(u32, Metadata))| {
            METADATA_BYTES + name.len() + metadata.help.len()
        };
        self.metadata_bytes = self.metadata.iter().map(held).sum();
    }

    pub(super) fn keep(&mut self, needs: Vec<Need>) {
        for slot in self.slab.iter_mut() {
            slot.keep_ms = slot.entry.as_ref().map_or(0, |entry| keep_ms(&needs, &entry.labels));
        }
        self.needs = needs;
        self.reconsider();
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            series: self.index.len(),
            samples: self.slab.ledger.samples,
            bytes: self.bytes(),
            budget_bytes: self.budget_bytes,
            ..self.totals
        }
    }
}

/// How far rules look back on a series.
fn keep_ms(needs: &[Need], labels: &Labels) -> i64 {
    let needs = needs.iter().filter(|need| matching::matches(labels, &need.matchers));
    needs.map(|need| need.range_ms).max().unwrap_or_default()
}
