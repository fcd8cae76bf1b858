//! The stages of a run beside its load: preflight, setup, teardown.

use std::cell::RefCell;
use std::sync::Arc;

use tokio::time::{Instant, MissedTickBehavior};

use super::procedure::Performance;
use super::stop::Stop;
use super::{Ended, Listener, Run, TICK};
use crate::flow::HttpDebug;
use crate::report::{Phase, Progress, Waiting};
use crate::template::Locals;

impl Run {
    /// What must hold before anything else is done.
    pub(super) async fn preflight(
        &mut self,
        listener: &mut dyn Listener,
        stop: &mut Stop<impl Future<Output = String> + Unpin>,
    ) -> Option<Ended> {
        let plan = Arc::clone(&self.plan);
        let mut performance = Performance::begin(&plan, &plan.preflight, Arc::default(), self.http_debug());
        let waiting = performance.waiting();
        let mut stage = self.stage(Phase::Preflight, Progress::default(), listener);
        tokio::select! {
            done = performance.all() => done.err().map(Ended::Unready),
            () = stage.shown(&waiting) => None,
            signal = stop.signal() => Some(Ended::Stopped(signal)),
        }
    }

    /// What it captured, also when it failed half-way, and why the run ends here, if it does.
    pub(super) async fn setup(
        &mut self,
        listener: &mut dyn Listener,
        stop: &mut Stop<impl Future<Output = String> + Unpin>,
    ) -> (Arc<Locals>, Option<Ended>) {
        let plan = Arc::clone(&self.plan);
        if plan.setup.steps.is_empty() {
            return (Arc::default(), None);
        }
        let mut performance = Performance::begin(&plan, &plan.setup, Arc::default(), self.http_debug());
        let waiting = performance.waiting();
        let mut stage = self.stage(Phase::Setup, Progress::default(), listener);
        let ended = tokio::select! {
            done = performance.all() => done.err().map(Ended::Unready),
            () = stage.shown(&waiting) => None,
            signal = stop.signal() => Some(Ended::Stopped(signal)),
        };
        (Arc::new(performance.locals()), ended)
    }

    /// Whatever became of the load. A signal does not end it, for it cleans up; a second one ends the process.
    pub(super) async fn teardown(
        &mut self,
        given: Arc<Locals>,
        listener: &mut dyn Listener,
        stop: &mut Stop<impl Future<Output = String> + Unpin>,
    ) {
        let plan = Arc::clone(&self.plan);
        if plan.teardown.steps.is_empty() {
            return;
        }
        let mut performance = Performance::begin(&plan, &plan.teardown, given, self.http_debug());
        let waiting = performance.waiting();
        let reached = self.reached.clone();
        let mut stage = self.stage(Phase::Teardown, reached, listener);
        let listen = async {
            stop.signal().await;
            std::future::pending::<()>().await;
        };
        self.left_behind = tokio::select! {
            failed = performance.each() => failed,
            () = stage.shown(&waiting) => Vec::new(),
            () = listen => Vec::new(),
        };
    }

    pub(super) fn http_debug(&self) -> Option<HttpDebug> {
        self.options.load.instruments.http_debug
    }

    pub(super) fn stage<'a>(
        &'a mut self,
        phase: Phase,
        progress: Progress,
        listener: &'a mut dyn Listener,
    ) -> Stage<'a> {
        self.enter(phase, listener);
        let progress = Progress { phase, ..progress };
        listener.progress(&progress);
        Stage { run: self, progress, listener }
    }
}

/// A stage while it lasts.
pub(super) struct Stage<'a> {
    run: &'a Run,
    progress: Progress,
    listener: &'a mut dyn Listener,
}

impl Stage<'_> {
    /// Shows it at each tick, for ever.
    pub(super) async fn shown(&mut self, waiting: &RefCell<Option<Waiting>>) {
        let mut ticks = tokio::time::interval_at(Instant::now() + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.progress.waiting.clone_from(&waiting.borrow());
            self.listener.progress(&self.progress);
            self.listener.families(self.run.families(None));
        }
    }
}
