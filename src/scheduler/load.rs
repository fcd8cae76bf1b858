//! The load of a run: all workers, seen from outside.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::LocalOptions;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::load_time::LoadTime;
use super::numbers::VuNumbers;
use super::pacer::Timing;
use super::pool::{Pool, PoolState};
use super::steering::{Order, Steer};
use super::worker::{self, AllDone, Collect, Collected, OneDone, WorkerParts};
use crate::aggregate::Absorb;
use crate::executor::{Executor, ScaleTo, Share};
use crate::flow::{Instruments, Limiter, Shared};
use crate::ids::ScenarioId;
use crate::ledger::Ledgers;
use crate::plan::Plan;
use crate::record::Shard;
use crate::template::Locals;
use crate::time::{Clock, Elapsed};

#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Threads; at least 1.
    pub workers: usize,
    pub timing: Timing,
    pub instruments: Instruments,
}

impl Default for LoadOptions {
    /// A worker per core that this process may use.
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        LoadOptions { workers, timing: Timing::default(), instruments: Instruments::default() }
    }
}

/// Load that is being sent. Ends by itself when every scenario has; dropping it aborts it.
pub struct Load {
    plan: Arc<Plan>,
    clock: Clock,
    time: LoadTime,
    /// As they are now, in the plan's order.
    executors: Vec<Arc<dyn Executor>>,
    pools: Arc<[Arc<Pool>]>,
    workers: Vec<Handle>,
    abort: CancellationToken,
    done: CancellationToken,
}

struct Handle {
    collect: mpsc::Sender<Collect>,
    steer: mpsc::Sender<Steer>,
    /// An empty shard to swap in; out while the worker has both.
    spare: Option<Shard>,
    last: oneshot::Receiver<Collected>,
    ended: bool,
    cpu: Duration,
    thread: Option<JoinHandle<()>>,
    panicked: bool,
}

impl Load {
    /// Starts one thread per worker. `clock`'s zero is when load begins; `given` is what `setup` left.
    ///
    /// # Errors
    /// When the system refuses a thread or its descriptors.
    pub fn start(
        plan: Arc<Plan>,
        clock: Clock,
        options: LoadOptions,
        given: Arc<Locals>,
    ) -> io::Result<Self> {
        let mut load = Load::prepare(plan, clock, options, given);
        let abort = load.1.first().map(|parts| parts.abort.clone()).unwrap_or_default();
        // What workers log belongs to the run that they work for.
        let log = tracing::dispatcher::get_default(Clone::clone);
        for (at, parts) in load.1.drain(..).enumerate() {
            let log = log.clone();
            // Made on the thread that it never leaves, which says whether it could be made.
            let (say, made) = std::sync::mpsc::channel();
            let spawned = std::thread::Builder::new().name(format!("worker-{at}")).spawn(move || {
                let _log = tracing::dispatcher::set_default(&log);
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                let runtime = match runtime.enable_all().build_local(LocalOptions::default()) {
                    Ok(runtime) => runtime,
                    Err(error) => return drop(say.send(Err(error))),
                };
                // Whoever started this waits for it.
                let _ = say.send(Ok(()));
                runtime.block_on(worker::run(parts));
                // A name that is still being looked up, for a user who has been cut off, keeps nobody waiting.
                runtime.shutdown_background();
            });
            let started = spawned.and_then(|thread| {
                load.0.workers[at].thread = Some(thread);
                made.recv().unwrap_or_else(|gone| Err(io::Error::other(gone)))
            });
            if let Err(error) = started {
                abort.cancel();
                return Err(error);
            }
        }
        Ok(load.0)
    }

    /// Starts all workers as tasks of the current `LocalSet`: for tests in virtual time.
    #[cfg(test)]
    pub(super) fn start_local(plan: Arc<Plan>, clock: Clock, options: LoadOptions) -> Self {
        let (load, parts) = Load::prepare(plan, clock, options, Arc::default());
        for parts in parts {
            tokio::task::spawn_local(worker::run(parts));
        }
        load
    }

