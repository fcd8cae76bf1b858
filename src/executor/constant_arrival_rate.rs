//! `constant-arrival-rate`: iterations start at a fixed rate, whether or not the target keeps up.

use std::time::Duration;

use super::{Arrival, Decision, DropReason, Executor, Model, Schedule, Share, Vus};
use crate::time::Elapsed;

/// How long after the end an arrival that was due before it may still start. A pacer that wakes
/// later than this has stalled, and a burst past the end would not be the load that was asked for.
const LATEST_START: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, PartialEq)]
pub struct ConstantArrivalRate {
    /// Iterations per `time_unit`; above 0, may be fractional (k6 takes whole numbers only).
    pub rate: f64,
    pub time_unit: Duration,
    pub duration: Duration,
    pub pre_allocated_vus: u64,
    pub max_vus: u64,
}

#[derive(Debug)]
struct Running {
    /// Nanoseconds between two arrivals of the whole.
    period: f64,
    duration: Elapsed,
    next: u64,
    share: Share,
}

impl Executor for ConstantArrivalRate {
    fn model(&self) -> Model {
        Model::Open { pre_allocated_vus: self.pre_allocated_vus, max_vus: self.max_vus }
    }

    fn duration(&self) -> Elapsed {
        self.duration.into()
    }

    fn share(&self, share: Share) -> Box<dyn Schedule> {
        let period = self.time_unit.as_nanos() as f64 / self.rate;
        Box::new(Running { period, duration: self.duration.into(), next: share.index, share })
    }

    fn describe(&self) -> String {
        let per_second = self.rate / self.time_unit.as_secs_f64();
        let vus = match (self.pre_allocated_vus, self.max_vus) {
            (pre, max) if pre == max => format!("{max}"),
            (pre, max) => format!("{pre}-{max}"),
        };
        format!("{per_second:.2} iterations/s for {:?} (VUs: {vus})", self.duration)
    }
}

impl Running {
    /// A function of the arrival's number, never accumulated. As in k6 the first is due at 0 and
    /// one that is due exactly at the end still belongs to the schedule.
    fn due(&self, index: u64) -> Elapsed {
        Elapsed::from_nanos((index as f64 * self.period).round() as u64)
    }
}

impl Schedule for Running {
    fn next(&mut self, now: Elapsed, vus: Vus) -> Decision {
        let arrival = Arrival { index: self.next, due: self.due(self.next) };
        if arrival.due > self.duration {
            return Decision::Done;
        }
        if arrival.due > now {
            return Decision::Wait(arrival.due);
        }
        self.next += self.share.of;
        if now > self.duration + LATEST_START {
            Decision::Drop(DropReason::PacerLate)
        } else if vus.idle == 0 {
            Decision::Drop(DropReason::NoIdleVu)
        } else {
            Decision::Start(arrival)
        }
    }

    fn overdue(&self, now: Elapsed) -> u64 {
        let last = now.min(self.duration);
        if self.due(self.next) > last {
            return 0;
        }
        let due_in_all = (last.as_nanos() as f64 / self.period).floor() as u64 + 1;
        due_in_all.saturating_sub(self.next).div_ceil(self.share.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn executor(rate: f64, time_unit_secs: u64, secs: u64) -> ConstantArrivalRate {
        ConstantArrivalRate {
            rate,
            time_unit: Duration::from_secs(time_unit_secs),
            duration: Duration::from_secs(secs),
            pre_allocated_vus: 1,
            max_vus: 1,
        }
    }

    fn millis(millis: u64) -> Elapsed {
        Duration::from_millis(millis).into()
    }

    /// Runs a share with a user always idle, jumping from wait to wait.
    fn due_times(executor: &ConstantArrivalRate, share: Share) -> Vec<(u64, Elapsed)> {
        let (mut schedule, mut now, mut starts) = (executor.share(share), Elapsed::ZERO, Vec::new());
        loop {
            match schedule.next(now, Vus { idle: 1 }) {
                Decision::Start(arrival) => starts.push((arrival.index, arrival.due)),
                Decision::Wait(until) => now = until,
                Decision::Drop(reason) => panic!("dropped: {reason:?}"),
                Decision::Done => return starts,
            }
        }
    }

    #[test]
    fn counts_are_those_of_k6() {
        // The first was seen in a run of k6 1.1: 50/s for 8 s is 401 iterations.
        for (rate, unit, secs, expected) in [
            (50.0, 1, 8, 401),
            (3.0, 1, 10, 31),
            (1.0, 2, 10, 6),
            (0.5, 1, 10, 6),
            (7.0, 3, 9, 22),
            (1000.0, 60, 6, 101),
        ] {
            let starts = due_times(&executor(rate, unit, secs), Share::WHOLE);
            assert_eq!(starts.len(), expected, "{rate} per {unit} s for {secs} s");
        }
    }

    #[test]
    fn the_union_of_all_shares_is_exactly_the_whole() {
        let executor = executor(333.0, 1, 2);
        let whole = due_times(&executor, Share::WHOLE);
        for of in [2, 3, 7] {
            let mut union: Vec<_> =
                (0..of).flat_map(|index| due_times(&executor, Share { index, of })).collect();
            union.sort();
            assert_eq!(union, whole, "{of} shares");
        }
    }

    #[test]
    fn decisions_follow_time_and_idle_users() {
        let mut schedule = executor(10.0, 1, 1).share(Share::WHOLE);
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
            assert_eq!(schedule.next(millis(now), Vus { idle }), expected, "at {now} ms with {idle} idle");
        }
    }

    #[test]
    fn an_abort_leaves_what_was_due_and_not_started() {
        let executor = executor(10.0, 1, 1);
        let mut schedule = executor.share(Share::WHOLE);
        assert_eq!(schedule.overdue(millis(250)), 3);
        schedule.next(millis(250), Vus { idle: 1 });
        assert_eq!(schedule.overdue(millis(250)), 2);
        assert_eq!(schedule.overdue(millis(5000)), 10, "none is due after the end");
        let halves: u64 =
            (0..2).map(|index| executor.share(Share { index, of: 2 }).overdue(millis(250))).sum();
        assert_eq!(halves, 3);
    }

    #[test]
    fn due_times_do_not_drift() {
        let starts = due_times(&executor(3.0, 1, 3600), Share::WHOLE);
        let (index, due) = starts[starts.len() - 1];
        assert_eq!((index, due), (10_800, Duration::from_secs(3600).into()));
    }
}
