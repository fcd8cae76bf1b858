//! When a group is due: at multiples of its interval from its first tick on.

use std::time::Duration;

use super::whole_ms;

#[derive(Debug)]
pub(super) struct Schedule {
    interval_ms: i64,
    next_ms: Option<i64>,
    missed: u64,
}

impl Schedule {
    pub(super) fn new(interval: Duration) -> Self {
        Schedule { interval_ms: whole_ms(interval).max(1), next_ms: None, missed: 0 }
    }

    pub(super) fn missed(&self) -> u64 {
        self.missed
    }

    pub(super) fn due(&mut self, now_ms: i64) -> bool {
        let Some(next_ms) = self.next_ms else {
            self.next_ms = Some(now_ms + self.interval_ms);
            return true;
        };
        // Ticks are a little early or late; one that is early by so little stands for its moment.
        let slack_ms = (self.interval_ms / 10).min(100);
        let late_ms = now_ms + slack_ms - next_ms;
        if late_ms < 0 {
            return false;
        }
        let missed = late_ms / self.interval_ms;
        self.missed += missed.unsigned_abs();
        self.next_ms = Some(next_ms + (missed + 1) * self.interval_ms);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_due_at_multiples_of_its_interval_and_what_was_missed_is_counted() {
        for (interval_ms, ticks, due, missed) in [
            (1000, vec![0, 1000, 2000], vec![0, 1000, 2000], 0),
            (2000, vec![7, 1007, 2007, 3007, 4007], vec![7, 2007, 4007], 0),
            // A first tick that was late, or a next one that is early, costs no evaluation.
            (1000, vec![3, 1000, 1999, 3001], vec![3, 1000, 1999, 3001], 0),
            (1000, vec![0, 850, 950], vec![0, 950], 0),
            // Faster than the ticks: as often as they come.
            (300, vec![0, 1000, 2000], vec![0, 1000, 2000], 4),
            // After a gap it goes on at the multiples.
            (1000, vec![0, 1000, 4500, 5000, 6000], vec![0, 1000, 4500, 5000, 6000], 2),
            (5000, vec![0, 12_000, 14_000, 15_000], vec![0, 12_000, 15_000], 1),
        ] {
            let mut schedule = Schedule::new(Duration::from_millis(interval_ms));
            let found: Vec<i64> = ticks.iter().copied().filter(|tick| schedule.due(*tick)).collect();
            assert_eq!((found, schedule.missed()), (due, missed), "every {interval_ms} ms, ticks {ticks:?}");
        }
    }
}
