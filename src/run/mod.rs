//! The life of a run: preflight, load, drain, the last look, the verdict. The only module that
//! knows all parts of it. It has a thread of its own, so that it never delays a worker.

mod families;
mod health;
mod observer;
mod preflight;
mod process;
mod progress;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior};

pub use families::RunLabels;
pub use process::families as process_families;

use crate::aggregate::Totals;
use crate::executor::Segment;
use crate::family::Family;
use crate::metric;
use crate::plan::Plan;
use crate::record::{DroppedSamples, Shard, Taps};
use crate::report::{Finished, Phase, Probe, Progress};
use crate::rules::{Gate, Observed, Outcome};
use crate::scheduler::{Load, LoadOptions};
use crate::time::{Clock, Elapsed};
use crate::verdict::{Doubt, Verdict, decide};
use families::RunView;
use health::Watch;
use observer::Observer;

/// How often totals are made, families published and progress shown.
const TICK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct RunOptions {
    /// The run's id, the label `testid`.
    pub testid: String,
    /// Beside the plan's, which they override.
    pub tags: Vec<(String, String)>,
    pub load: LoadOptions,
    /// Answered by whoever reads the taps of `load`, when all of them are gone and the last sample is
    /// written: what is missing from the files.
    pub written: Option<oneshot::Receiver<Vec<Doubt>>>,
}

/// Who is told while the run lasts.
pub trait Listener {
    fn progress(&mut self, progress: &Progress);

    /// All families of the run, once a second and a last time at its end.
    fn families(&mut self, families: Vec<Family>);
}

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
    let mut stop = std::pin::pin!(stop);
    let started_at = SystemTime::now();
    listener.progress(&Progress { phase: Phase::Preflight, ..Progress::default() });
    let preflight = tokio::select! {
        preflight = preflight::run(&plan, Clock::start(), options.load.instruments.http_debug) => preflight,
        signal = &mut stop => Err(Ended::Stopped(signal)),
    };
    let mut run = Run::new(plan, options, started_at);
    if let Err(ended) = preflight {
        run.close_taps(Some(&ended), &mut stop).await;
        let finished = run.finish(Some(ended), Duration::ZERO);
        listener.families(run.families(Some(&finished)));
        return Ok(finished);
    }
    let clock = Clock::start();
    let mut load = Load::start(Arc::clone(&run.plan), clock, run.options.load.clone())?;
    if let Some(taps) = &run.options.load.instruments.taps {
        run.shard.tap(taps.tap(clock));
    }
    let ended = run.drive(&mut load, clock, listener, &mut stop).await;
    let elapsed = clock.now().since(Elapsed::ZERO);
    run.observer.last_look(&clock).await;
    load.collect(&mut run.totals).await;
    run.count_users(&load, &clock);
    run.panics = load.panics();
    run.close_taps(ended.as_ref(), &mut stop).await;
    listener.progress(&run.progress(Phase::Finished, elapsed, &load));
    let finished = run.finish(ended, elapsed);
    listener.families(run.families(Some(&finished)));
    Ok(finished)
}

/// Why a run ended before its scenarios did.
#[derive(Debug)]
enum Ended {
    Preflight(String),
    Stopped(String),
    /// The position of the threshold that was crossed.
    Threshold(usize),
}

struct Run {
    plan: Arc<Plan>,
    options: RunOptions,
    labels: RunLabels,
    started_at: SystemTime,
    totals: Totals,
    /// For what this thread records itself: the numbers of users.
    shard: Shard,
    observer: Observer,
    watch: Watch,
    phase: Phase,
    elapsed: Duration,
    last_iterations: Vec<(Duration, f64)>,
    scenarios: Vec<crate::report::ScenarioProgress>,
    /// Threads and tasks of the load that panicked.
    panics: u64,
    /// Of the taps, if there are any.
    samples_dropped: DroppedSamples,
    /// What is missing from the files of samples.
    unwritten: Vec<Doubt>,
}

impl Run {
    fn new(plan: Arc<Plan>, options: RunOptions, started_at: SystemTime) -> Self {
        let labels = RunLabels::new(&plan, &options);
        let totals = labels.totals(&plan);
        let shard = Shard::new(Arc::clone(&plan.registry));
        let observer = Observer::new(&plan);
        let samples_dropped = options.load.instruments.taps.as_ref().map(Taps::dropped).unwrap_or_default();
        let last_iterations = vec![(Duration::ZERO, 0.0); plan.scenarios.len()];
        Run {
            plan,
            options,
            labels,
            started_at,
            totals,
            shard,
            observer,
            watch: Watch::default(),
            phase: Phase::Preflight,
            elapsed: Duration::ZERO,
            last_iterations,
            scenarios: Vec::new(),
            panics: 0,
            samples_dropped,
            unwritten: Vec::new(),
        }
    }

