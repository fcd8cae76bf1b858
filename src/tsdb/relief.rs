//! Room for new points: older history is thinned, then dropped; what rules need goes last. A little at each tick.

use super::chunk::Chunk;
use super::head::Head;
use super::slab::Handle;
use super::slot::Slot;

/// How much is done at one tick while the budget is not exceeded, counted in chunks looked at: some milliseconds.
const WORK: usize = 1 << 15;
/// To thin a pair of chunks is as much work as to look at so many.
const THINNING: usize = 64;
/// How many chunks are looked at, evenly spread, to choose a measure.
const SURVEYED: usize = 1 << 14;
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
    rounds: usize,
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
        let mut work = WORK;
        let mut emptied: Vec<Handle> = Vec::new();
        while self.is_pressed(now_ms, work) {
            if self.relief.cursor == 0 || self.relief.measure.is_none() {
                self.begin_round(now_ms);
            }
            let Some(measure) = self.relief.measure else { break };
            let place = self.relief.cursor;
            work = work.saturating_sub(1 + self.apply(measure, place, now_ms, &mut emptied));
            self.relief.cursor = (place + 1) % self.slab.places().max(1);
        }
        self.remove(emptied.into_iter());
    }

    fn is_pressed(&self, now_ms: i64, work: usize) -> bool {
        let (bytes, budget) = (self.bytes(), self.budget_bytes);
        let starves = matches!(self.relief.measure, Some(Measure::Starve { .. }));
        bytes > budget
            || bytes > budget - budget / 8 && work > 0 && !starves && now_ms >= self.relief.paused_until_ms
    }

    /// Chooses the mildest measure that frees something.
    fn begin_round(&mut self, now_ms: i64) {
        let chunks = usize::try_from(self.slab.ledger.samples).unwrap_or_default() / Chunk::POINTS;
        let stride = chunks / SURVEYED + 1;
        let surveyed = self.slab.iter().skip(self.relief.rounds % stride).step_by(stride);
        let densities =
            surveyed.flat_map(|(slot, _)| (1..slot.beyond(now_ms)).map(|at| slot.density(at - 1, now_ms)));
        let density = densities.max().unwrap_or_default();
        let (mut oldest_ms, mut oldest_needed_ms) = (None::<i64>, None::<i64>);
        for (slot, _) in self.slab.iter() {
            let Some(first) = slot.sealed.front().map(Chunk::times) else { continue };
            let is_needed = first.last_ms() >= now_ms.saturating_sub(slot.keep_ms);
            let oldest = if is_needed { &mut oldest_needed_ms } else { &mut oldest_ms };
            *oldest = Some(oldest.map_or(first.first_ms(), |oldest| oldest.min(first.first_ms())));
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
        (self.relief.cursor, self.relief.measure, self.relief.has_freed) = (0, measure, false);
        self.relief.rounds += 1;
    }

    /// Answers how much work it was.
    fn apply(&mut self, measure: Measure, place: usize, now_ms: i64, emptied: &mut Vec<Handle>) -> usize {
        let Some((slot, ledger)) = self.slab.at(place) else { return 0 };
        let mut beyond = slot.beyond(now_ms);
        let (mut work, mut removed) = (beyond, 0);
        match measure {
            Measure::Thin { density } => {
                let mut at = 0;
                while at + 1 < beyond {
                    if slot.density(at, now_ms) > density {
                        let thinned = slot.thin(at, ledger);
                        (removed, work) = (removed + thinned, work + THINNING);
                        beyond -= usize::from(thinned > 0);
                    }
                    at += 1;
                }
                self.totals.thinned_samples_total += removed as u64;
            }
            Measure::Expire { from_ms } | Measure::Starve { from_ms } => {
                let is_old = |slot: &Slot| {
                    slot.sealed.front().is_some_and(|chunk| chunk.times().first_ms() <= from_ms)
                };
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
        if removed > 0 {
            self.relief.has_freed = true;
            slot.shrink();
        }
        work
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
