//! All series' points, reached by handles.

use std::sync::Arc;

use super::index::Entry;
use super::slot::{Ledger, Slot};

/// A series' place. It outlives the series: then it leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Handle {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

#[derive(Debug, Default)]
pub(super) struct Slab {
    slots: Vec<Slot>,
    free: Vec<u32>,
    pub(super) ledger: Ledger,
}

impl Slab {
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
            + self.free.capacity() * size_of::<u32>()
            + self.ledger.bytes()
    }

    /// An empty place, for [`Slab::place`] to fill.
    pub(super) fn reserve(&mut self) -> Handle {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::new(self.slots.len()));
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let generation = self.slots.get(slot as usize).map_or(0, |slot| slot.generation);
        Handle { slot, generation }
    }

    pub(super) fn place(&mut self, entry: Arc<Entry>, origin: u32, keep_ms: i64) {
        if let Some(slot) = self.slots.get_mut(entry.handle.slot as usize) {
            (slot.entry, slot.origin, slot.keep_ms) = (Some(entry), origin, keep_ms);
            slot.open(&mut self.ledger);
        }
    }

    pub(super) fn free(&mut self, handle: Handle) {
        let Slab { slots, free, ledger } = self;
        if let Some(slot) = slots.get_mut(handle.slot as usize)
            && slot.generation == handle.generation
            && slot.entry.is_some()
        {
            slot.clear(handle.slot as usize, ledger);
            free.push(handle.slot);
        }
    }

    #[inline]
    pub(super) fn get(&self, handle: Handle) -> Option<&Slot> {
        self.slots.get(handle.slot as usize).filter(|slot| slot.generation == handle.generation)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, handle: Handle) -> Option<(&mut Slot, &mut Ledger)> {
        let slot = self.slots.get_mut(handle.slot as usize)?;
        (slot.generation == handle.generation).then_some((slot, &mut self.ledger))
    }

    /// How many places there are, free ones among them.
    pub(super) fn places(&self) -> usize {
        self.slots.len()
    }

    /// The series at a place, unless it is free.
    pub(super) fn at(&mut self, place: usize) -> Option<(&mut Slot, &mut Ledger)> {
        let slot = self.slots.get_mut(place).filter(|slot| slot.entry.is_some())?;
        Some((slot, &mut self.ledger))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Slot, &Arc<Entry>)> {
        self.slots.iter().filter_map(|slot| Some((slot, slot.entry.as_ref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut().filter(|slot| slot.entry.is_some())
    }
}
