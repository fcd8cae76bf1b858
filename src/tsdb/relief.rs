//! Room for new points: older history is thinned, then dropped; what rules need goes last. A little at each tick.

use super::head::Head;
use super::slab::Handle;
use super::slot::Slot;

/// How many pairs of chunks are thinned at one tick while the budget is not exceeded: some milliseconds.
const PAIRS: usize = 512;
/// A stretch of history keeps at least this many points for its age: an hour ago, one in 36 s.
const MIN_DENSITY: i64 = 100;
/// How long an ended series waits for its return before it is closed.
const CLOSE_AFTER_MS: i64 = 300_000;
/// How long nothing is looked for after nothing was found.
const PAUSE_MS: i64 = 10_000;
/// At how many places per tick ended series are looked for.
const TIDIED: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Relief {
    /// The place that is next.
    cursor: usize,
    measure: Option<Measure>,
    /// Whether the measure has freed anything in this round.
    has_freed: bool,
    paused_until_ms: i64,
    tidy_cursor: usize,
}

/// What a round over all series does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Halves stretches that have more points for their age than this: old history becomes coarse, and still spans
    /// the whole run.
    Thin { density: i64 },
    /// Drops chunks that begin no later than this.
    Expire { from_ms: i64 },
    /// As `Expire`, with what rules need.
    Starve { from_ms: i64 },
}

impl Head {
    /// What is chosen now does not hold any longer.
    pub(super) fn reconsider(&mut self) {
        self.relief = Relief::default();
    }

    /// Called after each intake.
    pub(super) fn relieve(&mut self, now_ms: i64) {
        self.tidy(now_ms);
        let mut pairs = PAIRS;
        let mut emptied: Vec<Handle> = Vec::new();
        while self.is_pressed(now_ms, pairs) {
            if self.relief.cursor == 0 || self.relief.measure.is_none() {
                self.begin_round(now_ms);
            }
            let Some(measure) = self.relief.measure else { break };
            let place = self.relief.cursor;
            pairs = pairs.saturating_sub(self.apply(measure, place, now_ms, &mut emptied));
            self.relief.cursor = (place + 1) % self.slab.places().max(1);
        }
        self.remove(emptied.into_iter());
    }

    fn is_pressed(&self, now_ms: i64, pairs: usize) -> bool {
        let (bytes, budget) = (self.bytes(), self.budget_bytes);
        let starves = matches!(self.relief.measure, Some(Measure::Starve { .. }));
        bytes > budget
            || bytes > budget - budget / 8 && pairs > 0 && !starves && now_ms >= self.relief.paused_until_ms
    }

    /// Chooses the mildest measure that frees something.
    fn begin_round(&mut self, now_ms: i64) {
        let (mut density, mut oldest_ms, mut oldest_needed_ms) = (0, None::<i64>, None::<i64>);
        for (slot, _) in self.slab.iter() {
            let beyond = slot.beyond(now_ms);
            density = (1..beyond).map(|at| slot.density(at - 1, now_ms)).fold(density, i64::max);
            let Some(from_ms) = slot.sealed.front().map(|chunk| chunk.times().from_ms()) else { continue };
            let oldest = if beyond > 0 { &mut oldest_ms } else { &mut oldest_needed_ms };
            *oldest = Some(oldest.map_or(from_ms, |oldest| oldest.min(from_ms)));
        }
        let thinning_failed =
            matches!(self.relief.measure, Some(Measure::Thin { .. })) && !self.relief.has_freed;
        // An eighth of the time, so that rounds are few.
        let cut = |oldest_ms: i64| oldest_ms + now_ms.saturating_sub(oldest_ms).max(0) / 8;
        let measure = if density > MIN_DENSITY && !thinning_failed {
            Some(Measure::Thin { density: (density / 4 * 3).max(MIN_DENSITY) })
        } else if let Some(oldest_ms) = oldest_ms {
            Some(Measure::Expire { from_ms: cut(oldest_ms) })
        } else if self.bytes() > self.budget_bytes {
            oldest_needed_ms.map(|oldest_ms| Measure::Starve { from_ms: cut(oldest_ms) })
        } else {
            None
        };
        if measure.is_none() {
            self.relief.paused_until_ms = now_ms.saturating_add(PAUSE_MS);
        }
        self.relief = Relief { cursor: 0, measure, has_freed: false, ..std::mem::take(&mut self.relief) };
    }

    /// Answers how many pairs of chunks were thinned.
    fn apply(&mut self, measure: Measure, place: usize, now_ms: i64, emptied: &mut Vec<Handle>) -> usize {
        let Some((slot, ledger)) = self.slab.at(place) else { return 0 };
        let mut beyond = slot.beyond(now_ms);
        let (mut pairs, mut removed) = (0, 0);
        match measure {
            Measure::Thin { density } => {
                let mut at = 0;
                while at + 1 < beyond {
                    if slot.density(at, now_ms) > density {
                        let thinned = slot.thin(at, ledger);
                        (removed, pairs) = (removed + thinned, pairs + 1);
                        beyond -= usize::from(thinned > 0);
                    }
                    at += 1;
                }
                self.totals.thinned_samples_total += removed as u64;
            }
            Measure::Expire { from_ms } | Measure::Starve { from_ms } => {
                let is_old =
                    |slot: &Slot| slot.sealed.front().is_some_and(|chunk| chunk.times().from_ms() <= from_ms);
                while is_old(slot) && (beyond > 0 || matches!(measure, Measure::Starve { .. })) {
                    let dropped = slot.drop_oldest(ledger);
                    let totals = &mut self.totals;
                    let total = match beyond {
                        0 => &mut totals.starved_samples_total,
                        _ => &mut totals.expired_samples_total,
                    };
                    *total += dropped as u64;
                    (removed, beyond) = (removed + dropped, beyond.saturating_sub(1));
                }
                if slot.is_closed() && slot.is_empty() {
                    emptied.extend(slot.entry.as_ref().map(|entry| entry.handle));
                }
            }
        }
        self.relief.has_freed |= removed > 0;
        pairs
    }

    /// Closes some of the series that have ended.
    fn tidy(&mut self, now_ms: i64) {
        let places = self.slab.places();
        for _ in 0..TIDIED.min(places) {
            self.relief.tidy_cursor = (self.relief.tidy_cursor + 1) % places;
            if let Some((slot, ledger)) = self.slab.at(self.relief.tidy_cursor)
                && !slot.is_closed()
                && slot.has_ended(CLOSE_AFTER_MS, now_ms)
            {
                slot.close(ledger);
            }
        }
    }
}
