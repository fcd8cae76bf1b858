//! One series' points: sealed chunks, and the newest as they are, so that what is asked most needs no decoding.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::chunk::{Chunk, Decoder, Times, thinned};
use super::index::Entry;
use crate::promql::{Point, TimeRange, is_stale};

pub(super) const POINT_BYTES: usize = size_of::<Point>();
/// What the newest points of a series may come to.
pub(super) const OPEN_BYTES: usize = Chunk::POINTS * POINT_BYTES;

const ALL: TimeRange = TimeRange { from_ms: i64::MIN, to_ms: i64::MAX };

#[derive(Debug)]
pub(super) struct Slot {
    /// How many series have been here before: a handle of an earlier one does not reach this one.
    pub(super) generation: u32,
    /// `None`: free.
    pub(super) entry: Option<Arc<Entry>>,
    /// Which origin brought the series; 0 is none.
    pub(super) origin: u32,
    /// How far rules look back.
    pub(super) keep_ms: i64,
    /// Also where that point has been sealed.
    pub(super) last: Option<Point>,
    pub(super) sealed: VecDeque<Chunk>,
    open: Vec<Point>,
    /// Ended long ago: it holds nothing for points to come, and nothing is reserved for them.
    is_closed: bool,
    /// How many open points make a chunk. The first is shorter, by an amount that neighbours share: not all series
    /// are to be sealed at the same tick, but those that are share their times.
    seal_at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appended {
    Stored,
    /// The very same point again, or a series ended twice: nothing to do, nothing lost.
    Known,
    OutOfOrder,
    Duplicate,
}

/// What all slots hold together.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// But for the chunks' times.
    pub(super) points_bytes: usize,
    pub(super) samples: u64,
    /// Series that are not closed: each may come to hold [`OPEN_BYTES`].
    pub(super) open_series: usize,
    times_bytes: Arc<AtomicUsize>,
    /// The times that were encoded last, as others will have the same.
    recent: Option<Arc<Times>>,
    recent_times: Vec<i64>,
    decoder: Decoder,
}

impl Ledger {
    pub(super) fn bytes(&self) -> usize {
        self.points_bytes + self.times_bytes.load(Ordering::Relaxed)
    }

    fn chunk(&mut self, points: &[Point]) -> Chunk {
        let times = || points.iter().map(|point| point.at_ms);
        let times = match &self.recent {
            Some(recent) if times().eq(self.recent_times.iter().copied()) => Arc::clone(recent),
            _ => {
                self.recent_times.clear();
                self.recent_times.extend(times());
                let encoded = Arc::new(Times::encode(&self.recent_times, &self.times_bytes));
                self.recent = Some(Arc::clone(&encoded));
                encoded
            }
        };
        let values: Vec<f64> = points.iter().map(|point| point.value).collect();
        let chunk = Chunk::new(times, &values);
        self.points_bytes += chunk.held_bytes();
        self.samples += points.len() as u64;
        chunk
    }

    fn remove(&mut self, chunk: &Chunk) {
        self.points_bytes -= chunk.held_bytes();
        self.samples -= chunk.points() as u64;
    }
}

impl Slot {
    pub(super) fn new(place: usize) -> Self {
        let seal_at = Chunk::POINTS / 2 + place / 64 % (Chunk::POINTS / 2 + 1);
        Slot {
            generation: 0,
            entry: None,
            origin: 0,
            keep_ms: 0,
            last: None,
            sealed: VecDeque::new(),
            open: Vec::new(),
            is_closed: true,
            seal_at,
        }
    }

    /// As Prometheus' head does without out-of-order ingestion.
    #[inline]
    pub(super) fn append(&mut self, point: Point, ledger: &mut Ledger) -> Appended {
        if let Some(last) = self.last {
            if point.at_ms < last.at_ms {
                return Appended::OutOfOrder;
            }
            if point.at_ms == last.at_ms {
                let same = point.value.to_bits() == last.value.to_bits();
                return if same { Appended::Known } else { Appended::Duplicate };
            }
        }
        if is_stale(point.value) && self.last.is_none_or(|last| is_stale(last.value)) {
            return Appended::Known;
        }
        if self.open.len() >= self.seal_at {
            self.seal(ledger);
        }
        if self.open.len() == self.open.capacity() {
            self.grow(ledger);
        }
        self.open.push(point);
        self.last = Some(point);
        ledger.samples += 1;
        Appended::Stored
    }

    fn grow(&mut self, ledger: &mut Ledger) {
        let before = self.open.capacity();
        self.open.reserve_exact((before * 2).clamp(4, self.seal_at.max(before + 1)) - before);
        ledger.points_bytes += (self.open.capacity() - before) * POINT_BYTES;
    }

