//! Faults while the load is sent: done, undone and watched. The timeline and the measurement are those of `chaos`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::actions::Deputy;
use crate::action::{Entry, Outcome};
use crate::chaos::{Deed, Recovery, RecoveryState, Schedule, Stage, Timeline};
use crate::family::{Family, FamilyKind};
use crate::labels::Labels;
use crate::plan::{Action, Fault, Plan};
use crate::promql::{Options, Value};
use crate::report::FaultReport;
use crate::rules::{Gate, RecoveryGate, RecoveryOutcome};
use crate::time::{Clock, Elapsed};
use crate::tsdb::Store;
use crate::verdict::Doubt;

/// How often an undo is tried.
const TRIES: u32 = 3;
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

type Working = Pin<Box<dyn Future<Output = (usize, Deed, Outcome)>>>;

pub(super) struct Faults {
    plan: Arc<Plan>,
    deputy: Arc<Deputy>,
    timeline: Timeline,
    working: FuturesUnordered<Working>,
    recoveries: Vec<Option<Recovery>>,
    done: Vec<Done>,
}

/// What came of `do` and `undo`, once they are over.
#[derive(Debug, Clone, Default)]
struct Done {
    act: Option<Outcome>,
    undo: Option<Outcome>,
}

impl Faults {
    pub(super) fn new(plan: &Arc<Plan>, deputy: Deputy) -> Self {
        let schedule = |fault: &Fault| Schedule {
            at: fault.at.into(),
            has_do: fault.act.is_some(),
            has_undo: fault.undo.is_some(),
            lasts: fault.lasts,
        };
        let recovery = |fault: &Fault| {
            fault.recovery.as_ref().map(|recovery| Recovery::new(recovery.stable_for, recovery.within))
        };
        Faults {
            timeline: Timeline::new(plan.faults.iter().map(schedule)),
            recoveries: plan.faults.iter().map(recovery).collect(),
            done: vec![Done::default(); plan.faults.len()],
            plan: Arc::clone(plan),
            deputy: Arc::new(deputy),
            working: FuturesUnordered::new(),
        }
    }

