//! A worker: one thread's users, and the shard they write into.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::numbers::VuNumbers;
use super::pacer::Timing;
use super::pool::Pool;
use super::scenario::{LocalScenario, OnWorker};
use super::steering::{Order, Steer, Steering};
use crate::executor::{Arrival, Share};
use crate::flow::{Instruments, Shared, Worker};
use crate::ids::ScenarioId;
use crate::plan::Plan;
use crate::record::Shard;
use crate::time::Clock;

/// What a worker hands out at a tick.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) shard: Shard,
    /// CPU time of the worker's thread so far.
    pub(super) cpu: Duration,
}

/// Swap the shard for this empty one.
pub(super) struct Collect {
    pub(super) spare: Shard,
    pub(super) reply: oneshot::Sender<Collected>,
}

/// An arrival for which one of this worker's idle users is reserved.
#[derive(Debug, Clone, Copy)]
pub(super) struct HandedOver {
    pub(super) scenario: ScenarioId,
    pub(super) arrival: Arrival,
}

/// What a worker is given.
pub(super) struct WorkerParts {
    pub(super) plan: Arc<Plan>,
    pub(super) clock: Clock,
    pub(super) shared: Shared,
    pub(super) timing: Timing,
    pub(super) instruments: Instruments,
    pub(super) share: Share,
    pub(super) pools: Arc<[Arc<Pool>]>,
    pub(super) vu_numbers: Arc<VuNumbers>,
    /// To every worker, this one included; bounded by the number of users that can be reserved.
    pub(super) arrivals_to: Vec<mpsc::UnboundedSender<HandedOver>>,
    pub(super) arrivals: mpsc::UnboundedReceiver<HandedOver>,
    pub(super) collect: mpsc::Receiver<Collect>,
    pub(super) orders: mpsc::Receiver<Steer>,
    pub(super) abort: CancellationToken,
    /// For the last shard.
    pub(super) last: oneshot::Sender<Collected>,
    pub(super) done: OneDone,
}

/// Rings when the last worker has ended.
pub(super) struct AllDone {
    left: AtomicUsize,
    pub(super) token: CancellationToken,
}

impl AllDone {
    pub(super) fn new(workers: usize) -> Arc<Self> {
        Arc::new(AllDone { left: AtomicUsize::new(workers), token: CancellationToken::new() })
    }
}

/// One worker of those; ended when it is dropped, so also when it panics: nobody must wait for it for ever.
pub(super) struct OneDone(pub(super) Arc<AllDone>);

impl Drop for OneDone {
    fn drop(&mut self) {
        if self.0.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.token.cancel();
        }
    }
}

/// Runs all scenarios' shares to their end, or to the abort; then hands out the last shard.
/// Must be called where tasks may be spawned that never leave their thread.
pub(super) async fn run(mut parts: WorkerParts) {
    let plan = Arc::clone(&parts.plan);
    let registry = Arc::clone(&plan.registry);
    let worker = Worker::new(parts.clock, Arc::clone(&plan.settings), registry, parts.shared.clone());
    let worker = Rc::new(worker.watched(&parts.instruments).keeping_cookies(plan.keep_cookies));
    // Whoever writes samples is done when all taps are gone, and this one is the worker's own.
    parts.instruments = Instruments::default();
    // Indexed by id.
    let steering = Rc::new(Steering::new(parts.clock));
    let on = OnWorker {
        worker: Rc::clone(&worker),
        steering: Rc::clone(&steering),
        share: parts.share,
        timing: parts.timing,
    };
    let scenarios: Vec<Rc<LocalScenario>> =
        plan.scenarios.iter().map(|scenario| local(&parts, scenario, on.clone())).collect();
    let mut running: JoinSet<()> = JoinSet::new();
    for scenario in &scenarios {
        running.spawn_local(Rc::clone(scenario).run());
    }
    while !running.is_empty() {
        tokio::select! {
            () = parts.abort.cancelled() => {
                running.shutdown().await;
                for scenario in &scenarios {
                    scenario.abort().await;
                }
            }
            Some(ended) = running.join_next() => {
                if let Some(pool) = parts.pools.first() {
                    pool.task_ended(ended);
                }
            }
            Some(handed) = parts.arrivals.recv() => {
                if let Some(scenario) = scenarios.get(handed.scenario.index()) {
                    scenario.start_reserved(handed.arrival);
                }
            }
            Some(Steer { order, done }) = parts.orders.recv() => {
                match order {
                    Order::Time(time) => steering.set(time),
                    Order::Executor(id, executor) => scenarios[id.index()].rescale(executor),
                }
                // Nobody waits any more when the run has ended meanwhile.
                let _ = done.send(());
            }
            Some(Collect { spare, reply }) = parts.collect.recv() => {
                // Nobody waits any more when the run has ended meanwhile.
                let _ = reply.send(collected(&worker, spare));
            }
        }
    }
    worker.close();
    // What others have handed over meanwhile; from here on they are told that nobody takes it.
    parts.arrivals.close();
    while let Some(handed) = parts.arrivals.recv().await {
        if let Some(scenario) = scenarios.get(handed.scenario.index()) {
            scenario.interrupt_reserved();
        }
    }
    // Whoever waits for an order to be done is told that it is in vain.
    parts.orders.close();
    while parts.orders.recv().await.is_some() {}
    let _ = parts.last.send(collected(&worker, Shard::new(Arc::clone(&plan.registry))));
    drop(parts.done);
}

fn local(parts: &WorkerParts, scenario: &Arc<crate::plan::Scenario>, on: OnWorker) -> Rc<LocalScenario> {
    let to = parts.arrivals_to.clone();
    let id = scenario.id;
    let hand_over =
        Box::new(move |worker: usize, arrival| to[worker].send(HandedOver { scenario: id, arrival }).is_ok());
    let (scenario, vu_numbers) = (Arc::clone(scenario), Arc::clone(&parts.vu_numbers));
    LocalScenario::new(scenario, on, &parts.pools, vu_numbers, hand_over)
}

fn collected(worker: &Worker, spare: Shard) -> Collected {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let cpu = Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32);
    Collected { shard: worker.shard.borrow_mut().swap(spare), cpu }
}
