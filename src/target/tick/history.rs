//! What became of the ticks: how many, how far apart, how many in the last second. Pure: it is told the time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Hz;

/// The buckets of the interval between two ticks, fine around the 10 ms of 100 Hz.
pub(in super::super) const BOUNDS_SECS: [f64; 14] =
    [0.005, 0.009, 0.0095, 0.0105, 0.011, 0.0125, 0.015, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

const WINDOW: Duration = Duration::from_secs(1);

/// The ticks so far, shared between the loop and the scrapes.
pub(in super::super) struct History {
    ticks: Mutex<Ticks>,
}

/// The loop at one moment.
#[derive(Debug, Clone)]
pub(in super::super) struct Snapshot {
    /// Ticks done in the last second.
    pub(in super::super) hz: f64,
    pub(in super::super) total: u64,
    /// Intervals counted; one less than the ticks, once there are any.
    pub(in super::super) intervals: u64,
    pub(in super::super) interval_sum: Duration,
    /// Intervals up to each of [`BOUNDS_SECS`] and above the one before.
    pub(in super::super) buckets: [u64; BOUNDS_SECS.len()],
}

impl History {
    pub(super) fn new(begun: Instant, nominal: Hz) -> Self {
        Self { ticks: Mutex::new(Ticks::new(begun, nominal)) }
    }

    pub(super) fn record(&self, now: Instant) {
        self.ticks.lock().unwrap_or_else(PoisonError::into_inner).record(now);
    }

    pub(in super::super) fn snapshot(&self) -> Snapshot {
        self.ticks.lock().unwrap_or_else(PoisonError::into_inner).snapshot(Instant::now())
    }
}

struct Ticks {
    begun: Instant,
    nominal: Hz,
    /// Those of the last second, oldest first: at most a thousand and what a hiccup makes up for.
    recent: VecDeque<Instant>,
    last: Option<Instant>,
    total: u64,
    intervals: u64,
    interval_sum: Duration,
    buckets: [u64; BOUNDS_SECS.len()],
}

impl Ticks {
    fn new(begun: Instant, nominal: Hz) -> Self {
        Self {
            begun,
            nominal,
            recent: VecDeque::new(),
            last: None,
            total: 0,
            intervals: 0,
            interval_sum: Duration::ZERO,
            buckets: [0; BOUNDS_SECS.len()],
        }
    }

    fn record(&mut self, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            let interval = now.saturating_duration_since(last);
            let secs = interval.as_secs_f64();
            if let Some(bucket) = BOUNDS_SECS.iter().position(|bound| secs <= *bound) {
                self.buckets[bucket] += 1;
            }
            self.intervals += 1;
            self.interval_sum += interval;
        }
        self.total += 1;
        self.recent.push_back(now);
        self.forget_before(now);
    }

    fn snapshot(&mut self, now: Instant) -> Snapshot {
        self.forget_before(now);
        Snapshot {
            hz: self.hz(now),
            total: self.total,
            intervals: self.intervals,
            interval_sum: self.interval_sum,
            buckets: self.buckets,
        }
    }

    /// Ticks in the second before `now`. The part of it that lies before the beginning counts as if the
    /// loop had run at its nominal rate: a loop just begun has not been slow.
    fn hz(&self, now: Instant) -> f64 {
        let before_begin = WINDOW.saturating_sub(now.saturating_duration_since(self.begun));
        let done = self.recent.len() as f64;
        done + self.nominal.per_second() * before_begin.as_secs_f64()
    }

    fn forget_before(&mut self, now: Instant) {
        while self.recent.front().is_some_and(|tick| now.saturating_duration_since(*tick) >= WINDOW) {
            self.recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(begun: Instant, millis: u64) -> Instant {
        begun + Duration::from_millis(millis)
    }

    /// Ticks at the given times since the beginning; the gauge some time later.
    fn check_hz(ticks_millis: impl IntoIterator<Item = u64>, scraped_millis: u64, expected: f64) {
        let begun = Instant::now();
        let mut ticks = Ticks::new(begun, Hz::NOMINAL);
        ticks_millis.into_iter().for_each(|millis| ticks.record(at(begun, millis)));
        let hz = ticks.snapshot(at(begun, scraped_millis)).hz;
        assert!((hz - expected).abs() < 1e-9, "{hz} Hz, expected {expected}");
    }

    #[test]
    fn a_loop_that_holds_its_rate_reads_its_rate() {
        check_hz((10..=5_000).step_by(10), 5_003, 100.0);
        check_hz((20..=5_000).step_by(20), 5_003, 50.0);
    }

    #[test]
    fn a_stall_shows_while_it_lasts_and_for_a_second_after() {
        check_hz((10..=5_000).step_by(10), 5_400, 60.0);
        check_hz((10..=5_000).step_by(10), 6_000, 0.0);
        check_hz((10..=5_000).step_by(10).filter(|at| !(4_201..=4_700).contains(at)), 5_000, 50.0);
    }

    #[test]
    fn a_loop_just_begun_has_not_been_slow() {
        check_hz([], 0, 100.0);
        check_hz((10..=250).step_by(10), 250, 100.0);
        check_hz([], 250, 75.0);
    }

    #[test]
    fn intervals_are_counted_where_they_belong() {
        let begun = Instant::now();
        let mut ticks = Ticks::new(begun, Hz::NOMINAL);
        [10, 20, 30, 157, 3_157].into_iter().for_each(|millis| ticks.record(at(begun, millis)));
        let snapshot = ticks.snapshot(at(begun, 3_157));
        let of = |bound: f64| snapshot.buckets[BOUNDS_SECS.iter().position(|b| *b >= bound).unwrap()];
        assert_eq!((of(0.0105), of(0.25)), (2, 1));
        assert_eq!(snapshot.buckets.iter().sum::<u64>(), 3, "three seconds lie above all bounds");
        assert_eq!((snapshot.total, snapshot.intervals), (5, 4));
        assert_eq!(snapshot.interval_sum, Duration::from_millis(3_147));
    }

    #[test]
    fn what_is_remembered_is_one_second() {
        let begun = Instant::now();
        let mut ticks = Ticks::new(begun, Hz::NOMINAL);
        (1..=100_000).for_each(|tick| ticks.record(at(begun, tick * 10)));
        assert_eq!(ticks.recent.len(), 100);
    }
}
