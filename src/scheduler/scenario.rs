//! One scenario on one worker: its users, its share of the schedule, its graceful stop.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::pacer::{Pacer, Timing};
use super::pool::{Pool, Seat};
use crate::data::Spent;
use crate::executor::{Arrival, Decision, DropReason, Model, Schedule, Share, Vus};
use crate::flow::{Ended, Vu, Worker};
use crate::plan::Scenario;
use crate::time::Elapsed;

/// How many arrivals start or are dropped at once when the pacer has to catch up. In between users that
/// are done come back, with their connections: making new ones instead would make it later still. A
/// rate that nothing can keep up with never waits, so that ticks and an abort come by here too.
const BURST: u32 = 32;

/// Hands an arrival to another worker, which has an idle user reserved for it. Whether it was taken: a
/// worker that has ended takes none.
pub(super) type HandOver = Box<dyn Fn(usize, Arrival) -> bool>;

pub(super) struct LocalScenario {
    scenario: Arc<Scenario>,
    worker: Rc<Worker>,
    pool: Arc<Pool>,
    share: Share,
    timing: Timing,
    vu_numbers: Arc<AtomicU64>,
    hand_over: HandOver,
    schedule: RefCell<Box<dyn Schedule>>,
    idle: RefCell<Vec<Vu>>,
    tasks: RefCell<JoinSet<()>>,
    /// Rung whenever an iteration ends.
    ended: Notify,
    /// When iterations may start, if the scenario was reached.
    begun: std::cell::Cell<Option<Elapsed>>,
}

impl LocalScenario {
    pub(super) fn new(
        scenario: Arc<Scenario>,
        worker: Rc<Worker>,
        pool: Arc<Pool>,
        share: Share,
        timing: Timing,
        vu_numbers: Arc<AtomicU64>,
        hand_over: HandOver,
    ) -> Rc<Self> {
        let schedule = RefCell::new(scenario.executor.share(share));
        let (idle, tasks, ended) = (RefCell::default(), RefCell::default(), Notify::new());
        let begun = std::cell::Cell::new(None);
        Rc::new(LocalScenario {
            scenario,
            worker,
            pool,
            share,
            timing,
            vu_numbers,
            hand_over,
            schedule,
            idle,
            tasks,
            ended,
            begun,
        })
    }

    /// From the scenario's start time to the end of its graceful stop.
    pub(super) async fn run(self: Rc<Self>) {
        let start = self.scenario.start_time;
        let mut pacer = self.pacer();
        pacer.until(start).await;
        self.begun.set(Some(start));
        match self.scenario.executor.model() {
            Model::Closed { vus } => self.start_users(vus),
            Model::Open { pre_allocated_vus, .. } => {
                self.allocate_users(pre_allocated_vus);
                self.pace(&mut pacer, start).await;
            }
        }
        let end = start + Duration::from(self.scenario.executor.duration());
        tokio::select! {
            () = pacer.until(end) => {}
            () = self.pool.early_end() => {}
        }
        self.pool.schedule_done();
        let deadline = self.worker.clock.now().min(end) + self.scenario.graceful_stop;
        tokio::select! {
            () = self.drained() => {}
            () = pacer.until(deadline) => {}
        }
        self.cut_off().await;
    }

    /// What an abort leaves undone is counted: arrivals that were due, iterations that were running.
    pub(super) async fn abort(&self) {
        if let Some(begun) = self.begun.get().filter(|_| !self.pool.ended_early()) {
            let since_start = Elapsed::from(self.worker.clock.now().since(begun));
            let overdue = self.schedule.borrow().overdue(since_start);
            self.drop_arrivals(DropReason::Aborted, overdue);
        }
        self.cut_off().await;
    }

