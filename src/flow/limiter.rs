//! The most requests a second over all workers: `limits.rps`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::time::Elapsed;

/// Hands out turns that are at least a period apart, in the order in which they are asked for. k6's
/// `rps` with its burst of 1: time in which nobody asked is not made up for. Pure: whoever asks waits
/// for its turn itself.
#[derive(Debug)]
pub struct Limiter {
    period_nanos: u64,
    /// The next free turn, in nanoseconds since the run began.
    next: AtomicU64,
}

impl Limiter {
    /// `per_sec` is above 0.
    pub fn new(per_sec: f64) -> Self {
        // Rounded up: the limit is a promise.
        Limiter { period_nanos: (1e9 / per_sec).ceil() as u64, next: AtomicU64::new(0) }
    }

    /// Takes the next turn; never one before `now`. A turn that is not used is lost.
    pub fn reserve(&self, now: Elapsed) -> Elapsed {
        let period = Duration::from_nanos(self.period_nanos);
        let after = |next| Some((Elapsed::from_nanos(next).max(now) + period).as_nanos());
        // It never refuses, so that both arms are the turn before the one that was left for the next.
        let (Ok(next) | Err(next)) = self.next.fetch_update(Relaxed, Relaxed, after);
        Elapsed::from_nanos(next).max(now)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;

    fn millis(millis: u64) -> Elapsed {
        Duration::from_millis(millis).into()
    }

    #[test]
    fn turns_are_a_period_apart_and_idle_time_is_not_made_up_for() {
        let limiter = Limiter::new(100.0);
        for (asked, turn) in [(0, 0), (0, 10), (3, 20), (19, 30), (100, 100), (100, 110), (125, 125)] {
            assert_eq!(limiter.reserve(millis(asked)), millis(turn), "asked at {asked} ms");
        }
    }

    #[test]
    fn a_rate_that_is_no_divisor_of_a_second_is_never_exceeded() {
        let limiter = Limiter::new(3.0);
        let turns: Vec<Elapsed> = (0..10).map(|_| limiter.reserve(Elapsed::ZERO)).collect();
        let in_first_second = turns.iter().filter(|turn| **turn < millis(1000)).count();
        assert_eq!((in_first_second, turns[9] >= millis(3000)), (3, true));
    }

    #[test]
    fn no_two_threads_get_one_turn() {
        let limiter = Arc::new(Limiter::new(1e6));
        let ask = || {
            let limiter = Arc::clone(&limiter);
            std::thread::spawn(move || (0..1_000).map(|_| limiter.reserve(Elapsed::ZERO)).collect::<Vec<_>>())
        };
        let threads: Vec<_> = (0..4).map(|_| ask()).collect();
        let turns: Vec<Elapsed> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(turns.iter().collect::<BTreeSet<_>>().len(), 4_000);
        assert_eq!(turns.iter().max(), Some(&Elapsed::from_nanos(3_999_000)));
    }
}
