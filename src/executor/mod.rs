//! When iterations start. Pure: an executor is asked with the time and the pool, and answers; it
//! holds no clock and cannot wait. Names, defaults and semantics are k6's
//! (<https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/>).
//!
//! An executor is of one of two models. In the open one ([`Open`]) iterations start when they are
//! due ([`Arrivals`]), in the closed one ([`Closed`]) each user starts its next iteration when the
//! last is done ([`User`]). A new executor is one file here, one line in `config/executor.rs` and
//! one in `plan/scenario.rs`.

mod arrivals;
mod burst;
mod constant_arrival_rate;
mod constant_vus;
mod per_vu_iterations;
mod ramping_arrival_rate;
mod ramping_vus;
mod scaled_arrival_rate;
mod segment;
mod shared_iterations;
mod user;

use std::fmt::Debug;
use std::time::Duration;

pub use arrivals::{Arrivals, Decision, Vus};
pub use burst::Burst;
pub use constant_arrival_rate::ConstantArrivalRate;
pub use constant_vus::ConstantVus;
pub use per_vu_iterations::PerVuIterations;
pub use ramping_arrival_rate::RampingArrivalRate;
pub use ramping_vus::RampingVus;
pub use segment::{Segment, SegmentError};
pub use shared_iterations::SharedIterations;
pub use user::{Turn, User, Window};

use crate::time::Elapsed;

/// What a constant executor is changed to while it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScaleTo {
    /// Of `constant-vus`, over all machines.
    Vus(u64),
    /// Of `constant-arrival-rate`: iterations per `time_unit` of the plan, over all machines.
    Rate(f64),
}

/// One kind of load. Times are relative to the scenario's start.
pub trait Executor: Debug + Send + Sync {
    fn model(&self) -> Model<'_>;

    /// After it no iteration starts.
    fn duration(&self) -> Elapsed;

    /// What falls to one machine of several; the parts of all segments of a sequence are exactly the whole.
    fn part(&self, segment: &Segment) -> Box<dyn Executor>;

    /// For people, in k6's words: `1000 looping VUs for 5m`.
    fn describe(&self) -> String;

    /// Whether it has one number for all of its time, which can be another from some moment on.
    fn is_constant(&self) -> bool {
        false
    }

    /// The same with another number from `at` on.
    ///
    /// # Errors
    /// When it has no such number, or the number is none that it can have; for people.
    fn scaled(&self, _to: ScaleTo, _at: Elapsed) -> Result<Box<dyn Executor>, String> {
        Err("only a constant-vus or constant-arrival-rate scenario can be".to_owned())
    }

    /// The most iterations a second that are due, of this machine's; 0 where users iterate on their own.
    fn arrivals_per_sec(&self) -> f64 {
        0.0
    }

    /// What k6 puts behind that in brackets: `maxVUs: 5-50`.
    fn fact(&self) -> Option<String> {
        None
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Model<'a> {
    /// A user starts the next iteration when the last one is done.
    Closed(&'a dyn Closed),
    /// Iterations start when they are due, whether or not the target keeps up.
    Open(&'a dyn Open),
}

/// Users who iterate on their own.
pub trait Closed: Debug {
    /// The most users at a time; they are numbered from 0.
    fn vus(&self) -> u64;

    /// When a user iterates, in the order of time.
    fn windows(&self, user: u64) -> Vec<Window>;

    /// How many iterations there are in all.
    fn iterations(&self) -> Iterations {
        Iterations::Unlimited
    }
}

/// Iterations that come from outside, for whichever user is idle.
pub trait Open: Debug {
    fn pre_allocated_vus(&self) -> u64;

    fn max_vus(&self) -> u64;

    /// The iteration number `nth`, from 0, of this machine's; `None` when there are not as many. A function of
    /// its number, never accumulated, and never before the one with the number before.
    fn arrival(&self, nth: u64) -> Option<Arrival>;
}

/// A limit on the iterations of a closed model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Iterations {
    Unlimited,
    /// As many for all users together, for whoever comes first.
    Shared(u64),
    PerVu(u64),
}

/// Part `index` of `of` equal parts: what falls to one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub index: u64,
    pub of: u64,
}

/// An iteration that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its number over all shares and segments, from 0.
    pub index: u64,
    pub due: Elapsed,
}