    /// Starts an arrival for which another worker has reserved one of our idle users.
    pub(super) fn start_reserved(self: &Rc<Self>, arrival: Arrival) {
        let user = self.idle.borrow_mut().pop();
        match user {
            Some(vu) => self.start(vu, arrival),
            // Handed over in the moment in which the graceful stop ended here.
            None => self.interrupt_reserved(),
        }
    }

    /// An arrival that has reserved a user and will not find it any more.
    pub(super) fn interrupt_reserved(&self) {
        self.worker.shard.borrow_mut().count(self.scenario.series.interrupted, 1);
        self.pool.release();
    }

    fn pacer(&self) -> Pacer {
        let arrivals = Duration::from_nanos(self.scenario.mean_period_nanos.saturating_mul(self.share.of));
        Pacer::new(self.worker.clock, self.timing, arrivals)
    }

    async fn pace(self: &Rc<Self>, pacer: &mut Pacer, start: Elapsed) {
        let mut burst = 0;
        while !self.pool.ended_early() {
            let now = Elapsed::from(self.worker.clock.now().since(start));
            let decision = self.schedule.borrow_mut().next(now, Vus { idle: self.pool.available() });
            match decision {
                Decision::Start(arrival) => {
                    let due = start + Duration::from(arrival.due);
                    self.dispatch(Arrival { due, ..arrival });
                }
                // The scenario is over: all that is left is as late, and may be too much to drop one by one.
                Decision::Drop(DropReason::PacerLate) => {
                    let left = self.schedule.borrow().overdue(now);
                    return self.drop_arrivals(DropReason::PacerLate, 1 + left);
                }
                Decision::Drop(reason) => self.drop_arrivals(reason, 1),
                Decision::Wait(until) => {
                    self.reap();
                    burst = 0;
                    tokio::select! {
                        () = pacer.until(start + Duration::from(until)) => {}
                        () = self.pool.early_end() => {}
                    }
                    continue;
                }
                Decision::Done => return,
            }
            burst += 1;
            if burst == BURST {
                burst = 0;
                self.reap();
                tokio::task::yield_now().await;
            }
        }
    }

    fn dispatch(self: &Rc<Self>, arrival: Arrival) {
        let home = self.share.index as usize;
        match self.pool.reserve(home) {
            Some(Seat::Idle { worker }) if worker == home => self.start_reserved(arrival),
            Some(Seat::Idle { worker }) => {
                if !(self.hand_over)(worker, arrival) {
                    self.interrupt_reserved();
                }
            }
            Some(Seat::New) => self.start(self.new_user(), arrival),
            // Another worker took the last one in between.
            None => self.drop_arrivals(DropReason::NoIdleVu, 1),
        }
    }

    fn drop_arrivals(&self, reason: DropReason, how_many: u64) {
        self.worker.shard.borrow_mut().count(self.scenario.series.dropped(reason), how_many);
    }

    fn new_user(&self) -> Vu {
        let id = self.vu_numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let (name, series) = (Arc::clone(&self.scenario.name), self.scenario.series);
        Vu::new(id, name, series, Rc::clone(&self.worker))
    }

    fn allocate_users(&self, of_all: u64) {
        for _ in 0..self.share.of_total(of_all) {
            // Another worker may have grown the pool first.
            if self.pool.allocate() {
                let vu = self.new_user();
                self.idle.borrow_mut().push(vu);
                self.pool.offer(self.share.index as usize);
            }
        }
    }

    /// Open model: one iteration, after which the user is idle again.
    fn start(self: &Rc<Self>, mut vu: Vu, arrival: Arrival) {
        let local = Rc::clone(self);
        // From here on the arrival is an iteration, even if it is cut off before its task is polled.
        let mut busy = Busy { local: Rc::clone(self), iterating: true };
        self.tasks.borrow_mut().spawn_local(async move {
            local.iterate(&mut vu, &mut busy, Some(arrival.due)).await;
            local.idle.borrow_mut().push(vu);
            drop(busy);
            local.pool.offer(local.share.index as usize);
        });
    }

