//! One worker's part of the counts since the last tick.

use std::sync::Arc;
use std::time::Duration;

use super::{Cell, Registry, Tap};
use crate::ids::SeriesId;
use crate::time::Elapsed;

/// How many different notes a shard keeps; further ones are only counted.
const MAX_NOTES: usize = 32;

/// A dense array of cells. Writing allocates only when a series is met for the first time.
#[derive(Debug)]
pub struct Shard {
    registry: Arc<Registry>,
    cells: Vec<Option<Cell>>,
    notes: Vec<Note>,
    notes_dropped: u64,
    tap: Option<Box<Tap>>,
}

/// Something a person should read, and how often it happened: which check failed for which reason.
/// Its text may quote a value of the target's, cut short; it is never a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub text: String,
    pub count: u64,
}

impl Shard {
    pub fn new(registry: Arc<Registry>) -> Self {
        Shard { registry, cells: Vec::new(), notes: Vec::new(), notes_dropped: 0, tap: None }
    }

    /// From now on each sample goes to `tap` too.
    pub fn tap(&mut self, tap: Tap) {
        self.tap = Some(Box::new(tap));
    }

    /// What is recorded next is of an exchange: the series whose labels describe it, and when it ended.
    /// `None` when all of it is recorded. Only a tap cares.
    pub fn exchange(&mut self, of: Option<(SeriesId, Elapsed)>) {
        if let Some(tap) = &mut self.tap {
            tap.exchange(of);
        }
    }

    /// Hands out what was recorded and goes on in the empty `spare`, with the same tap.
    pub fn swap(&mut self, spare: Shard) -> Shard {
        let mut full = std::mem::replace(self, spare);
        self.tap = full.tap.take();
        if let Some(tap) = &mut self.tap {
            tap.hand_over();
        }
        full
    }

    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    pub fn count(&mut self, id: SeriesId, amount: u64) {
        if let Some(Cell::Counter(total)) = self.cell(id) {
            *total += amount as f64;
        }
        // Nothing was counted: no sample.
        if amount > 0 {
            self.tell(id, amount as f64);
        }
    }

    pub fn count_f64(&mut self, id: SeriesId, amount: f64) {
        if let Some(Cell::Counter(total)) = self.cell(id) {
            *total += amount;
        }
        self.tell(id, amount);
    }

    pub fn rate(&mut self, id: SeriesId, held: bool) {
        if let Some(Cell::Rate { nonzero, zero }) = self.cell(id) {
            *(if held { nonzero } else { zero }) += 1;
        }
        self.tell(id, f64::from(u8::from(held)));
    }

    pub fn time(&mut self, id: SeriesId, duration: Duration) {
        self.trend(id, duration.as_nanos() as f64);
    }

    pub fn trend(&mut self, id: SeriesId, value: f64) {
        if let Some(Cell::Trend(distribution)) = self.cell(id) {
            distribution.record(value);
        }
        self.tell(id, value);
    }

    pub fn gauge(&mut self, id: SeriesId, at: Elapsed, value: f64) {
        if let Some(Cell::Gauge { set, min, max, .. }) = self.cell(id) {
            *set = Some((at, value));
            *min = min.min(value);
            *max = max.max(value);
        }
        self.tell(id, value);
    }

    /// Up or down from wherever it stands: a level, of which no worker knows the whole, and so no sample.
    pub fn add(&mut self, id: SeriesId, change: f64) {
        if let Some(Cell::Gauge { added, .. }) = self.cell(id) {
            *added += change;
        }
    }

    pub fn note(&mut self, text: &str) {
        if let Some(note) = self.notes.iter_mut().find(|note| note.text == text) {
            note.count += 1;
        } else if self.notes.len() < MAX_NOTES {
            self.notes.push(Note { text: text.to_owned(), count: 1 });
        } else {
            self.notes_dropped += 1;
        }
    }

    /// Hands out every cell that exists, for the aggregator to absorb.
    pub fn cells_mut(&mut self) -> impl Iterator<Item = (SeriesId, &mut Cell)> {
        let numbered = self.cells.iter_mut().enumerate();
        numbered.filter_map(|(at, cell)| Some((SeriesId(at as u32), cell.as_mut()?)))
    }

    /// The notes since the last tick, and how many more there were.
    pub fn take_notes(&mut self) -> (Vec<Note>, u64) {
        (std::mem::take(&mut self.notes), std::mem::take(&mut self.notes_dropped))
    }

    #[inline]
    fn tell(&mut self, id: SeriesId, value: f64) {
        if let Some(tap) = &mut self.tap {
            tap.sample(id, value);
        }
    }

    fn cell(&mut self, id: SeriesId) -> Option<&mut Cell> {
        if self.cells.get(id.index()).is_none_or(Option::is_none) {
            self.create(id);
        }
        self.cells.get_mut(id.index())?.as_mut()
    }

    #[cold]
    fn create(&mut self, id: SeriesId) {
        if self.cells.len() <= id.index() {
            self.cells.resize_with(id.index() + 1, || None);
        }
        self.cells[id.index()] = self.registry.metric_of(id).map(|metric| self.registry.new_cell(metric));
    }
}