/// A line from where the stage before ended to `target`: a number of users, or a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage<T> {
    /// Zero is a jump.
    pub duration: Duration,
    pub target: T,
}

/// Why an iteration that was asked for never started; the label `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// All users were busy when it was due, and no further one was allowed.
    NoIdleVu,
    /// Of a number of iterations: `max_duration` was over before a user came to it.
    MaxDuration,
    /// The generator woke up too late: the scenario was already over.
    PacerLate,
    /// The run was aborted.
    Aborted,
}

impl DropReason {
    pub const ALL: [DropReason; 4] =
        [DropReason::NoIdleVu, DropReason::MaxDuration, DropReason::PacerLate, DropReason::Aborted];

    pub fn label(self) -> &'static str {
        match self {
            DropReason::NoIdleVu => "no_idle_vu",
            DropReason::MaxDuration => "max_duration",
            DropReason::PacerLate => "pacer_late",
            DropReason::Aborted => "aborted",
        }
    }
}

impl Model<'_> {
    pub fn max_vus(self) -> u64 {
        match self {
            Model::Closed(closed) => closed.vus(),
            Model::Open(open) => open.max_vus(),
        }
    }

    pub fn allocated_at_start(self) -> u64 {
        match self {
            Model::Closed(closed) => closed.vus(),
            Model::Open(open) => open.pre_allocated_vus(),
        }
    }

    /// Of all users together; `None` where only time is a limit.
    pub fn iterations(self) -> Option<u64> {
        let Model::Closed(closed) = self else { return None };
        match closed.iterations() {
            Iterations::Unlimited => None,
            Iterations::Shared(iterations) => Some(iterations),
            Iterations::PerVu(iterations) => Some(iterations.saturating_mul(closed.vus())),
        }
    }
}

impl Share {
    pub const WHOLE: Share = Share { index: 0, of: 1 };

    /// How many of `total` things, numbered from 0 and dealt out in turn, fall to this share.
    pub fn of_total(self, total: u64) -> u64 {
        (total + self.of - 1 - self.index) / self.of
    }

    /// The number among all of the `nth` thing of this share.
    pub fn nth(self, nth: u64) -> u64 {
        nth.saturating_mul(self.of).saturating_add(self.index)
    }
}

fn planned<T>(stages: &[Stage<T>]) -> Duration {
    stages.iter().map(|stage| stage.duration).sum()
}

