//! One scenario on one worker: its users, its share of the schedule, its graceful stop.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::numbers::VuNumbers;
use super::pacer::{Pacer, Timing};
use super::pool::Pool;
use super::steering::Steering;
use crate::data::Spent;
use crate::executor::{Arrival, Arrivals, DropReason, Executor, Model, Share};
use crate::flow::{Ended, Vu, Worker};
use crate::ids::ScenarioId;
use crate::plan::Scenario;
use crate::time::Elapsed;

/// Hands an arrival to another worker, which has an idle user reserved for it. Whether it was taken: a
/// worker that has ended takes none.
pub(super) type HandOver = Box<dyn Fn(usize, Arrival) -> bool>;

pub(super) struct LocalScenario {
    pub(super) scenario: Arc<Scenario>,
    pub(super) worker: Rc<Worker>,
    pub(super) steering: Rc<Steering>,
    /// The scenario's, until it is scaled.
    pub(super) executor: RefCell<Arc<dyn Executor>>,
    /// Users with this number and above go when their iteration is done.
    pub(super) wanted: Cell<u64>,
    /// Users of the closed model that live on this worker, by their numbers.
    pub(super) alive: RefCell<BTreeSet<u64>>,
    pub(super) pool: Arc<Pool>,
    /// Of the scenario whose end this one waits for.
    predecessor: Option<Arc<Pool>>,
    pub(super) share: Share,
    timing: Timing,
    vu_numbers: Arc<VuNumbers>,
    pub(super) hand_over: HandOver,
    /// Of the open model.
    pub(super) arrivals: RefCell<Arrivals>,
    pub(super) idle: RefCell<Vec<Vu>>,
    pub(super) tasks: RefCell<JoinSet<()>>,
    /// Rung whenever a user is no longer at work.
    pub(super) ended: Notify,
    /// When iterations may start, if the scenario was reached.
    begun: Cell<Option<Elapsed>>,
}

/// What all scenarios on a worker have in common.
#[derive(Clone)]
pub(super) struct OnWorker {
    pub(super) worker: Rc<Worker>,
    pub(super) steering: Rc<Steering>,
    pub(super) share: Share,
    pub(super) timing: Timing,
}

impl LocalScenario {
    pub(super) fn new(
        scenario: Arc<Scenario>,
        on: OnWorker,
        pools: &[Arc<Pool>],
        vu_numbers: Arc<VuNumbers>,
        hand_over: HandOver,
    ) -> Rc<Self> {
        let OnWorker { worker, steering, share, timing } = on;
        let arrivals = RefCell::new(Arrivals::new(share, scenario.executor.duration()));
        let (idle, tasks, ended) = (RefCell::default(), RefCell::default(), Notify::new());
        let begun = Cell::new(None);
        let pool = |id: ScenarioId| Arc::clone(&pools[id.index()]);
        let (pool, predecessor) = (pool(scenario.id), scenario.start_after.map(pool));
        let executor = RefCell::new(Arc::clone(&scenario.executor));
        Rc::new(LocalScenario {
            scenario,
            worker,
            steering,
            executor,
            wanted: Cell::new(u64::MAX),
            alive: RefCell::default(),
            pool,
            predecessor,
            share,
            timing,
            vu_numbers,
            hand_over,
            arrivals,
            idle,
            tasks,
            ended,
            begun,
        })
    }

    /// From the scenario's start time to the end of its graceful stop.
    pub(super) async fn run(self: Rc<Self>) {
        let mut pacer = Pacer::new(self.worker.clock, self.timing);
        let start = match &self.predecessor {
            Some(predecessor) => predecessor.end().await + Duration::from(self.scenario.start_time),
            None => self.scenario.start_time,
        };
        self.steering.until(start, &mut pacer).await;
        self.begun.set(Some(start));
        self.pool.begin(start);
        let part = Part(Rc::clone(&self));
        let executor = Arc::clone(&self.executor.borrow());
        let end = start + Duration::from(executor.duration());
        match executor.model() {
            Model::Closed(closed) => {
                self.start_users(closed, start);
                if executor.is_constant() && closed.vus() > 0 {
                    self.expect_users(end);
                }
                tokio::select! {
                    () = self.all_ended() => {}
                    () = self.graceful_stop(&mut pacer, end) => self.cut_off().await,
                }
                if self.pool.schedule_done() {
                    self.drop_never_started();
                }
            }
            Model::Open(open) => {
                self.allocate_users(open.pre_allocated_vus());
                self.pace(&mut pacer, start, end).await;
                self.end_of_schedule(&mut pacer, end).await;
                self.pool.schedule_done();
                tokio::select! {
                    () = async { self.drained().await; self.settled().await } => {}
                    () = self.graceful_stop(&mut pacer, end) => {}
                }
                self.cut_off().await;
            }
        }
        part.end();
    }