    /// Closed model: each user iterates until its executor says that it is done.
    fn start_users(self: &Rc<Self>, of_all: u64) {
        for _ in 0..self.share.of_total(of_all) {
            self.pool.allocate();
            self.pool.occupy();
            let mut busy = Busy { local: Rc::clone(self), iterating: false };
            let (local, mut vu) = (Rc::clone(self), self.new_user());
            self.tasks.borrow_mut().spawn_local(async move {
                while local.may_start() {
                    local.iterate(&mut vu, &mut busy, None).await;
                    // An iteration without a wait must not keep the worker from its other users.
                    tokio::task::coop::consume_budget().await;
                }
                drop(busy);
            });
        }
    }

    fn may_start(&self) -> bool {
        let now = Elapsed::from(self.worker.clock.now().since(self.scenario.start_time));
        !self.pool.ended_early()
            && matches!(self.schedule.borrow_mut().next(now, Vus { idle: 1 }), Decision::Start(_))
    }

    async fn iterate(&self, vu: &mut Vu, busy: &mut Busy, due: Option<Elapsed>) {
        let series = &self.scenario.series;
        busy.iterating = false;
        let data = match self.scenario.feed.take() {
            Ok(data) => data,
            Err(spent) => return self.end_for_want_of(&spent),
        };
        let started = self.worker.clock.now();
        if let Some(due) = due {
            self.worker.shard.borrow_mut().time(series.lag, started.since(due));
        }
        busy.iterating = true;
        vu.begin_iteration(due);
        vu.give_rows(data);
        if let Err(Ended::Error(why)) = self.scenario.flow.run(vu).await {
            vu.note(&format!("an iteration of `{}` ended early: {why}", self.scenario.name));
            self.worker.shard.borrow_mut().count(series.errors, 1);
        }
        vu.iteration += 1;
        busy.iterating = false;
        let finished = self.worker.clock.now();
        let mut shard = self.worker.shard.borrow_mut();
        shard.count(series.iterations, 1);
        shard.time(series.duration, finished.since(started));
        shard.time(series.response_time, finished.since(due.unwrap_or(started)));
    }

    /// No iteration of the scenario begins any more, on whatever worker.
    fn end_for_want_of(&self, spent: &Spent) {
        if self.pool.end_early() {
            let what = format!("`{}` began no further iteration: {spent}", self.scenario.name);
            self.worker.shard.borrow_mut().note(&what);
        }
    }

    fn reap(&self) {
        while let Some(ended) = self.tasks.borrow_mut().try_join_next() {
            self.pool.task_ended(ended);
        }
    }

    /// All shares of the schedule are done, and no iteration runs anywhere.
    async fn drained(&self) {
        loop {
            self.reap();
            // Not only ours: what another worker has reserved here may still be on its way.
            if self.pool.state().done {
                return;
            }
            // Nobody rings for the iterations of other workers.
            let _ = tokio::time::timeout(Duration::from_millis(10), self.ended.notified()).await;
        }
    }

    /// Ends what still runs. Dropping an iteration counts it as interrupted. An abort may drop this
    /// half-way and call it again, so the tasks stay where they are until they have ended.
    async fn cut_off(&self) {
        self.tasks.borrow_mut().abort_all();
        while let Some(ended) = poll_fn(|cx| self.tasks.borrow_mut().poll_join_next(cx)).await {
            self.pool.task_ended(ended);
        }
        self.idle.borrow_mut().clear();
    }
}

/// A user that counts as busy for as long as this lives.
struct Busy {
    local: Rc<LocalScenario>,
    /// Whether an iteration has begun and is not complete: dropped now, it is interrupted.
    iterating: bool,
}

impl Drop for Busy {
    fn drop(&mut self) {
        if self.iterating {
            self.local.worker.shard.borrow_mut().count(self.local.scenario.series.interrupted, 1);
        }
        self.local.pool.release();
        self.local.ended.notify_one();
    }
}
