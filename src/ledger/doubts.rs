//! Events of which it is not known yet whether whoever should take them has, and those that were not taken.

use std::collections::{BTreeMap, BTreeSet};

/// Events that were not accepted and may come all the same, to each receiver.
const MOST_EXCUSED: usize = 65_536;

/// A producer and a number of its.
pub(super) type Event = (u32, u64);

#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// On their way to whoever should take them.
    pending: BTreeSet<Event>,
    /// Of those: how many receivers have left without them.
    left_without: BTreeMap<Event, u64>,
    excused: BTreeSet<Event>,
    /// Excused ones, and those among them that have come somewhere.
    kept: usize,
}

impl Doubts {
    pub(super) fn begin(&mut self, event: Event) {
        self.pending.insert(event);
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = Event> {
        self.pending.iter().copied()
    }

    /// A receiver leaves without it.
    pub(super) fn leave_without(&mut self, event: Event) {
        *self.left_without.entry(event).or_default() += 1;
    }

    /// It was accepted, or not; how many have left without it.
    pub(super) fn end(&mut self, event: Event) -> u64 {
        self.pending.remove(&event);
        self.left_without.remove(&event).unwrap_or(0)
    }

    /// Whether there is room for so many to be remembered.
    pub(super) fn keep(&mut self, more: usize) -> bool {
        let fits = self.kept + more <= MOST_EXCUSED;
        self.kept += if fits { more } else { 0 };
        fits
    }

    pub(super) fn excuse(&mut self, event: Event) {
        self.excused.insert(event);
    }

    pub(super) fn is_excused(&self, event: Event) -> bool {
        self.excused.contains(&event)
    }

    pub(super) fn excused(&self) -> impl Iterator<Item = Event> {
        self.excused.iter().copied()
    }
}
