//! The users of a scenario over all workers, as counts that any worker may read and reserve.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};

use tokio_util::sync::CancellationToken;

use crate::executor::Model;
use crate::time::Elapsed;

/// A user that has been reserved for an arrival, and the worker it lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seat {
    Idle {
        worker: usize,
    },
    /// Still to be made, on the worker that asked.
    New,
}

/// Idle users can be reserved from any worker; the users themselves never move. Between the
/// reservation and the start the worker is bound to have one, so a hand-over cannot fail.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Box<[AtomicU64]>,
    allocated: AtomicU64,
    /// Those that are made when the scenario begins.
    pre_allocated: AtomicU64,
    max: AtomicU64,
    busy: AtomicU64,
    /// Iterations that were taken, where their number is limited.
    taken: AtomicU64,
    /// Workers whose share of the schedule is not yet done.
    schedules_left: AtomicUsize,
    panics: AtomicU64,
    begun: OnceLock<Elapsed>,
    /// Workers that have not yet ended their part of the scenario.
    workers_left: AtomicUsize,
    ended: OnceLock<Elapsed>,
    /// Rings when the last worker has.
    over: CancellationToken,
    /// Cancelled when the scenario begins no further iteration although its time is not over.
    early_end: CancellationToken,
    early_end_said: AtomicBool,
}

/// A scenario's users now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolState {
    pub busy: u64,
    /// As in k6 those that will be made when the scenario begins count from the start of the run.
    pub allocated: u64,
    pub max: u64,
    /// No iteration will start any more, and none is running.
    pub done: bool,
    /// Tasks of ours that panicked: none, or there is a mistake in this program.
    pub panics: u64,
    /// It has ended, or begins no iteration any more before its time.
    pub is_over: bool,
    /// When its iterations could begin, in load time.
    pub begun: Option<Elapsed>,
    /// When its last worker had ended, graceful stop included, in load time.
    pub ended: Option<Elapsed>,
}

impl Pool {
    pub(super) fn new(workers: usize, model: Model<'_>) -> Self {
        Pool {
            idle: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            allocated: AtomicU64::new(0),
            pre_allocated: AtomicU64::new(model.allocated_at_start()),
            max: AtomicU64::new(model.max_vus()),
            busy: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            schedules_left: AtomicUsize::new(workers),
            panics: AtomicU64::new(0),
            begun: OnceLock::new(),
            workers_left: AtomicUsize::new(workers),
            ended: OnceLock::new(),
            over: CancellationToken::new(),
            early_end: CancellationToken::new(),
            early_end_said: AtomicBool::new(false),
        }
    }

    pub(super) fn state(&self) -> PoolState {
        let busy = self.busy.load(SeqCst);
        PoolState {
            busy,
            allocated: self.allocated.load(SeqCst).max(self.pre_allocated.load(SeqCst)),
            max: self.max.load(SeqCst),
            done: self.all_scheduled() && busy == 0,
            panics: self.panics.load(SeqCst),
            is_over: self.ended_early() || self.ended.get().is_some(),
            begun: self.begun.get().copied(),
            ended: self.ended.get().copied(),
        }
    }

    /// All workers begin at one moment, and say so.
    pub(super) fn begin(&self, start: Elapsed) {
        let _said_by_another = self.begun.set(start);
    }

    /// The part of one worker is over, graceful stop included; of the last one it is the scenario's end.
    pub(super) fn worker_ended(&self, now: Elapsed) {
        if self.workers_left.fetch_sub(1, SeqCst) == 1 {
            let _only_once = self.ended.set(now);
            self.over.cancel();
        }
    }

    /// Waits for the scenario's end, which is one moment for all who wait.
    pub(super) async fn end(&self) -> Elapsed {
        self.over.cancelled().await;
        self.ended.get().copied().unwrap_or_default()
    }

    /// Users that could start an iteration now, on whatever worker; those not yet made included.
    pub(super) fn available(&self) -> u64 {
        let idle: u64 = self.idle.iter().map(|count| count.load(SeqCst)).sum();
        idle + self.max.load(SeqCst).saturating_sub(self.allocated.load(SeqCst))
    }