    /// Returns when no iteration begins any more: at `end`, or when there is no data for a further one.
    async fn end_of_schedule(&self, pacer: &mut Pacer, end: Elapsed) {
        tokio::select! {
            () = self.steering.until(end, pacer) => {}
            () = self.pool.early_end() => {}
        }
    }

    /// Returns when iterations that began by then have had all of their time to finish.
    async fn graceful_stop(&self, pacer: &mut Pacer, end: Elapsed) {
        self.end_of_schedule(pacer, end).await;
        let ended = self.steering.now().min(end);
        self.steering.until(ended + self.scenario.graceful_stop, pacer).await;
    }

    /// This executor decides from now on.
    pub(super) fn rescale(self: &Rc<Self>, executor: Arc<dyn Executor>) {
        self.executor.replace(Arc::clone(&executor));
        if let (Model::Closed(closed), true) = (executor.model(), executor.is_constant()) {
            self.wanted.set(closed.vus());
            if let Some(begun) = self.begun.get() {
                self.start_users(closed, begun);
            }
        }
        self.steering.wake();
    }

    /// What an abort leaves undone is counted: arrivals that were due, iterations that were running.
    pub(super) async fn abort(&self) {
        if let Some(begun) = self.begun.get().filter(|_| !self.pool.ended_early()) {
            self.abort_arrivals(begun);
        }
        self.cut_off().await;
    }

    pub(super) fn drop_iterations(&self, reason: DropReason, how_many: u64) {
        self.worker.shard.borrow_mut().count(self.scenario.series.dropped(reason), how_many);
    }

    pub(super) fn new_user(&self) -> Vu {
        self.user(self.vu_numbers.next())
    }

    pub(super) fn user(&self, id: u64) -> Vu {
        let (name, vars) = (Arc::clone(&self.scenario.name), self.scenario.vars.clone());
        Vu::new(id, name, vars, self.scenario.series, Rc::clone(&self.worker))
    }

    pub(super) async fn iterate(&self, vu: &mut Vu, busy: &mut Busy, due: Option<Elapsed>) {
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
        vu.end_iteration().await;
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

    async fn all_ended(&self) {
        while let Some(ended) = poll_fn(|cx| self.tasks.borrow_mut().poll_join_next(cx)).await {
            self.pool.task_ended(ended);
        }
    }

    /// Ends what still runs. Dropping an iteration counts it as interrupted. An abort may drop this
    /// half-way and call it again, so the tasks stay where they are until they have ended.
    async fn cut_off(&self) {
        // First of all: an arrival that is handed over meanwhile must find nobody who begins it.
        self.idle.borrow_mut().clear();
        self.tasks.borrow_mut().abort_all();
        self.all_ended().await;
    }
}

/// This worker's part of a scenario that has begun. Those that wait for its end must not wait for ever
/// because of a mistake of ours: a panic ends it too. An abort does not, since nothing shall begin then.
struct Part(Rc<LocalScenario>);

impl Part {
    fn end(self) {
        self.0.pool.worker_ended(self.0.steering.now());
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.pool.worker_ended(self.0.steering.now());
        }
    }
}

/// A user that counts as busy for as long as this lives.
pub(super) struct Busy {
    pub(super) local: Rc<LocalScenario>,
    /// Whether an iteration has begun and is not complete: dropped now, it is interrupted.
    pub(super) iterating: bool,
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