    /// Until something has begun or ended; for ever when there is nothing to come.
    pub(super) async fn advance(&mut self, clock: &Clock) {
        let next = self.timeline.next();
        let sleep = async {
            match next {
                Some(due) => tokio::time::sleep_until(clock.instant(due)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some((fault, deed, outcome)) = self.working.next() => self.finished(fault, deed, outcome, clock),
            () = sleep => {}
            else => std::future::pending().await,
        }
        self.begin_due(clock);
    }

    /// The load is over: undoes whatever is there.
    pub(super) async fn end(&mut self, clock: &Clock) {
        self.timeline.end();
        self.begin_due(clock);
        while let Some((fault, deed, outcome)) = self.working.next().await {
            self.finished(fault, deed, outcome, clock);
            self.begin_due(clock);
        }
    }

    fn begin_due(&mut self, clock: &Clock) {
        for (fault, deed) in self.timeline.due(clock.now()) {
            self.begin(fault, deed);
        }
        for (fault, recovery) in self.recoveries.iter_mut().enumerate() {
            if let (Stage::Cleared { at, .. }, Some(recovery)) = (self.timeline.stage(fault), recovery) {
                recovery.cleared(at);
            }
        }
    }

    fn begin(&mut self, fault: usize, deed: Deed) {
        let (plan, deputy) = (Arc::clone(&self.plan), Arc::clone(&self.deputy));
        self.working.push(Box::pin(async move {
            let outcome = match deed {
                Deed::Do => break_it(&deputy, fault, &plan.faults[fault]).await,
                Deed::Undo => mend(&deputy, fault, &plan.faults[fault]).await,
            };
            (fault, deed, outcome)
        }));
    }

    fn finished(&mut self, fault: usize, deed: Deed, outcome: Outcome, clock: &Clock) {
        let more = self.timeline.done(fault, deed, outcome.succeeded(), clock.now());
        match deed {
            Deed::Do => self.done[fault].act = Some(outcome),
            Deed::Undo => self.done[fault].undo = Some(outcome),
        }
        if let Some(more) = more {
            self.begin(fault, more);
        }
    }

    /// Whether the target has recovered; `gates_hold` says it where the plan has no condition of its own.
    pub(super) fn look(&mut self, now: Elapsed, at_ms: i64, store: &Store, gates_hold: bool) {
        for (fault, recovery) in self.plan.faults.iter().zip(&mut self.recoveries) {
            let (Some(recovery), Some(planned)) = (recovery, &fault.recovery) else { continue };
            let holds = match &planned.when {
                None => gates_hold,
                Some(query) => match query.instant(store, at_ms, &Options::default()) {
                    Ok(answer) => match answer.value {
                        Value::Vector(vector) => !vector.is_empty(),
                        Value::Scalar(point) => point.value != 0.0 && !point.value.is_nan(),
                        Value::String { .. } | Value::Matrix(_) => false,
                    },
                    Err(error) => {
                        tracing::debug!(fault = &*fault.name, "failed to ask whether it recovered: {error}");
                        false
                    }
                },
            };
            recovery.look(now, holds);
        }
    }

    /// Alerts that may fire now without failing the run.
    pub(super) fn tolerated(&self) -> Vec<&str> {
        let faults = self.plan.faults.iter().zip(&self.recoveries).enumerate();
        let awaited = faults.filter(|(at, (_, recovery))| match self.timeline.stage(*at) {
            Stage::Waiting => false,
            Stage::Doing | Stage::Active { .. } | Stage::Undoing { .. } | Stage::Stuck => true,
            Stage::Cleared { .. } | Stage::Failed => recovery.as_ref().is_some_and(Recovery::is_awaited),
        });
        awaited.flat_map(|(_, (fault, _))| fault.tolerate.iter().map(String::as_str)).collect()
    }

    pub(super) fn gates(&self) -> Vec<Gate> {
        let mut gates = Vec::new();
        for (at, (fault, recovery)) in self.plan.faults.iter().zip(&self.recoveries).enumerate() {
            let (Some(recovery), Some(planned)) = (recovery, &fault.recovery) else { continue };
            let (within, stable_for) = (planned.within, planned.stable_for);
            let outcome = match recovery.state() {
                _ if matches!(self.timeline.stage(at), Stage::Failed) => RecoveryOutcome::NoFault,
                RecoveryState::NotYet => RecoveryOutcome::NoFault,
                RecoveryState::Recovered(took) if took <= within => RecoveryOutcome::Recovered(took),
                RecoveryState::Recovered(took) => RecoveryOutcome::Late(took),
                RecoveryState::TooLate { since_cleared } => RecoveryOutcome::Never { since_cleared },
                RecoveryState::Open { held, since_cleared } => {
                    RecoveryOutcome::Unknown { held, since_cleared }
                }
            };
            let fault = fault.name.to_string();
            gates.push(Gate::Recovery(RecoveryGate { fault, within, stable_for, outcome }));
        }
        gates
    }

    pub(super) fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        for (fault, Done { act, undo }) in self.plan.faults.iter().zip(&self.done) {
            let failed = |outcome: &Option<Outcome>| outcome.as_ref().and_then(|it| it.error.clone());
            let what =
                |action: &Option<Action>| action.as_ref().map(|it| it.what.clone()).unwrap_or_default();
            if let Some(error) = failed(act) {
                let (name, what) = (fault.name.to_string(), what(&fault.act));
                doubts.push(Doubt::FaultNotDone { name, what, error });
            }
            if let Some(error) = failed(undo) {
                let (name, what) = (fault.name.to_string(), what(&fault.undo));
                doubts.push(Doubt::FaultNotUndone { name, what, error });
            }
        }
        doubts
    }

    pub(super) fn reports(&self) -> Vec<FaultReport> {
        let faults = self.plan.faults.iter().zip(&self.done).enumerate();
        let report = |(at, (fault, Done { act, undo })): (usize, (&Fault, &Done))| {
            let (injected, cleared) = self.times(at);
            FaultReport {
                name: fault.name.to_string(),
                act: fault.act.as_ref().map(|act| act.what.clone()),
                injected: injected.map(Duration::from),
                cleared: cleared.map(Duration::from),
                recovered_after: self.recovered(at),
                done: act.clone(),
                undone: undo.clone(),
            }
        };
        faults.map(report).collect()
    }

    /// When it was there, and when it was gone again.
    fn times(&self, fault: usize) -> (Option<Elapsed>, Option<Elapsed>) {
        match self.timeline.stage(fault) {
            Stage::Active { since } | Stage::Undoing { since: Some(since) } => (Some(since), None),
            Stage::Cleared { since, at } => (Some(since), Some(at)),
            Stage::Waiting | Stage::Doing | Stage::Undoing { since: None } | Stage::Failed | Stage::Stuck => {
                (None, None)
            }
        }
    }

    fn recovered(&self, fault: usize) -> Option<Duration> {
        match self.recoveries[fault].as_ref()?.state() {
            RecoveryState::Recovered(took) => Some(took),
            _ => None,
        }
    }

    /// Times are 0 and not absent before they come, so that a rule has something to look at.
    pub(super) fn families(&self, labels: &Labels, clock: Option<Clock>) -> Vec<Family> {
        if self.plan.faults.is_empty() {
            return Vec::new();
        }
        let family = |name: &str, help: &str| Family::new(name, FamilyKind::Gauge, help);
        let mut injected = family(
            "loadgate_fault_injected_timestamp_seconds",
            "When the fault was there, since unix epoch; 0 before.",
        );
        let mut cleared = family(
            "loadgate_fault_cleared_timestamp_seconds",
            "When the fault was gone, since unix epoch; 0 before.",
        );
        let mut active = family("loadgate_fault_active", "Whether the fault is there.");
        let mut recovered = family(
            "loadgate_fault_recovered",
            "Whether the target has recovered from the fault; of those with `recovery`.",
        );
        let mut seconds = family(
            "loadgate_fault_recovery_seconds",
            "From the end of the fault to the recovery of the target, once it has recovered.",
        );
        let unix =
            |at: Option<Elapsed>| at.zip(clock).map_or(0.0, |(at, clock)| clock.unix_ms(at) as f64 / 1e3);
        for (at, fault) in self.plan.faults.iter().enumerate() {
            let labels = labels.with("fault", &fault.name);
            let (began, ended) = self.times(at);
            injected.push(labels.clone(), unix(began));
            cleared.push(labels.clone(), unix(ended));
            let there = !matches!(
                self.timeline.stage(at),
                Stage::Waiting | Stage::Cleared { .. } | Stage::Failed | Stage::Doing
            );
            active.push(labels.clone(), f64::from(u8::from(there)));
            if fault.recovery.is_some() {
                let took = self.recovered(at);
                recovered.push(labels.clone(), f64::from(u8::from(took.is_some())));
                if let Some(took) = took {
                    seconds.push(labels, took.as_secs_f64());
                }
            }
        }
        vec![injected, cleared, active, recovered, seconds]
    }
}

/// Noted before it is done: whoever finds the note undoes it.
async fn break_it(deputy: &Deputy, at: usize, fault: &Fault) -> Outcome {
    let Some(action) = &fault.act else { return Outcome::default() };
    let entry = Entry::Fault { at, name: fault.name.to_string() };
    let journal = deputy.options.journal.as_ref();
    if let Some(Err(error)) = journal.map(|journal| journal.begin(&entry.key(), &entry)) {
        return Outcome::failed(format!("it was not begun, for the journal cannot be written: {error}"));
    }
    let outcome = deputy.act(action, &key(at, Deed::Do)).await;
    tracing::info!(fault = &*fault.name, "{}: {}", action.what, said(&outcome));
    if fault.undo.is_none() {
        end(deputy, &entry, &outcome);
    }
    outcome
}

/// Tries it some times; the note is taken back only when it is known to be undone.
pub(super) async fn mend(deputy: &Deputy, at: usize, fault: &Fault) -> Outcome {
    let entry = Entry::Fault { at, name: fault.name.to_string() };
    let Some(action) = &fault.undo else {
        let nothing = Outcome::default();
        end(deputy, &entry, &nothing);
        return nothing;
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let outcome = deputy.act(action, &key(at, Deed::Undo)).await;
        tracing::info!(fault = &*fault.name, "{}: {}", action.what, said(&outcome));
        if outcome.succeeded() {
            end(deputy, &entry, &outcome);
            return outcome;
        }
        if tries == TRIES {
            return outcome;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Of programs that were run for it.
pub(super) fn key(at: usize, deed: Deed) -> String {
    match deed {
        Deed::Do => format!("fault-{at}-do"),
        Deed::Undo => format!("fault-{at}-undo"),
    }
}

fn end(deputy: &Deputy, entry: &Entry, outcome: &Outcome) {
    if let Some(Err(error)) = deputy.options.journal.as_ref().map(|it| it.end(&entry.key(), outcome)) {
        tracing::warn!(testid = deputy.testid, "failed to write to the journal that it is done: {error}");
    }
}

fn said(outcome: &Outcome) -> String {
    match &outcome.error {
        None => format!("done in {:.1?}", outcome.took),
        Some(error) => format!("failed: {error}"),
    }
}
