//! The life of a run: preflight, setup, load, drain, the last look, verifications, teardown, the verdict. The only module
//! that knows all parts of it. It has a thread of its own, so that it never delays a worker.

mod actions;
mod checkpoint;
mod conclusion;
mod control;
mod embedded;
mod failures;
mod families;
mod faults;
mod health;
mod hooks;
mod interrupted;
mod judging;
mod listener;
mod observer;
mod procedure;
mod process;
mod progress;
mod prometheus;
mod rulebook;
mod stages;
mod standing;
mod steered;
mod stop;
mod verifying;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, MissedTickBehavior};

pub use crate::executor::ScaleTo;
pub use control::{Control, Controlled, ScaleLimits};
pub use embedded::OWN_JOB;
pub use families::RunLabels;
pub use interrupted::{Mended, finish_interrupted};
pub use listener::{Listener, Remains, RunOptions};
pub use observer::scrape_targets;
pub use process::{build_info, families as process_families};
pub use standing::Standing;

use crate::aggregate::{Absorb as _, Ledger, Selector};
use crate::metric;
use crate::plan::Plan;
use crate::prometheus::{Findings, Prometheus};
use crate::record::{DroppedSamples, Shard, Taps};
use crate::report::{Finished, Phase, Progress};
use crate::rules::{Abort, Gate};
use crate::scheduler::Load;
use crate::template::Locals;
use crate::time::{Clock, Elapsed};
use crate::verdict::Doubt;
use crate::verify::Watching;
use actions::Deputy;
use embedded::Embedded;
use faults::Faults;
use health::Watch;
use observer::Observer;
use stop::Stop;

/// How often totals are made, families published and progress shown.
const TICK: Duration = Duration::from_secs(1);

/// Executes the plan. `stop` ends the run early; what it yields says by what.
///
/// # Errors
/// Only when this machine refuses threads or descriptors: everything else is a verdict.
pub async fn execute(
    plan: Arc<Plan>,
    options: RunOptions,
    listener: &mut dyn Listener,
    stop: impl Future<Output = String>,
) -> io::Result<Finished> {
    let mut stop = Stop::new(Box::pin(stop));
    let mut run = Run::new(plan, options, SystemTime::now());
    if let Some(ended) = run.preflight(listener, &mut stop).await {
        run.close_taps(&mut stop).await;
        let finished = run.conclude(Some(ended), Duration::ZERO, listener);
        let finished = run.epilogue(finished, &mut stop).await;
        listener.over(run.remains());
        return Ok(finished);
    }
    run.warn_of_prometheus().await;
    let (given, unready) = run.setup(listener, &mut stop).await;
    let unready = match unready {
        None => run.first_look(listener, &mut stop).await,
        unready => unready,
    };
    let sent = match unready {
        None => run.send_load(&given, listener, &mut stop).await,
        unready => Ok((unready, Duration::ZERO)),
    };
    if matches!(sent, Ok((None | Some(Ended::Threshold(_) | Ended::Alert(_)), _))) {
        run.verify(&given, listener, &mut stop).await;
    }
    // Whatever came of it: what a setup that failed half-way has made is there all the same.
    run.teardown(given, listener, &mut stop).await;
    run.close_taps(&mut stop).await;
    let (ended, elapsed) = sent?;
    let ended = match ended {
        Some(Ended::Unready(why)) => Some(Ended::Unready(why)),
        // Whatever ended the load, a signal that came later stopped the run.
        ended => stop.heard().map(Ended::Stopped).or(ended),
    };
    let finished = run.conclude(ended, elapsed, listener);
    let finished = run.epilogue(finished, &mut stop).await;
    listener.over(run.remains());
    Ok(finished)
}

/// Why a run ended before its scenarios did.
#[derive(Debug)]
enum Ended {
    /// A step of `preflight` or `setup` did not succeed: no load was sent.
    Unready(String),
    Stopped(String),
    /// The position of the threshold that was crossed.
    Threshold(usize),
    Alert(Abort),
}

struct Run {
    plan: Arc<Plan>,
    options: RunOptions,
    labels: RunLabels,
    started_at: SystemTime,
    /// Once it has.
    load_began: Option<SystemTime>,
    ledger: Ledger,
    /// For what this thread records itself: the numbers of users.
    shard: Shard,
    observer: Observer,
    embedded: Embedded,
    faults: Faults,
    watch: Watch,
    phase: Phase,
    /// The phase that others were told of.
    told: Option<Phase>,
    /// Whoever steers the run, if anybody may.
    control: Option<Controlled>,
    /// Of the load, without pauses.
    elapsed: Duration,
    paused: Duration,
    /// When that began which is judged, on the run's clock.
    judged_from: Elapsed,
    last_iterations: Vec<(Duration, f64)>,
    scenarios: Vec<crate::report::ScenarioProgress>,
    /// What was to be seen when the load had ended.
    reached: Progress,
    /// Threads and tasks of the load that panicked.
    panics: u64,
    /// Of the taps, if there are any.
    samples_dropped: DroppedSamples,
    /// What is missing from the files of samples.
    unwritten: Vec<Doubt>,
    /// Iterations completed before anything was judged.
    unjudged_iterations: u64,
    /// Verifications that are asked while load is sent.
    watching: Watching,
    /// What came of the verifications.
    verified: Vec<Gate>,
    /// What `teardown` could not do.
    left_behind: Vec<String>,
    /// Of the load, once it has begun.
    clock: Option<Clock>,
    /// What the alerts of rule files came to, once the final tick is over.
    alerts: Option<Vec<Gate>>,
    /// One that judges too.
    prometheus: Option<Prometheus>,
    /// What it found.
    findings: Findings,
}