    fn seal(&mut self, ledger: &mut Ledger) {
        if self.open.is_empty() {
            return;
        }
        self.sealed.push_back(ledger.chunk(&self.open));
        ledger.samples -= self.open.len() as u64;
        self.open.clear();
        self.seal_at = Chunk::POINTS;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// It ended this long ago; or nothing has come for an hour.
    pub(super) fn has_ended(&self, ago_ms: i64, now_ms: i64) -> bool {
        self.last.is_some_and(|last| {
            let waited_ms = if is_stale(last.value) { ago_ms } else { 3_600_000 };
            last.at_ms < now_ms.saturating_sub(waited_ms)
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.open.is_empty()
    }

    /// Reserves room for points to come.
    pub(super) fn open(&mut self, ledger: &mut Ledger) {
        ledger.open_series += usize::from(self.is_closed);
        self.is_closed = false;
    }

    /// Gives back what points to come would need.
    pub(super) fn close(&mut self, ledger: &mut Ledger) {
        self.seal(ledger);
        ledger.open_series -= usize::from(!self.is_closed);
        self.is_closed = true;
        ledger.points_bytes -= self.open.capacity() * POINT_BYTES;
        self.open = Vec::new();
    }

    /// Makes the place free for another series.
    pub(super) fn clear(&mut self, place: usize, ledger: &mut Ledger) {
        ledger.samples -= self.open.len() as u64;
        self.open.clear();
        self.close(ledger);
        self.sealed.iter().for_each(|chunk| ledger.remove(chunk));
        *self = Slot { generation: self.generation.wrapping_add(1), ..Slot::new(place) };
    }

    /// Where chunks end that rules do not need.
    pub(super) fn beyond(&self, now_ms: i64) -> usize {
        let horizon_ms = now_ms.saturating_sub(self.keep_ms);
        self.sealed.partition_point(|chunk| chunk.times().to_ms() < horizon_ms)
    }

    /// How many points two neighbouring chunks have for their age: the age over the mean step.
    pub(super) fn density(&self, at: usize, now_ms: i64) -> i64 {
        let (Some(first), Some(second)) = (self.sealed.get(at), self.sealed.get(at + 1)) else { return 0 };
        let (from_ms, to_ms) = (first.times().from_ms(), second.times().to_ms());
        let steps = i64::try_from(first.points() + second.points() - 1).unwrap_or(i64::MAX);
        let step_ms = (to_ms.saturating_sub(from_ms) / steps).max(1);
        now_ms.saturating_sub(to_ms).max(0) / step_ms
    }

    /// Makes one chunk of two neighbours with half of their points; answers how many went.
    pub(super) fn thin(&mut self, at: usize, ledger: &mut Ledger) -> usize {
        let (Some(first), Some(second)) = (self.sealed.get(at), self.sealed.get(at + 1)) else { return 0 };
        let mut points = Vec::with_capacity(first.points() + second.points());
        let mut decoder = std::mem::take(&mut ledger.decoder);
        decoder.decode(first, ALL, &mut points);
        decoder.decode(second, ALL, &mut points);
        ledger.decoder = decoder;
        let kept = thinned(&points);
        if kept.len() > Chunk::POINTS * 3 / 2 {
            return 0;
        }
        let merged = ledger.chunk(&kept);
        ledger.remove(first);
        ledger.remove(second);
        self.sealed.remove(at + 1);
        if let Some(place) = self.sealed.get_mut(at) {
            *place = merged;
        }
        points.len() - kept.len()
    }

    /// Drops the oldest chunk; answers how many points went.
    pub(super) fn drop_oldest(&mut self, ledger: &mut Ledger) -> usize {
        let Some(chunk) = self.sealed.pop_front() else { return 0 };
        ledger.remove(&chunk);
        chunk.points()
    }

    /// Whether it has points in the range, or a chunk over it.
    pub(super) fn overlaps(&self, range: TimeRange) -> bool {
        !self.open_in(range).is_empty() || self.sealed.iter().any(|chunk| chunk.overlaps(range))
    }

    pub(super) fn open_in(&self, range: TimeRange) -> &[Point] {
        let first = self.open.partition_point(|point| point.at_ms < range.from_ms);
        let end = self.open.partition_point(|point| point.at_ms <= range.to_ms);
        self.open.get(first..end).unwrap_or_default()
    }

    pub(super) fn sealed_in(&self, range: TimeRange) -> impl Iterator<Item = &Chunk> {
        let first = self.sealed.partition_point(|chunk| chunk.times().to_ms() < range.from_ms);
        self.sealed.iter().skip(first).take_while(move |chunk| chunk.overlaps(range))
    }
}