    /// Reserves a user: at home, else elsewhere, else a new one. `None` only when every user of the
    /// scenario is busy and no further one is allowed. The seat counts as busy from here on.
    pub(super) fn reserve(&self, home: usize) -> Option<Seat> {
        let workers = self.idle.len();
        let seat = (0..workers)
            .map(|distance| (home + distance) % workers)
            .find(|worker| decrement(&self.idle[*worker]))
            .map(|worker| Seat::Idle { worker })
            .or_else(|| self.allocate().then_some(Seat::New))?;
        self.busy.fetch_add(1, SeqCst);
        Some(seat)
    }

    /// Takes one of the users that may still be made.
    pub(super) fn allocate(&self) -> bool {
        let max = self.max.load(SeqCst);
        let room = |allocated| (allocated < max).then_some(allocated + 1);
        self.allocated.fetch_update(SeqCst, SeqCst, room).is_ok()
    }

    /// Other numbers of users from now on.
    pub(super) fn rescale(&self, model: Model<'_>) {
        self.max.store(model.max_vus(), SeqCst);
        self.pre_allocated.store(model.allocated_at_start(), SeqCst);
    }

    /// A user is there no more.
    pub(super) fn dismiss(&self) {
        decrement(&self.allocated);
    }

    /// A user that waits for an arrival. Only after it is really there.
    pub(super) fn offer(&self, worker: usize) {
        self.idle[worker].fetch_add(1, SeqCst);
    }

    /// Takes one of `limit` iterations of all workers together, unless all are taken.
    pub(super) fn take(&self, limit: u64) -> bool {
        let next = |taken| (taken < limit).then_some(taken + 1);
        self.taken.fetch_update(SeqCst, SeqCst, next).is_ok()
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken.load(SeqCst)
    }

    pub(super) fn occupy(&self) {
        self.busy.fetch_add(1, SeqCst);
    }

    pub(super) fn release(&self) {
        self.busy.fetch_sub(1, SeqCst);
    }

    /// Notes how a task ended: a panic must not look like an iteration that was merely interrupted.
    pub(super) fn task_ended(&self, ended: Result<(), tokio::task::JoinError>) {
        if ended.is_err_and(|error| error.is_panic()) {
            self.panics.fetch_add(1, SeqCst);
        }
    }

    /// Ends the scenario before its time; whether this was the first to say so.
    pub(super) fn end_early(&self) -> bool {
        let first = !self.early_end_said.swap(true, SeqCst);
        self.early_end.cancel();
        first
    }

    pub(super) fn ended_early(&self) -> bool {
        self.early_end.is_cancelled()
    }

    pub(super) async fn early_end(&self) {
        self.early_end.cancelled().await;
    }

    /// Whether this worker was the last.
    pub(super) fn schedule_done(&self) -> bool {
        self.schedules_left.fetch_sub(1, SeqCst) == 1
    }

    pub(super) fn all_scheduled(&self) -> bool {
        self.schedules_left.load(SeqCst) == 0
    }
}

fn decrement(count: &AtomicU64) -> bool {
    count.fetch_update(SeqCst, SeqCst, |count| count.checked_sub(1)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::executor::{ConstantVus, Executor};

    #[test]
    fn an_arrival_finds_any_idle_user_before_a_new_one_is_made() {
        let executor = ConstantVus { vus: 4, duration: Duration::ZERO };
        let pool = Pool::new(3, executor.model());
        for worker in [0, 2, 2] {
            assert!(pool.allocate());
            pool.offer(worker);
        }
        let seats: Vec<_> = (0..5).map(|_| pool.reserve(1)).collect();
        let idle = |worker| Some(Seat::Idle { worker });
        assert_eq!(seats, [idle(2), idle(2), idle(0), Some(Seat::New), None]);
        assert_eq!((pool.available(), pool.state().busy), (0, 4));
        pool.release();
        pool.offer(2);
        assert_eq!(pool.reserve(0), idle(2));
    }
}