impl Run {
    fn new(plan: Arc<Plan>, mut options: RunOptions, started_at: SystemTime) -> Self {
        let control = options.control.take();
        let labels = RunLabels::new(&plan, &options);
        let totals = || labels.totals(&plan);
        let ledger = Ledger::new(totals(), (!plan.warmup.is_zero()).then(totals));
        let shard = Shard::new(Arc::clone(&plan.registry));
        let observer = Observer::new(&plan, Arc::clone(&options.store));
        let (store, standing) = (Arc::clone(&options.store), options.standing.clone());
        let embedded = Embedded::new(&plan, store, &options.testid, options.external_url.clone(), standing);
        let prometheus = Run::prometheus(&plan, &options);
        let samples_dropped = options.load.instruments.taps.as_ref().map(Taps::dropped).unwrap_or_default();
        let faults = Faults::new(&plan, Deputy::new(&plan, &options, None));
        let last_iterations = vec![(Duration::ZERO, 0.0); plan.scenarios.len()];
        Run {
            plan,
            options,
            labels,
            started_at,
            load_began: None,
            ledger,
            shard,
            observer,
            embedded,
            faults,
            watch: Watch::default(),
            phase: Phase::Preflight,
            told: None,
            control,
            elapsed: Duration::ZERO,
            paused: Duration::ZERO,
            judged_from: Elapsed::ZERO,
            last_iterations,
            scenarios: Vec::new(),
            reached: Progress::default(),
            panics: 0,
            samples_dropped,
            unwritten: Vec::new(),
            unjudged_iterations: 0,
            watching: Watching::default(),
            verified: Vec::new(),
            left_behind: Vec::new(),
            clock: None,
            alerts: None,
            prometheus,
            findings: Findings::default(),
        }
    }

    /// From the first iteration to the last look at the targets: why it ended early, if it did, and how long it took.
    async fn send_load(
        &mut self,
        given: &Arc<Locals>,
        listener: &mut dyn Listener,
        stop: &mut Stop<impl Future<Output = String> + Unpin>,
    ) -> io::Result<(Option<Ended>, Duration)> {
        let clock = Clock::start();
        self.clock = Some(clock);
        if self.plan.warmup.is_zero() {
            self.embedded.open(clock.unix_ms(Elapsed::ZERO));
        }
        self.load_began = Some(clock.wall(Elapsed::ZERO));
        let mut load =
            Load::start(Arc::clone(&self.plan), clock, self.options.load.clone(), Arc::clone(given))?;
        if let Some(taps) = &self.options.load.instruments.taps {
            self.shard.tap(taps.tap(clock));
        }
        self.enter(Phase::Running, listener);
        self.watch(given, clock);
        let ended = self.drive(&mut load, clock, listener, stop).await;
        self.faults.end(&clock).await;
        self.keep_time(&load);
        if let Some(control) = &mut self.control {
            control.close();
        }
        // However short it was: no tick may have fallen into it.
        self.enter(Phase::Draining, listener);
        self.observer.last_look(&clock).await;
        load.collect(&mut self.ledger).await;
        if !self.ledger.is_judging() {
            self.unjudged_iterations = self.completed();
        }
        self.count_users(&load, &clock);
        self.panics = load.panics();
        self.reached = self.progress(Phase::Finished, self.elapsed, &load);
        self.last_tick(&clock, listener);
        // Before anything else happens to the target.
        self.ask_prometheus(listener, stop).await;
        Ok((ended, self.elapsed))
    }