    fn prepare(
        plan: Arc<Plan>,
        clock: Clock,
        options: LoadOptions,
        given: Arc<Locals>,
    ) -> (Self, Vec<WorkerParts>) {
        let workers = options.workers.max(1);
        let limiter = plan.max_requests_per_sec.map(|rps| Arc::new(Limiter::new(rps)));
        let ledgers = Ledgers::new(&plan.ledgers, fastrand::u64(..), workers);
        let shared = Shared { given, limiter, ledgers };
        let pools: Arc<[Arc<Pool>]> = plan
            .scenarios
            .iter()
            .map(|scenario| Arc::new(Pool::new(workers, scenario.executor.model())))
            .collect();
        let (arrivals_to, receivers): (Vec<_>, Vec<_>) =
            (0..workers).map(|_| mpsc::unbounded_channel()).unzip();
        let (abort, vu_numbers) = (CancellationToken::new(), Arc::new(VuNumbers::new(plan.segment.clone())));
        let done = AllDone::new(workers);
        let (mut handles, mut parts) = (Vec::new(), Vec::new());
        for (at, arrivals) in receivers.into_iter().enumerate() {
            let (collect, collect_receiver) = mpsc::channel(1);
            let (steer, orders) = mpsc::channel(1);
            let (last, last_receiver) = oneshot::channel();
            handles.push(Handle {
                collect,
                steer,
                spare: Some(Shard::new(Arc::clone(&plan.registry))),
                last: last_receiver,
                ended: false,
                cpu: Duration::ZERO,
                thread: None,
                panicked: false,
            });
            parts.push(WorkerParts {
                plan: Arc::clone(&plan),
                clock,
                shared: shared.clone(),
                timing: options.timing,
                instruments: options.instruments.clone(),
                share: Share { index: at as u64, of: workers as u64 },
                pools: Arc::clone(&pools),
                vu_numbers: Arc::clone(&vu_numbers),
                arrivals_to: arrivals_to.clone(),
                arrivals,
                collect: collect_receiver,
                orders,
                abort: abort.clone(),
                last,
                done: OneDone(Arc::clone(&done)),
            });
        }
        let executors = plan.scenarios.iter().map(|scenario| Arc::clone(&scenario.executor)).collect();
        let (time, done) = (LoadTime::default(), done.token.clone());
        (Load { plan, clock, time, executors, pools, workers: handles, abort, done }, parts)
    }

    /// Adds to `totals` what the workers have recorded since the last time. Waits for each worker
    /// to come by; one that has ended hands out its last shard, and one that has crashed aborts the load.
    pub async fn collect(&mut self, totals: &mut impl Absorb) {
        for handle in &mut self.workers {
            for mut collected in handle.collect().await.into_iter().flatten() {
                totals.absorb(&mut collected.shard);
                handle.cpu = collected.cpu;
                handle.spare = Some(collected.shard);
            }
            if handle.panicked {
                self.abort.cancel();
            }
        }
        totals.note_levels();
    }

    /// CPU time of each worker's thread at the last collection.
    pub fn cpu(&self) -> Vec<Duration> {
        self.workers.iter().map(|handle| handle.cpu).collect()
    }

    /// The users of each scenario, in the plan's order.
    pub fn pools(&self) -> Vec<PoolState> {
        self.pools.iter().map(|pool| pool.state()).collect()
    }

    /// Threads and tasks that panicked so far: none, or there is a mistake in this program.
    pub fn panics(&self) -> u64 {
        let threads = self.workers.iter().filter(|handle| handle.panicked).count() as u64;
        threads + self.pools.iter().map(|pool| pool.state().panics).sum::<u64>()
    }

    /// How load time follows from the run's clock.
    pub fn time(&self) -> LoadTime {
        self.time
    }

    /// Load time now.
    pub fn elapsed(&self) -> Duration {
        self.time.at(self.clock.now()).into()
    }

    /// How long it has been paused so far, all pauses together.
    pub fn paused(&self) -> Duration {
        self.time.paused(self.clock.now())
    }

    /// What decides when iterations of a scenario start now, by its position in the plan.
    pub fn executor(&self, at: usize) -> &Arc<dyn Executor> {
        &self.executors[at]
    }

    /// When it returns, no worker begins an iteration any more, and load time stands still.
    pub async fn pause(&mut self) {
        self.time.pause(self.clock.now());
        self.order(Order::Time(self.time)).await;
    }

    /// Load time goes on where it stood.
    pub async fn resume(&mut self) {
        self.time.resume(self.clock.now());
        self.order(Order::Time(self.time)).await;
    }

