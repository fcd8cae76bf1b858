//! Open model: what a worker does with its share of the arrivals.

use std::time::Duration;

use super::{Arrival, DropReason, Open, Share};
use crate::time::Elapsed;

/// How long after the end an arrival that was due before it may still start. A pacer that wakes
/// later than this has stalled, and a burst past the end would not be the load that was asked for.
const LATEST_START: Duration = Duration::from_millis(100);

/// A worker's way through its share of the arrivals.
#[derive(Debug)]
pub struct Arrivals {
    share: Share,
    /// After it no arrival starts.
    end: Elapsed,
    /// How many of this share are done with.
    done: u64,
}

/// What the pool holds when it is asked for the next arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vus {
    /// Users that could start an iteration now; those that may still be allocated included.
    pub idle: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Start(Arrival),
    Drop(DropReason),
    /// Nothing to do before this.
    Wait(Elapsed),
    /// No iteration will start any more.
    Done,
}

impl Arrivals {
    pub fn new(share: Share, end: Elapsed) -> Self {
        Arrivals { share, end, done: 0 }
    }

    /// What is to be done at `now`; times never go back. After `Start` and `Drop` it is asked again at once.
    pub fn next(&mut self, open: &dyn Open, now: Elapsed, vus: Vus) -> Decision {
        let Some(arrival) = self.arrival(open, self.done) else {
            return Decision::Done;
        };
        if arrival.due > now {
            return Decision::Wait(arrival.due);
        }
        self.done += 1;
        if now > self.end + LATEST_START {
            Decision::Drop(DropReason::PacerLate)
        } else if vus.idle == 0 {
            Decision::Drop(DropReason::NoIdleVu)
        } else {
            Decision::Start(arrival)
        }
    }

    /// How many arrivals were due by `now` and have been neither started nor dropped: what an
    /// abort at `now` leaves undone.
    pub fn overdue(&self, open: &dyn Open, now: Elapsed) -> u64 {
        let is_due = |nth| self.arrival(open, nth).is_some_and(|arrival| arrival.due <= now);
        // Due times only grow: a bound is found by doubling, the first that is not due by halving.
        let (mut due, mut step) = (self.done, 1_u64);
        while is_due(due.saturating_add(step - 1)) && due < u64::MAX {
            due = due.saturating_add(step);
            step = step.saturating_mul(2);
        }
        while step > 1 {
            step = step.div_ceil(2);
            while is_due(due.saturating_add(step - 1)) && due < u64::MAX {
                due = due.saturating_add(step);
            }
        }
        due - self.done
    }

    fn arrival(&self, open: &dyn Open, nth: u64) -> Option<Arrival> {
        open.arrival(self.share.nth(nth))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every tenth of a second, from 0 to 1 s.
    #[derive(Debug)]
    struct Tenths;

    impl Open for Tenths {
        fn pre_allocated_vus(&self) -> u64 {
            1
        }

        fn max_vus(&self) -> u64 {
            1
        }

        fn arrival(&self, nth: u64) -> Option<Arrival> {
            (nth <= 10).then(|| Arrival { index: nth, due: millis(nth * 100) })
        }
    }

    fn millis(millis: u64) -> Elapsed {
        Duration::from_millis(millis).into()
    }

    /// The arrivals of a share, as a worker meets them that has always a user idle.
    pub(in crate::executor) fn starts(open: &dyn Open, end: Elapsed, share: Share) -> Vec<(u64, Elapsed)> {
        let (mut arrivals, mut now, mut starts) = (Arrivals::new(share, end), Elapsed::ZERO, Vec::new());
        loop {
            match arrivals.next(open, now, Vus { idle: 1 }) {
                Decision::Start(arrival) => starts.push((arrival.index, arrival.due)),
                Decision::Wait(until) => now = until,
                Decision::Drop(reason) => panic!("dropped: {reason:?}"),
                Decision::Done => return starts,
            }
        }
    }

    #[test]
    fn decisions_follow_time_and_idle_users() {
        let mut arrivals = Arrivals::new(Share::WHOLE, millis(1000));
        let start = |index, due| Decision::Start(Arrival { index, due: millis(due) });
        for (now, idle, expected) in [
            (0, 1, start(0, 0)),
            (0, 1, Decision::Wait(millis(100))),
            (99, 1, Decision::Wait(millis(100))),
            (100, 0, Decision::Drop(DropReason::NoIdleVu)),
            // A pacer that overslept catches up, and each arrival keeps its due time.
            (450, 1, start(2, 200)),
            (450, 1, start(3, 300)),
            (450, 1, start(4, 400)),
            (450, 1, Decision::Wait(millis(500))),
            (900, 1, start(5, 500)),
            (1100, 1, start(6, 600)),
            // More than 100 ms after the end it is too late.
            (1101, 1, Decision::Drop(DropReason::PacerLate)),
            (1101, 1, Decision::Drop(DropReason::PacerLate)),
            (1101, 1, Decision::Drop(DropReason::PacerLate)),
            (1101, 1, Decision::Drop(DropReason::PacerLate)),
            (1101, 1, Decision::Done),
        ] {
            let decision = arrivals.next(&Tenths, millis(now), Vus { idle });
            assert_eq!(decision, expected, "at {now} ms with {idle} idle");
        }
    }

    #[test]
    fn an_abort_leaves_what_was_due_and_not_started() {
        let mut arrivals = Arrivals::new(Share::WHOLE, millis(1000));
        assert_eq!(arrivals.overdue(&Tenths, millis(250)), 3);
        arrivals.next(&Tenths, millis(250), Vus { idle: 1 });
        for (now, overdue) in [(0, 0), (99, 0), (100, 1), (250, 2), (1000, 10), (5000, 10)] {
            assert_eq!(arrivals.overdue(&Tenths, millis(now)), overdue, "at {now} ms");
        }
        for of in 1..5 {
            let share = |index| Arrivals::new(Share { index, of }, millis(1000));
            for now in (0..1200).step_by(50) {
                let sum: u64 = (0..of).map(|index| share(index).overdue(&Tenths, millis(now))).sum();
                assert_eq!(sum, (now / 100 + 1).min(11), "{of} shares at {now} ms");
            }
        }
    }
}
