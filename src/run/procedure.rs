//! What is done by one user outside of the load: the steps of `preflight`, `setup` and `teardown`.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::LocalSet;

use super::failures::failures;
use crate::config::Redactor;
use crate::flow::{self, HttpDebug, Instruments, Shared, Vu, Worker};
use crate::plan::{Plan, Procedure, ProcedureStep};
use crate::record::Shard;
use crate::report::Waiting;
use crate::template::Locals;
use crate::time::{Clock, Elapsed};

const RETRY_EVERY: Duration = Duration::from_millis(500);
/// What a last try gets, however little of `wait_for` is left.
const LEAST_TRY: Duration = Duration::from_secs(1);

/// A procedure that is being done.
pub(super) struct Performance<'a> {
    procedure: &'a Procedure,
    clock: Clock,
    worker: Rc<Worker>,
    vu: Vu,
    /// What its connections do beside it.
    tasks: LocalSet,
    /// When all steps must be done.
    deadline: Option<Elapsed>,
    redactor: Arc<Redactor>,
    /// What it waits for, for the person who waits too.
    waiting: Rc<RefCell<Option<Waiting>>>,
}

impl<'a> Performance<'a> {
    /// `given` is what the steps see of an earlier procedure.
    pub(super) fn begin(
        plan: &'a Plan,
        procedure: &'a Procedure,
        given: Arc<Locals>,
        http_debug: Option<HttpDebug>,
    ) -> Self {
        let clock = Clock::start();
        let (settings, registry) = (Arc::clone(&plan.settings), Arc::clone(&procedure.registry));
        let worker = Worker::new(clock, settings, registry, Shared { given, ..Shared::default() });
        // Not tapped: its requests are no part of the load.
        let worker = Rc::new(worker.watched(&Instruments { taps: None, http_debug }));
        let mut vu =
            Vu::new(1, Arc::from(procedure.name), plan.vars.clone(), procedure.series, Rc::clone(&worker));
        vu.begin_iteration(None);
        let deadline = procedure.timeout.map(Elapsed::from);
        let redactor = Arc::clone(&plan.redactor);
        let (tasks, waiting) = (LocalSet::new(), Rc::default());
        Performance { procedure, clock, worker, vu, tasks, deadline, redactor, waiting }
    }

    /// Seen from beside it.
    pub(super) fn waiting(&self) -> Rc<RefCell<Option<Waiting>>> {
        Rc::clone(&self.waiting)
    }

    /// What its steps captured and `set` so far.
    pub(super) fn locals(&self) -> Locals {
        self.vu.locals().clone()
    }

    /// All steps in order, each tried again until it succeeds or its `wait_for` has passed. The first that
    /// fails ends it; says which and why.
    pub(super) async fn all(&mut self) -> Result<(), String> {
        for step in &self.procedure.steps {
            self.succeed(step).await?;
        }
        Ok(())
    }

    /// Each step once, whatever became of the one before: what cleans up should clean up what it can. Says what failed.
    pub(super) async fn each(&mut self) -> Vec<String> {
        let mut failed = Vec::new();
        for (at, step) in self.procedure.steps.iter().enumerate() {
            if self.deadline.is_some_and(|deadline| self.clock.now() >= deadline) {
                let left = self.procedure.steps.len() - at;
                failed.push(format!("{}: no time was left for the last {left} steps", self.procedure.name));
                break;
            }
            failed.extend(self.attempt(step, None).await.err().map(|why| self.told(step, &why)));
        }
        failed
    }

    async fn succeed(&mut self, step: &ProcedureStep) -> Result<(), String> {
        let began = self.clock.now();
        let give_up = began + step.wait_for;
        loop {
            let patience = (!step.wait_for.is_zero()).then(|| give_up.max(self.clock.now() + LEAST_TRY));
            let Err(why) = self.attempt(step, patience).await else { break };
            let now = self.clock.now();
            if now >= give_up || self.deadline.is_some_and(|deadline| now >= deadline) {
                return Err(self.told(step, &why));
            }
            self.waiting.replace(Some(Waiting {
                what: step.what.clone(),
                why: self.redactor.redact(&why),
                waited: now.since(began),
                at_most: step.wait_for,
            }));
            tokio::time::sleep(RETRY_EVERY.min(give_up.since(now))).await;
        }
        self.waiting.replace(None);
        Ok(())
    }

    /// One try, for no longer than `patience` and the procedure's timeout. It succeeds when it counts as success in
    /// the load: no failed request, connection, receive or check, and every expression has a value.
    async fn attempt(&mut self, step: &ProcedureStep, patience: Option<Elapsed>) -> Result<(), String> {
        let before = self.vu.locals().clone();
        let limit = patience.into_iter().chain(self.deadline).min().unwrap_or(Elapsed::MAX);
        let work = self.tasks.run_until(step.flow.run(&mut self.vu));
        let ended = tokio::select! {
            ended = work => Some(ended),
            () = until(self.clock, limit) => None,
        };
        let registry = &self.procedure.registry;
        let shard = self.worker.shard.replace(Shard::new(Arc::clone(registry)));
        let mut why = failures(registry, &shard, step.exchange);
        match ended {
            Some(Err(flow::Ended::Error(error))) => why.push(error),
            Some(Err(flow::Ended::SessionLost)) if why.is_empty() => {
                why.push("the WebSocket is gone".to_owned())
            }
            Some(_) => {}
            None => why.push(match self.procedure.timeout {
                Some(timeout) => format!("not done in time ({}_timeout: {timeout:?})", self.procedure.name),
                None => "no answer in time".to_owned(),
            }),
        }
        if why.is_empty() {
            return Ok(());
        }
        self.vu.restore(before);
        // What its connections had to say when they went belongs to this attempt.
        self.worker.shard.replace(Shard::new(Arc::clone(registry)));
        Err(why.join("; "))
    }

    /// `setup POST http://localhost/init: status 503`
    fn told(&self, step: &ProcedureStep, why: &str) -> String {
        self.redactor.redact(&format!("{} {}: {why}", self.procedure.name, step.what))
    }
}

/// `Elapsed::MAX` never comes.
async fn until(clock: Clock, limit: Elapsed) {
    if limit == Elapsed::MAX {
        return std::future::pending().await;
    }
    tokio::time::sleep_until(clock.instant(limit)).await;
}