    /// Until every scenario has ended, the run is stopped, or a threshold aborts it.
    async fn drive(
        &mut self,
        load: &mut Load,
        clock: Clock,
        listener: &mut dyn Listener,
        stop: &mut (impl Future<Output = String> + Unpin),
    ) -> Option<Ended> {
        self.observer.start(clock);
        let mut ticks = tokio::time::interval_at(Instant::now(), TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut ended = None;
        let done = load.done();
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                () = &mut done => return ended,
                () = self.observer.observe(&clock) => {}
                signal = &mut *stop, if ended.is_none() => {
                    ended = Some(Ended::Stopped(signal));
                    load.abort();
                }
                _ = ticks.tick() => {
                    let crossed = self.tick(load, &clock, listener).await;
                    if ended.is_none() && let Some(at) = crossed {
                        ended = Some(Ended::Threshold(at));
                        load.abort();
                    }
                }
            }
        }
    }

    /// Answers with a threshold that wants the run to end.
    async fn tick(&mut self, load: &mut Load, clock: &Clock, listener: &mut dyn Listener) -> Option<usize> {
        load.collect(&mut self.totals).await;
        self.elapsed = clock.now().since(Elapsed::ZERO);
        self.watch.tick(self.elapsed, &load.cpu());
        self.count_users(load, clock);
        let planned = self.plan.planned();
        self.phase = if self.elapsed < planned { Phase::Running } else { Phase::Draining };
        if self.elapsed > planned + self.plan.drain {
            load.abort();
        }
        listener.progress(&self.progress(self.phase, self.elapsed, load));
        listener.families(self.families(None));
        let due = |after: Duration| self.elapsed > after;
        let crossed = |threshold: &crate::rules::Threshold| {
            threshold.abort_after.is_some_and(due)
                && threshold.judge(self.observed()).outcome == Outcome::Crossed
        };
        self.plan.thresholds.iter().position(crossed)
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
        self.totals.absorb(&mut self.shard);
    }

    /// Lets go of the taps and waits until what came out of them is written, or somebody loses patience.
    async fn close_taps(&mut self, ended: Option<&Ended>, stop: &mut (impl Future<Output = String> + Unpin)) {
        self.shard = Shard::new(Arc::clone(&self.plan.registry));
        self.options.load.instruments.taps = None;
        let Some(written) = self.options.written.take() else { return };
        let asked_to_stop = matches!(ended, Some(Ended::Stopped(_)));
        self.unwritten = tokio::select! {
            unwritten = written => unwritten.unwrap_or_else(|_| {
                vec![Doubt::Internal("the thread that writes samples has panicked: please report it".to_owned())]
            }),
            signal = stop, if !asked_to_stop => {
                vec![Doubt::Internal(format!("{signal} came before the last samples were written to --out"))]
            }
        };
        let dropped = self.samples_dropped.count();
        if dropped > 0 {
            self.unwritten.push(Doubt::SamplesDropped { dropped });
        }
    }

    fn observed(&self) -> Observed<'_> {
        Observed { totals: &self.totals, probes: self.observer.samples(), elapsed: self.elapsed }
    }

    fn gates(&self) -> Vec<Gate> {
        self.plan.thresholds.iter().map(|threshold| threshold.judge(self.observed())).collect()
    }

    fn finish(&mut self, ended: Option<Ended>, elapsed: Duration) -> Finished {
        self.elapsed = elapsed;
        self.phase = Phase::Finished;
        let sent_load = !matches!(ended, Some(Ended::Preflight(_)));
        let mut gates = if sent_load { self.gates() } else { Vec::new() };
        let health = health::health(&self.plan, &self.totals, &self.watch, &self.observer);
        let mut doubts = if sent_load { health.doubts() } else { Vec::new() };
        doubts.append(&mut self.unwritten);
        if self.panics > 0 {
            let what = format!(
                "{} of this program's own tasks panicked: please report it, with stderr",
                self.panics
            );
            doubts.push(Doubt::Internal(what));
        }
        let (stopped, ended_by) = match &ended {
            Some(Ended::Stopped(signal)) => (true, Some(signal.clone())),
            Some(Ended::Preflight(why)) => (false, Some(why.clone())),
            Some(Ended::Threshold(at)) => {
                // What ended the run has failed it, even if the last answers to come in were good ones.
                gates[*at].outcome = Outcome::Crossed;
                let gate = &gates[*at];
                (false, Some(format!("threshold `{}` on `{}` was crossed", gate.threshold, gate.subject)))
            }
            None => (false, None),
        };
        let verdict = if sent_load { decide(&gates, &doubts, stopped) } else { Verdict::PreflightFailed };
        let probes = self.plan.probes.iter().zip(self.observer.samples());
        let totals = std::mem::replace(&mut self.totals, self.labels.totals(&self.plan));
        Finished {
            testid: self.options.testid.clone(),
            test: self.plan.name.to_string(),
            segment: (self.plan.segment != Segment::WHOLE).then(|| self.plan.segment.to_string()),
            started_at: self.started_at,
            elapsed,
            verdict,
            gates,
            doubts,
            ended_by,
            totals,
            scenarios: std::mem::take(&mut self.scenarios),
            probes: probes
                .map(|(probe, samples)| Probe {
                    name: probe.name.clone(),
                    query: probe.query.clone(),
                    samples: *samples,
                })
                .collect(),
            scrapes: health.scrapes,
        }
    }

    /// What `/metrics` shows now; of a finished run, its final values.
    fn families(&self, finished: Option<&Finished>) -> Vec<Family> {
        let gates;
        let (totals, gates, verdict) = match finished {
            Some(finished) => (&finished.totals, &finished.gates, Some(finished.verdict)),
            None => {
                gates = self.gates();
                (&self.totals, &gates, None)
            }
        };
        let view = RunView {
            totals,
            gates,
            verdict,
            phase: self.phase,
            elapsed: self.elapsed,
            started_at: self.started_at,
            observer: &self.observer,
            samples_dropped: self.samples_dropped.count(),
        };
        families::families(&self.labels, &view)
    }
}
