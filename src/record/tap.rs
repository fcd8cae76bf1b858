//! Every sample on its own, for those who write them to a file: a copy of what goes into a [`Shard`].
//!
//! A tap never waits. It fills a batch of its worker's own and hands it over through a bounded channel;
//! what does not fit is counted. Without a tap, a recording costs one branch more than it would.
//!
//! [`Shard`]: super::Shard

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::UNIX_EPOCH;

use crate::ids::SeriesId;
use crate::time::{Clock, Elapsed};

/// Samples handed over at once: 24 KiB.
const BATCH: usize = 1024;
/// Batches that may wait to be written: 12 MiB.
const WAITING_BATCHES: usize = 512;

/// One recorded value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Says what the value is of.
    pub series: SeriesId,
    /// Whose labels describe it: its own series, or that of the request it is a part of, which knows
    /// status and error as well.
    pub tags: SeriesId,
    /// The wall clock when the run began plus monotonic time.
    pub unix_nanos: u64,
    /// In recorded units (nanoseconds for times); always finite.
    pub value: f64,
}

/// Where workers get their taps. The reading end closes when it and all taps are gone.
#[derive(Debug, Clone)]
pub struct Taps {
    out: SyncSender<Vec<Sample>>,
    dropped: DroppedSamples,
}

/// How many samples found no room.
#[derive(Debug, Clone, Default)]
pub struct DroppedSamples(Arc<AtomicU64>);

/// One worker's tap: its samples come out in the order in which they were recorded.
#[derive(Debug)]
pub struct Tap {
    clock: Clock,
    origin_nanos: u64,
    batch: Vec<Sample>,
    taps: Taps,
    exchange: Option<(SeriesId, u64)>,
}

impl Taps {
    /// The writing end and the reading end.
    pub fn bounded() -> (Taps, Receiver<Vec<Sample>>) {
        Taps::with_room_for(WAITING_BATCHES)
    }

    fn with_room_for(batches: usize) -> (Taps, Receiver<Vec<Sample>>) {
        let (out, samples) = mpsc::sync_channel(batches);
        (Taps { out, dropped: DroppedSamples::default() }, samples)
    }

    pub fn tap(&self, clock: Clock) -> Tap {
        let origin = clock.wall(Elapsed::ZERO).duration_since(UNIX_EPOCH).unwrap_or_default();
        Tap {
            clock,
            origin_nanos: Elapsed::from(origin).as_nanos(),
            batch: Vec::with_capacity(BATCH),
            taps: self.clone(),
            exchange: None,
        }
    }

    pub fn dropped(&self) -> DroppedSamples {
        self.dropped.clone()
    }
}

impl DroppedSamples {
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }
}

impl Tap {
    /// What follows is of the exchange that `tags` describes and that ended at `at`; until told otherwise.
    pub(super) fn exchange(&mut self, of: Option<(SeriesId, Elapsed)>) {
        self.exchange = of.map(|(tags, at)| (tags, self.unix_nanos(at)));
    }

    pub(super) fn sample(&mut self, series: SeriesId, value: f64) {
        if !value.is_finite() {
            // Neither JSON nor anyone who adds up has a place for it.
            return self.taps.dropped.add(1);
        }
        let (tags, unix_nanos) = self.exchange.unwrap_or_else(|| (series, self.unix_nanos(self.clock.now())));
        self.batch.push(Sample { series, tags, unix_nanos, value });
        if self.batch.len() == BATCH {
            self.hand_over();
        }
    }

    pub(super) fn hand_over(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        if let Err(mpsc::TrySendError::Full(lost) | mpsc::TrySendError::Disconnected(lost)) =
            self.taps.out.try_send(batch)
        {
            self.taps.dropped.add(lost.len());
            self.batch = lost;
            self.batch.clear();
        }
    }

    fn unix_nanos(&self, at: Elapsed) -> u64 {
        self.origin_nanos.saturating_add(at.as_nanos())
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.hand_over();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Labels;
    use crate::metric::{self, Catalog};
    use crate::record::{Registry, Shard};

    fn shard(taps: &Taps) -> (Shard, [SeriesId; 3]) {
        let registry = Arc::new(Registry::new(Arc::new(Catalog::default()), &[], 10));
        let ids = [metric::HTTP_REQS, metric::HTTP_REQ_WAITING, metric::ITERATIONS]
            .map(|metric| registry.intern(metric, &Labels::empty()));
        let mut shard = Shard::new(registry);
        shard.tap(taps.tap(Clock::start()));
        (shard, ids)
    }

    #[test]
    fn samples_come_out_in_order_and_those_of_an_exchange_share_its_labels_and_time() {
        let (taps, samples) = Taps::bounded();
        let (mut shard, [reqs, waiting, iterations]) = shard(&taps);
        shard.exchange(Some((reqs, Elapsed::from_nanos(5))));
        shard.count(reqs, 1);
        shard.trend(waiting, 7.0);
        shard.exchange(None);
        shard.count(iterations, 1);
        drop(shard);
        let told = samples.recv().unwrap();
        let of: Vec<_> = told.iter().map(|sample| (sample.series, sample.tags, sample.value)).collect();
        assert_eq!(of, [(reqs, reqs, 1.0), (waiting, reqs, 7.0), (iterations, iterations, 1.0)]);
        assert_eq!(told[0].unix_nanos, told[1].unix_nanos);
        assert!(told[2].unix_nanos >= told[0].unix_nanos, "{told:?}");
    }

    #[test]
    fn a_shard_that_is_swapped_out_leaves_its_tap_behind() {
        let (taps, samples) = Taps::bounded();
        let (mut working, [reqs, ..]) = shard(&taps);
        working.count(reqs, 1);
        let spare = Shard::new(Arc::clone(working.registry()));
        let collected = working.swap(spare);
        assert_eq!(samples.try_recv().unwrap().len(), 1, "handed over at each tick");
        drop(collected);
        working.count(reqs, 1);
        drop(working);
        assert_eq!(samples.recv().unwrap().len(), 1);
    }

    #[test]
    fn what_does_not_fit_is_counted_and_nothing_waits() {
        let (taps, samples) = Taps::with_room_for(1);
        let dropped = taps.dropped();
        let (mut shard, [reqs, waiting, _]) = shard(&taps);
        for _ in 0..3 * BATCH {
            shard.count(reqs, 1);
        }
        assert_eq!(dropped.count(), 2 * BATCH as u64);
        shard.trend(waiting, f64::INFINITY);
        assert_eq!(dropped.count(), 2 * BATCH as u64 + 1);
        drop((shard, taps));
        assert_eq!(samples.iter().map(|batch| batch.len()).sum::<usize>(), BATCH);
    }
}