    /// Until every scenario has ended, the run is stopped, or a threshold aborts it.
    async fn drive(
        &mut self,
        load: &mut Load,
        clock: Clock,
        listener: &mut dyn Listener,
        stop: &mut Stop<impl Future<Output = String> + Unpin>,
    ) -> Option<Ended> {
        self.observer.start(clock);
        let mut ticks = tokio::time::interval_at(Instant::now(), TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut ended = None;
        let done = load.done();
        let mut done = std::pin::pin!(done);
        loop {
            let warm = clock.instant(load.time().moment(self.plan.warmup.into()));
            let warms_up = !self.ledger.is_judging() && !load.time().is_paused();
            tokio::select! {
                () = &mut done => return ended,
                () = self.observer.observe(&clock) => {}
                () = self.watching.ask() => {}
                () = self.faults.advance(&clock) => {}
                // Late by as much as it takes to wake up; a worker hands out its shard when it comes by.
                () = tokio::time::sleep_until(warm), if warms_up => {
                    self.begin_judging(load, &clock).await;
                }
                request = control::next(&mut self.control) => self.obey(request, load, listener).await,
                signal = stop.signal() => {
                    ended = ended.or(Some(Ended::Stopped(signal)));
                    load.abort();
                }
                due = ticks.tick() => {
                    let aborted = self.tick(load, &clock, due, listener).await;
                    if ended.is_none() && aborted.is_some() {
                        ended = aborted;
                        load.abort();
                    }
                }
            }
        }
    }

    /// Rules are evaluated at the moment at which the tick was `due`, so that its lateness does not delay a `for`.
    /// Answers with what wants the run to end.
    async fn tick(
        &mut self,
        load: &mut Load,
        clock: &Clock,
        due: Instant,
        listener: &mut dyn Listener,
    ) -> Option<Ended> {
        load.collect(&mut self.ledger).await;
        self.keep_time(load);
        self.watch.tick(clock.now().since(Elapsed::ZERO), &load.cpu());
        self.count_users(load, clock);
        self.enter(self.phase_of(load), listener);
        if self.elapsed > self.plan.latest_end() + self.plan.drain {
            load.abort();
        }
        listener.progress(&self.progress(self.phase, self.elapsed, load));
        self.checkpoint(listener);
        let at_ms = clock.unix_ms(clock.elapsed(due));
        let families = self.families(None);
        let ticked = self.embedded.tick(at_ms, &families, &self.faults.tolerated());
        self.look_at_recovery(at_ms);
        let abort = self.tell(at_ms, ticked, listener);
        let crossed = self.ledger.is_judging().then(|| self.crossed(at_ms)).flatten();
        listener.families(families);
        crossed.map(Ended::Threshold).or(abort.map(Ended::Alert))
    }

    /// How long load has been sent so far, and how long not because of pauses.
    fn keep_time(&mut self, load: &Load) {
        (self.elapsed, self.paused) = (load.elapsed(), load.paused());
    }

    /// `vus` and `vus_max`, as k6 samples them each second.
    fn count_users(&mut self, load: &Load, clock: &Clock) {
        let pools = load.pools();
        let registry = &self.plan.registry;
        let none = crate::labels::Labels::empty();
        let users =
            |count: fn(&crate::scheduler::PoolState) -> u64| pools.iter().map(count).sum::<u64>() as f64;
        let (now, active, allocated) = (clock.now(), users(|pool| pool.busy), users(|pool| pool.allocated));
        self.shard.gauge(registry.intern(metric::VUS, &none), now, active);
        self.shard.gauge(registry.intern(metric::VUS_MAX, &none), now, allocated);
        self.ledger.absorb(&mut self.shard);
    }

    /// The warmup is over: nothing that was recorded so far is judged.
    async fn begin_judging(&mut self, load: &mut Load, clock: &Clock) {
        load.collect(&mut self.ledger).await;
        self.watch.tick(clock.now().since(Elapsed::ZERO), &load.cpu());
        self.watch.forget(&self.plan);
        self.observer.begin_judging();
        self.unjudged_iterations = self.completed();
        self.judged_from = clock.now();
        self.embedded.open(clock.unix_ms(self.judged_from));
        self.ledger.begin_judging();
    }

    /// Iterations since load began.
    fn completed(&self) -> u64 {
        self.ledger.all().counter(&Selector::all(metric::ITERATIONS)) as u64
    }

    /// The time that judged values are of.
    fn judged_for(&self) -> Duration {
        self.elapsed.saturating_sub(self.plan.warmup)
    }

    /// Lets go of the taps and waits until what came out of them is written, or somebody loses patience.
    async fn close_taps(&mut self, stop: &mut Stop<impl Future<Output = String> + Unpin>) {
        self.shard = Shard::new(Arc::clone(&self.plan.registry));
        self.options.load.instruments.taps = None;
        let Some(written) = self.options.written.take() else { return };
        self.unwritten = tokio::select! {
            unwritten = written => unwritten.unwrap_or_else(|_| {
                vec![Doubt::Internal("the thread that writes samples has panicked: please report it".to_owned())]
            }),
            signal = stop.signal() => {
                vec![Doubt::Internal(format!("{signal} came before the last samples were written to --out"))]
            }
        };
        let dropped = self.samples_dropped.count();
        if dropped > 0 {
            self.unwritten.push(Doubt::SamplesDropped { dropped });
        }
    }
}
