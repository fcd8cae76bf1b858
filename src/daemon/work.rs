//! What the daemon does by itself: takes runs out of the queue, starts what is scheduled, keeps its own metrics and rules,
//! and forgets what is too old.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::accept::{Key, Wanted, packed};
use super::schedule::Cadence;
use super::{Inner, Refusal, now_ms};
use crate::config::{Missed, Overlap, ScheduleConfig};
use crate::store::{Filter, RunId, RunState, Submission, Trigger};

/// How often own metrics are made and rules are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often runs that are too old are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

/// Until the daemon is told to end.
pub(super) async fn work(inner: Arc<Inner>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut clock = Schedules::new(&inner);
    let mut pruned: Option<Instant> = None;
    loop {
        tokio::select! {
            () = inner.stopping.cancelled() => return,
            () = inner.work.notified() => {}
            _ = ticks.tick() => {
                inner.tick_own().await;
                clock.start_due(&inner).await;
            }
        }
        let working = Arc::clone(&inner);
        let prune = pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY);
        if prune {
            pruned = Some(Instant::now());
        }
        let worked = tokio::task::spawn_blocking(move || {
            if prune {
                working.prune();
            }
            working.retry_endings();
            working.start_queued();
        });
        if let Err(error) = worked.await {
            tracing::error!("the queue has panicked: {error}");
        }
    }
}

impl Inner {
    /// As many as may run beside those that do.
    fn start_queued(self: &Arc<Self>) {
        if self.stopping.is_cancelled() {
            return;
        }
        loop {
            let free = self.settings().config.limits.max_concurrent_runs.saturating_sub(self.active_count());
            if free == 0 {
                return;
            }
            let next = match self.runs.next_queued() {
                Ok(Some(next)) => next,
                Ok(None) => return,
                Err(error) => {
                    tracing::error!("failed to read the queue: {error}");
                    return;
                }
            };
            if let Err(error) = self.begin(&next) {
                // It stays in the queue: what is not on disk has not begun.
                tracing::error!(testid = next.id.0, "failed to begin a run: {error}");
                return;
            }
        }
    }

    fn prune(&self) {
        let keep = i64::try_from(self.settings().config.keep_runs.as_millis()).unwrap_or(i64::MAX);
        match self.runs.prune(now_ms().saturating_sub(keep), usize::MAX) {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => tracing::info!("forgot {} runs that ended too long ago", gone.len()),
            Err(error) => tracing::error!("failed to forget old runs: {error}"),
        }
    }
}

/// When each schedule is due next.
struct Schedules {
    due: HashMap<String, i64>,
    /// Of what they were made: a reload brings others.
    of: Vec<ScheduleConfig>,
}

impl Schedules {
    fn new(inner: &Inner) -> Self {
        let mut schedules = Schedules { due: HashMap::new(), of: Vec::new() };
        schedules.take(inner, true);
        schedules
    }

    /// At the start of the daemon, what was due while it was not there.
    fn take(&mut self, inner: &Inner, starting: bool) {
        self.of.clone_from(&inner.settings().config.schedules);
        self.due.clear();
        let now = now_ms();
        for schedule in &self.of {
            let cadence = cadence(schedule);
            let name = schedule.name.value.clone();
            let seen =
                inner.runs.remembered(&remembered(&name)).ok().flatten().and_then(|ms| ms.parse().ok());
            let missed = seen.and_then(|seen: i64| cadence.missed(seen, now)).filter(|_| starting);
            if let Some((due, count)) = missed {
                tracing::warn!(schedule = name, "{count} due times passed while the daemon was not there");
                if schedule.missed == Missed::RunOnce {
                    self.due.insert(name, due);
                    continue;
                }
            }
            if let Some(next) = cadence.next_after(now) {
                self.due.insert(name, next);
            }
        }
    }

    async fn start_due(&mut self, inner: &Arc<Inner>) {
        if self.of != inner.settings().config.schedules {
            self.take(inner, false);
        }
        let now = now_ms();
        for schedule in &self.of {
            let name = &schedule.name.value;
            let Some(due) = self.due.get(name).copied().filter(|due| *due <= now) else { continue };
            match cadence(schedule).next_after(now) {
                Some(next) => self.due.insert(name.clone(), next),
                None => self.due.remove(name),
            };
            let (inner, schedule) = (Arc::clone(inner), schedule.clone());
            let started = tokio::task::spawn_blocking(move || inner.start_scheduled(&schedule, due)).await;
            if let Err(error) = started {
                tracing::error!("a schedule has panicked: {error}");
            }
        }
        inner.show_due(self.due.iter().map(|(name, due)| (name.clone(), *due)).collect());
    }
}

impl Inner {
    fn start_scheduled(self: &Arc<Self>, schedule: &ScheduleConfig, due_ms: i64) {
        let name = &schedule.name.value;
        if let Err(error) = self.runs.remember(&remembered(name), &due_ms.to_string()) {
            tracing::error!(schedule = name, "failed to take note of a due time: {error}");
        }
        if schedule.overlap == Overlap::Skip
            && let Some(running) = self.of_schedule(name)
        {
            tracing::warn!(schedule = name, "skipped: its last run {running} is not over yet");
            self.count_schedule(name, "skipped");
            return;
        }
        match self.submit_scheduled(schedule, due_ms) {
            Ok(()) => self.count_schedule(name, "started"),
            Err(refusal) => {
                tracing::error!(schedule = name, "failed to start: {refusal}");
                self.count_schedule(name, "failed");
            }
        }
    }

    fn submit_scheduled(self: &Arc<Self>, schedule: &ScheduleConfig, due_ms: i64) -> Result<(), Refusal> {
        let name = &schedule.name.value;
        let plans = self.settings().plans();
        let path = plans
            .get(&schedule.plan.value)
            .ok_or_else(|| Refusal::Invalid(format!("there is no plan `{}`", schedule.plan.value)))?;
        let profile = schedule.profile.clone();
        let packed = packed(&self.settings(), path, profile.clone(), schedule.env.clone())?;
        let submission = Submission { bundle: packed.bundle, profile, env: packed.env, tags: Vec::new() };
        // A daemon that comes back at once finds that this due time has its run already.
        let key = format!("schedule {name} {due_ms}");
        let key = Key { digest: key.clone().into_bytes(), key };
        let trigger = Trigger::Schedule(name.clone());
        self.accept(Wanted { submission, path: path.display().to_string(), trigger, key: Some(key) })
            .map(drop)
    }

    /// A run of this schedule that is not over.
    fn of_schedule(&self, name: &str) -> Option<RunId> {
        let states = RunState::ALL.into_iter().filter(|state| !state.has_ended()).collect();
        let filter = Filter { states, limit: 500, ..Filter::default() };
        let runs = self.runs.list(&filter).unwrap_or_default();
        let of = |trigger: &Trigger| matches!(trigger, Trigger::Schedule(schedule) if schedule == name);
        runs.into_iter().find(|run| of(&run.trigger)).map(|run| run.id)
    }
}

pub(super) fn cadence(schedule: &ScheduleConfig) -> Cadence {
    Cadence { cron: schedule.cron.clone(), timezone: schedule.timezone.0 }
}

fn remembered(schedule: &str) -> String {
    format!("schedule {schedule} was due")
}
