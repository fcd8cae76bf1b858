//! What is asked of runs that are there: to stop, to be shown, to be repeated.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, SecondsFormat};
use serde_json::Value as Json;

use super::accept::{Key, Wanted};
use super::work::cadence;
use super::{Event, Inner, PlanView, Refusal, RunFilter, ScheduleView, Submitted, now_ms};
use crate::config::{LoadOptions, PlanOutline, outline, read};
use crate::run::Control;
use crate::store::compare::compare;
use crate::store::{Ending, Filter, RunId, RunRecord, RunState, StoredEvent, Trigger};
use crate::verdict::Verdict;

/// Events that are answered at a time.
const PAGE: usize = 500;
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

impl Inner {
    pub(super) fn control(&self, id: &RunId) -> Result<Control, Refusal> {
        if let Some(active) = self.lock_active().get(id) {
            return Ok(active.control.clone());
        }
        let record = self.record(id)?;
        Err(Refusal::Conflict(format!("run {id} is {}", record.state.label())))
    }

    pub(super) fn tell_to_stop(&self, id: &RunId, why: String) -> bool {
        let mut active = self.lock_active();
        let Some(active) = active.get_mut(id) else { return false };
        if let Some(stop) = active.stop.take() {
            let _it_is_over_already = stop.send(why);
        }
        true
    }

    pub(super) fn stop(self: &Arc<Self>, id: &RunId, why: String) -> Result<RunRecord, Refusal> {
        let record = self.record(id)?;
        if record.state.has_ended() {
            return Err(Refusal::Conflict(format!("run {id} is over: {}", record.state.label())));
        }
        if !self.tell_to_stop(id, why.clone()) {
            // Before it begins: the queue takes the same lock on the disk.
            let ending = Ending {
                verdict: Verdict::Stopped.label().to_owned(),
                exit_code: Verdict::Stopped.exit_code(),
                ended_by: Some(why.clone()),
                summary: Json::Null,
                at_ms: now_ms(),
            };
            match self.runs.finish_queued(id, &ending)? {
                true => self.announce(),
                // It has begun meanwhile.
                false => {
                    self.tell_to_stop(id, why);
                }
            }
        }
        self.record(id)
    }

    pub(super) fn rerun(self: &Arc<Self>, id: &RunId, key: Option<String>) -> Result<Submitted, Refusal> {
        let record = self.record(id)?;
        let submission = self.runs.submission(id)?;
        let digest = format!("rerun {id}").into_bytes();
        let key = key.map(|key| Key { key, digest });
        self.accept(Wanted { submission, path: record.plan, trigger: Trigger::Rerun(id.clone()), key })
    }

    pub(super) fn list(&self, filter: RunFilter) -> Result<Vec<RunRecord>, Refusal> {
        let RunFilter { states, test, before, limit } = filter;
        let limit = if limit == 0 { DEFAULT_LIMIT } else { limit.min(MAX_LIMIT) };
        let mut runs = self.runs.list(&Filter { states, test, before, limit })?;
        runs.iter_mut().for_each(|run| self.unsealed_over(run));
        Ok(runs)
    }

    pub(super) fn events(&self, id: &RunId, after: Option<u64>) -> Result<(Vec<Event>, bool), Refusal> {
        // In this order: an event that comes between is found the next time.
        let record = self.record(id)?;
        let found = self.runs.events(id, after.unwrap_or(0), PAGE)?;
        let is_whole = found.len() < PAGE;
        let ended = record.state.has_ended() && is_whole && !self.is_unsealed(id);
        Ok((found.into_iter().map(dated).collect(), ended))
    }

    pub(super) fn compare(&self, a: &RunId, b: &RunId) -> Result<Json, Refusal> {
        let (a, b) = (self.record(a)?, self.record(b)?);
        for run in [&a, &b] {
            if !run.state.has_ended() {
                return Err(Refusal::Conflict(format!("run {} is {}", run.id, run.state.label())));
            }
        }
        Ok(compare(&a, &b).to_json())
    }

    pub(super) fn plan_views(&self) -> Vec<PlanView> {
        let settings = self.settings();
        let view = |(name, path): (String, std::path::PathBuf)| {
            let shown = path.display().to_string();
            match about(&path) {
                Ok((outline, problem)) => PlanView { name, path: shown, outline, problem },
                Err(problem) => {
                    PlanView { name, path: shown, outline: PlanOutline::default(), problem: Some(problem) }
                }
            }
        };
        settings.plans().into_iter().map(view).collect()
    }

    pub(super) fn schedule_views(&self) -> Vec<ScheduleView> {
        let settings = self.settings();
        let view = |schedule: &crate::config::ScheduleConfig| ScheduleView {
            name: schedule.name.value.clone(),
            plan: schedule.plan.value.clone(),
            profile: schedule.profile.clone(),
            cron: schedule.cron_text.clone(),
            timezone: schedule.timezone.to_string(),
            next_ms: cadence(schedule).next_after(now_ms()),
        };
        settings.config.schedules.iter().map(view).collect()
    }

    /// The verdict of a run that is over, where the disk does not know it yet.
    pub(super) fn unsealed_over(&self, record: &mut RunRecord) {
        let unsealed = self.unsealed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ending) = unsealed.get(&record.id) {
            record.state = RunState::Finished;
            record.ended_ms = Some(ending.at_ms);
            record.verdict = Some(ending.verdict.clone());
            record.exit_code = Some(ending.exit_code);
            record.ended_by.clone_from(&ending.ended_by);
            record.summary = Some(ending.summary.clone());
        }
    }

    fn is_unsealed(&self, id: &RunId) -> bool {
        self.unsealed.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }
}

/// With its time among its data, too: a stream of events has no other place for it.
fn dated(event: StoredEvent) -> Event {
    let StoredEvent { seq, at_ms, kind, mut data } = event;
    if let Some(fields) = data.as_object_mut() {
        fields.insert("at".to_owned(), utc(at_ms).into());
    }
    Event { seq, at_ms, kind, data }
}

/// Milliseconds since the Unix epoch as RFC 3339.
fn utc(at_ms: i64) -> String {
    DateTime::from_timestamp_millis(at_ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What a plan says of itself, and what is wrong with it.
fn about(path: &Path) -> Result<(PlanOutline, Option<String>), String> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| format!("failed to read {shown}: {error}"))?;
    let mut outline = outline(&text);
    match read(&shown, &text, &LoadOptions::default()) {
        Ok(loaded) => {
            outline.description.clone_from(&loaded.config.description);
            Ok((outline, None))
        }
        Err(problems) => Ok((outline, Some(problems.to_string()))),
    }
}