    /// The executor of a scenario with another number from now on.
    ///
    /// # Errors
    /// When it has no such number, or no iteration of the scenario begins any more; for people.
    pub fn scaled(&self, id: ScenarioId, to: ScaleTo) -> Result<Box<dyn Executor>, String> {
        let (executor, pool) = (&self.executors[id.index()], self.pools[id.index()].state());
        let own = Elapsed::from(self.elapsed()).since(pool.begun.unwrap_or(Elapsed::MAX));
        if pool.is_over || Elapsed::from(own) >= executor.duration() {
            return Err("it begins no iteration any more".to_owned());
        }
        let to = match to {
            ScaleTo::Vus(vus) if vus > 0 => ScaleTo::Vus(self.plan.segment.scale(vus)),
            to => to,
        };
        executor.scaled(to, own.into())
    }

    /// From when it returns, every worker asks this executor. It is one that [`scaled`](Self::scaled) answered.
    pub async fn rescale(&mut self, id: ScenarioId, executor: Arc<dyn Executor>) {
        self.pools[id.index()].rescale(executor.model());
        self.executors[id.index()] = Arc::clone(&executor);
        self.order(Order::Executor(id, executor)).await;
    }

    /// Waits for each worker to come by; one that has ended needs no orders.
    async fn order(&self, order: Order) {
        let mut taken = Vec::with_capacity(self.workers.len());
        for handle in &self.workers {
            let (done, told) = oneshot::channel();
            if handle.steer.send(Steer { order: order.clone(), done }).await.is_ok() {
                taken.push(told);
            }
        }
        tokio::select! {
            _answered_or_ended = futures_util::future::join_all(taken) => {}
            () = self.done() => {}
        }
    }

    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Resolves when every worker has ended; one more collection then brings what is left.
    pub fn done(&self) -> impl Future<Output = ()> + use<> {
        self.done.clone().cancelled_owned()
    }

    /// Ends all iterations now; they are counted as interrupted.
    pub fn abort(&self) {
        self.abort.cancel();
    }
}

impl Handle {
    /// What the worker has recorded, and its last shard if it has ended.
    async fn collect(&mut self) -> [Option<Collected>; 2] {
        if self.ended {
            return [None, None];
        }
        if let Some(spare) = self.spare.take() {
            let (reply, mut answer) = oneshot::channel();
            if self.collect.send(Collect { spare, reply }).await.is_ok() {
                // A question that comes while the worker closes its channel may stay in there, neither answered nor
                // dropped: the worker's last word ends the wait, too. What it answered, it answered before that.
                tokio::select! {
                    biased;
                    last = &mut self.last => return [answer.try_recv().ok(), self.end(last.ok())],
                    Ok(collected) = &mut answer => return [Some(collected), None],
                    else => {}
                }
            }
        }
        // The worker no longer listens: it has ended.
        let last = (&mut self.last).await.ok();
        [None, self.end(last)]
    }

    fn end(&mut self, last: Option<Collected>) -> Option<Collected> {
        self.ended = true;
        if let Some(thread) = self.thread.take() {
            self.panicked = thread.join().is_err();
        }
        last
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.abort.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Catalog;
    use crate::record::Registry;

    #[tokio::test]
    async fn a_worker_that_ends_without_an_answer_keeps_nobody_waiting() {
        let shard = || Shard::new(Arc::new(Registry::new(Arc::new(Catalog::default()), &[], 200)));
        let collected = |secs| Collected { shard: shard(), cpu: Duration::from_secs(secs) };
        for answers in [false, true] {
            let (collect, mut asked) = mpsc::channel(1);
            let (tell, last) = oneshot::channel();
            let (spare, cpu) = (Some(shard()), Duration::ZERO);
            let (steer, _orders) = mpsc::channel(1);
            let mut handle =
                Handle { collect, steer, spare, last, ended: false, cpu, thread: None, panicked: false };
            let worker = async {
                let Collect { reply, .. } = asked.recv().await.unwrap();
                let unanswered =
                    if answers { reply.send(collected(1)).map(|()| None) } else { Ok(Some(reply)) };
                tell.send(collected(2)).unwrap();
                // Alive, as in a channel that nobody reads.
                unanswered.unwrap()
            };
            let (brought, _question) = tokio::join!(handle.collect(), worker);
            let cpu = brought.map(|shard| shard.map(|shard| shard.cpu.as_secs()));
            assert_eq!(cpu, [answers.then_some(1), Some(2)]);
        }
    }
}
