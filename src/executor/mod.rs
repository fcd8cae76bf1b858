//! When iterations start. Pure: an executor is asked with the time and the pool, and answers; it
//! holds no clock and cannot wait. Names, defaults and semantics are k6's
//! (<https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/>).

mod constant_arrival_rate;
mod constant_vus;

use std::fmt::Debug;

pub use constant_arrival_rate::ConstantArrivalRate;
pub use constant_vus::ConstantVus;

use crate::time::Elapsed;

/// One kind of load. Times are relative to the scenario's start.
pub trait Executor: Debug + Send + Sync {
    fn model(&self) -> Model;

    /// When the last iteration may start.
    fn duration(&self) -> Elapsed;

    /// One share of the schedule: of N shares each arrival belongs to exactly one.
    fn share(&self, share: Share) -> Box<dyn Schedule>;

    /// For people: `1000 looping VUs for 300s`.
    fn describe(&self) -> String;
}

/// The running part of an executor: a function of time, asked again and again.
pub trait Schedule: Debug {
    /// What is to be done at `now`; times never go back. After `Start` and `Drop` it is asked again at once.
    fn next(&mut self, now: Elapsed, vus: Vus) -> Decision;

    /// How many arrivals were due by `now` and have been neither started nor dropped: what an
    /// abort at `now` leaves undone.
    fn overdue(&self, now: Elapsed) -> u64;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// A user starts the next iteration when the last one is done.
    Closed { vus: u64 },
    /// Iterations start when they are due, whether or not the target keeps up.
    Open { pre_allocated_vus: u64, max_vus: u64 },
}

/// Part `index` of `of` equal parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub index: u64,
    pub of: u64,
}

/// What the pool holds when an executor is asked.
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

/// An iteration that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its number over all shares, from 0.
    pub index: u64,
    pub due: Elapsed,
}

/// Why an iteration that was due never started; the label `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// All users were busy and no further one was allowed.
    NoIdleVu,
    /// The generator woke up too late: the scenario was already over.
    PacerLate,
    /// The run was aborted.
    Aborted,
}

impl DropReason {
    pub const ALL: [DropReason; 3] = [DropReason::NoIdleVu, DropReason::PacerLate, DropReason::Aborted];

    pub fn label(self) -> &'static str {
        match self {
            DropReason::NoIdleVu => "no_idle_vu",
            DropReason::PacerLate => "pacer_late",
            DropReason::Aborted => "aborted",
        }
    }
}

impl Model {
    pub fn max_vus(self) -> u64 {
        match self {
            Model::Closed { vus } => vus,
            Model::Open { max_vus, .. } => max_vus,
        }
    }

    pub fn allocated_at_start(self) -> u64 {
        match self {
            Model::Closed { vus } => vus,
            Model::Open { pre_allocated_vus, .. } => pre_allocated_vus,
        }
    }
}

impl Share {
    pub const WHOLE: Share = Share { index: 0, of: 1 };

    /// How many of `total` things, numbered from 0 and dealt out in turn, fall to this share.
    pub fn of_total(self, total: u64) -> u64 {
        (total + self.of - 1 - self.index) / self.of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_total_add_up_to_the_total() {
        for of in 1..9 {
            for total in 0..50 {
                let sum: u64 = (0..of).map(|index| Share { index, of }.of_total(total)).sum();
                assert_eq!(sum, total, "{total} in {of} shares");
            }
        }
    }
}