/// k6's `maxVUs: 5-50`.
fn vus_range(open: &dyn Open) -> String {
    match (open.pre_allocated_vus(), open.max_vus()) {
        (pre_allocated, max) if pre_allocated == max => format!("maxVUs: {max}"),
        (pre_allocated, max) => format!("maxVUs: {pre_allocated}-{max}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn executors() -> impl Strategy<Value = Box<dyn Executor>> {
        let seconds = |most: u64| (1..most).prop_map(Duration::from_secs);
        let stages = || prop::collection::vec((0_u64..10, 0_u64..60), 1..6);
        let stage = |(secs, target)| Stage { duration: Duration::from_secs(secs), target };
        prop_oneof![
            (1_u64..60, seconds(9)).prop_map(|(vus, duration)| Box::new(ConstantVus { vus, duration }) as _),
            (1_u64..60, 0_u64..500, seconds(9)).prop_map(|(vus, more, max_duration)| {
                Box::new(SharedIterations { vus, iterations: vus + more, max_duration }) as _
            }),
            (1_u64..60, 1_u64..20, seconds(9)).prop_map(|(vus, iterations, max_duration)| {
                Box::new(PerVuIterations { vus, iterations, max_duration }) as _
            }),
            (0_u64..60, stages()).prop_map(move |(start_vus, stages)| {
                let stages = stages.into_iter().map(stage).collect();
                let (graceful_ramp_down, segment) = (Duration::from_secs(3), Segment::WHOLE);
                Box::new(RampingVus { start_vus, stages, graceful_ramp_down, segment }) as _
            }),
            (1_u64..60, seconds(9), 1_u64..30).prop_map(move |(rate, duration, max_vus)| {
                Box::new(ConstantArrivalRate {
                    rate: rate as f64,
                    time_unit: Duration::from_secs(1),
                    duration,
                    burst: None,
                    pre_allocated_vus: max_vus / 2,
                    max_vus,
                    segment: Segment::WHOLE,
                }) as _
            }),
            (0_u64..60, stages(), 1_u64..30).prop_map(move |(start, stages, max_vus)| {
                let rate =
                    |stage: Stage<u64>| Stage { duration: stage.duration, target: stage.target as f64 };
                let stages: Vec<_> = stages.into_iter().map(stage).map(rate).collect();
                let second = Duration::from_secs(1);
                Box::new(RampingArrivalRate::new(start as f64, second, &stages, max_vus / 2, max_vus)) as _
            }),
        ]
    }

    /// Everything an executor asks for, in an order of its own: when users are wanted, when iterations are due.
    fn everything(executor: &dyn Executor) -> Vec<(Elapsed, Elapsed, Option<u64>)> {
        let mut all: Vec<_> = match executor.model() {
            Model::Closed(closed) => (0..closed.vus())
                .flat_map(|user| closed.windows(user))
                .map(|window| (window.from, window.until, window.cut_off.map(Elapsed::as_nanos)))
                .collect(),
            Model::Open(open) => (0..)
                .map_while(|nth| open.arrival(nth))
                .map(|arrival| (arrival.due, arrival.due, Some(arrival.index)))
                .collect(),
        };
        all.sort_unstable();
        all
    }

    proptest! {
        /// Users, iterations, arrivals: nothing is done twice, and nothing by nobody.
        #[test]
        fn the_parts_of_all_machines_are_exactly_the_whole(
            executor in executors(),
            lengths in prop::collection::vec(1_u64..9, 1..6),
        ) {
            let points: Vec<u64> =
                lengths.iter().scan(0, |sum, length| { *sum += length; Some(*sum) }).collect();
            let whole = points[points.len() - 1];
            let ends: Vec<String> = points.iter().map(|point| format!("{point}/{whole}")).collect();
            let sequence = format!("0,{}", ends.join(","));
            let froms = std::iter::once("0").chain(ends.iter().map(String::as_str));
            let parts: Vec<Box<dyn Executor>> = froms
                .zip(&ends)
                .map(|(from, to)| Segment::parse(&format!("{from}:{to}"), Some(&sequence)).unwrap())
                .map(|segment| executor.part(&segment))
                .collect();
            let sum = |of: fn(Model<'_>) -> u64| parts.iter().map(|part| of(part.model())).sum::<u64>();
            prop_assert_eq!(sum(|model| model.max_vus()), executor.model().max_vus());
            prop_assert_eq!(sum(|model| model.allocated_at_start()), executor.model().allocated_at_start());
            let iterations = |model: Model<'_>| model.iterations().unwrap_or(0);
            prop_assert_eq!(sum(iterations), iterations(executor.model()));
            let mut union: Vec<_> = parts.iter().flat_map(|part| everything(&**part)).collect();
            union.sort_unstable();
            prop_assert_eq!(union, everything(&*executor));
            for part in &parts {
                prop_assert_eq!(part.duration(), executor.duration());
                let idle = part.model().max_vus() == 0;
                prop_assert!(!idle || everything(&**part).is_empty(), "a machine without users has nothing to do");
            }
        }
    }

    #[test]
    fn shares_of_a_total_add_up_to_the_total() {
        for of in 1..9 {
            for total in 0..50 {
                let shares = (0..of).map(|index| Share { index, of });
                let sum: u64 = shares.clone().map(|share| share.of_total(total)).sum();
                assert_eq!(sum, total, "{total} in {of} shares");
                let mut numbers: Vec<u64> = shares
                    .flat_map(|share| (0..share.of_total(total)).map(move |nth| share.nth(nth)))
                    .collect();
                numbers.sort_unstable();
                assert!(numbers.into_iter().eq(0..total), "{total} in {of} shares");
            }
        }
    }
}
