//! The sum of all shards since the run began.

use std::sync::Arc;

use crate::ids::SeriesId;
use crate::labels::Labels;
use crate::record::{Cell, Note, Registry, SeriesKey, Shard};

/// How many different notes a run keeps.
const MAX_NOTES: usize = 100;

#[derive(Debug, Clone)]
pub struct Totals {
    pub(super) registry: Arc<Registry>,
    /// On every series that has no label of that name itself.
    pub(super) run_labels: Labels,
    pub(super) series: Vec<(SeriesKey, Cell)>,
    notes: Vec<Note>,
    notes_dropped: u64,
}

/// Takes in what workers have recorded.
pub trait Absorb {
    /// Adds what a shard holds and empties it.
    fn absorb(&mut self, shard: &mut Shard);

    /// Takes note of how high and low what is counted up and down stands; once all shards of a tick are in.
    fn note_levels(&mut self);
}

impl Absorb for Totals {
    fn absorb(&mut self, shard: &mut Shard) {
        Totals::absorb(self, shard);
    }

    fn note_levels(&mut self) {
        Totals::note_levels(self);
    }
}

impl Totals {
    pub fn new(registry: Arc<Registry>) -> Self {
        Totals::labelled(registry, Labels::empty())
    }

    /// `run_labels` are on every series, but give way to a series' own label of the same name, as in k6.
    pub fn labelled(registry: Arc<Registry>, run_labels: Labels) -> Self {
        let mut totals =
            Totals { registry, run_labels, series: Vec::new(), notes: Vec::new(), notes_dropped: 0 };
        totals.meet_new_series();
        totals
    }

    /// Adds what a shard holds and empties it.
    pub fn absorb(&mut self, shard: &mut Shard) {
        self.meet_new_series();
        for (SeriesId(id), cell) in shard.cells_mut() {
            if let Some((_, total)) = self.series.get_mut(id as usize) {
                total.absorb(cell);
            }
        }
        let (notes, dropped) = shard.take_notes();
        self.take_notes(notes, dropped);
    }

    /// Adds what a shard holds, and leaves it as it is.
    pub fn add(&mut self, shard: &Shard) {
        self.meet_new_series();
        for (SeriesId(id), cell) in shard.cells() {
            if let Some((_, total)) = self.series.get_mut(id as usize) {
                total.merge(cell);
            }
        }
        let (notes, dropped) = shard.notes();
        self.take_notes(notes.to_vec(), dropped);
    }

    /// Begins where what is counted up and down in `before` stands: connections that are open then are
    /// open now, and will be closed in these totals.
    pub fn carry_levels(&mut self, before: &Totals) {
        self.meet_new_series();
        for ((key, cell), (_, standing)) in self.series.iter_mut().zip(&before.series) {
            let custom = self.registry.catalog().definition(key.metric).custom;
            if let (false, Cell::Gauge { added, .. }, Cell::Gauge { added: level, .. }) =
                (custom, cell, standing)
            {
                *added = *level;
            }
        }
    }

    fn take_notes(&mut self, notes: Vec<Note>, dropped: u64) {
        self.notes_dropped += dropped;
        for note in notes {
            match self.notes.iter().position(|known| known.text == note.text) {
                Some(at) => self.notes[at].count += note.count,
                None if self.notes.len() < MAX_NOTES => self.notes.push(note),
                None => self.notes_dropped += note.count,
            }
        }
    }

    /// Takes note of how high and low what is counted up and down stands; once all shards of a tick are in.
    pub fn note_levels(&mut self) {
        let catalog = self.registry.catalog();
        for (key, cell) in &mut self.series {
            let custom = catalog.definition(key.metric).custom;
            if let (false, Cell::Gauge { set: None, added, min, max }) = (custom, cell) {
                *min = min.min(*added);
                *max = max.max(*added);
            }
        }
    }

    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Replaces the text of each note, such as by one without secrets.
    pub fn rewrite_notes(&mut self, rewrite: impl Fn(&str) -> String) {
        self.notes.iter_mut().for_each(|note| note.text = rewrite(&note.text));
    }

    /// What people should read, and how many further notes did not fit.
    pub fn notes(&self) -> (&[Note], u64) {
        (&self.notes, self.notes_dropped)
    }

    fn meet_new_series(&mut self) {
        for key in self.registry.keys_from(self.series.len()) {
            let cell = self.registry.new_cell(key.metric);
            self.series.push((key, cell));
        }
    }
}
