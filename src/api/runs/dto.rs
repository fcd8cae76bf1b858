//! What goes over the wire: the API's own types, so that store and daemon may change theirs.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, SecondsFormat};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::config::{DeclaredVariable, PlanOutline};
use crate::daemon::{PlanView, ScheduleView};
use crate::store::{RunRecord, RunState, Trigger};

/// A run, as far as it has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// The label `testid`.
    pub id: String,
    /// The plan's name, the label `test`.
    pub test: String,
    /// Where the plan came from.
    pub plan: String,
    pub profile: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub trigger: TriggeredBy,
    pub state: State,
    #[schema(format = DateTime)]
    pub submitted_at: String,
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// `passed`, `failed`, `inconclusive`, `preflight_failed` or `stopped`; of a run that has finished
    pub verdict: Option<String>,
    /// That of `loadgate run`.
    pub exit_code: Option<u8>,
    /// Why it ended before its load did, or what cut it.
    pub ended_by: Option<String>,
    /// How far it has come, where it is asked for while it is under way: the data of its newest event `progress`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<serde_json::Value>,
    /// Whether there is a summary to ask for, where the run is asked for alone: while it is under way, of what it has
    /// found so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_summary: Option<bool>,
}

/// Where a run is in its life; the last two are its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Queued,
    Preflight,
    Setup,
    Running,
    Paused,
    Draining,
    Verifying,
    Teardown,
    Finished,
    Interrupted,
}

/// Who asked for the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TriggeredBy {
    pub by: TriggerKind,
    /// The schedule's name, or the id of the run that was repeated.
    pub of: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    Api,
    Schedule,
    Rerun,
}

/// The newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunList {
    pub runs: Vec<Run>,
    /// `before` of the next page; null when there is none.
    pub next: Option<String>,
}

/// A run that is wanted: `plan`, a plan of the daemon's by its name, or `source`, a plan that comes along.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "chat-streaming")]
    pub plan: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Values of variables that the plan declares.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// On every series of the run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A plan with all files that it names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Of `files`, the plan.
    pub plan: String,
    /// By relative path, `/` between its parts.
    pub files: BTreeMap<String, FileContent>,
}

/// Text as it is, anything else in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum FileContent {
    Text(String),
    Base64 { base64: String },
}

impl FileContent {
    pub fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => FileContent::Text(text),
            Err(not_text) => FileContent::Base64 { base64: BASE64.encode(not_text.as_bytes()) },
        }
    }

    /// # Errors
    /// Why it is not base64.
    pub(super) fn bytes(self) -> Result<Vec<u8>, base64::DecodeError> {
        match self {
            FileContent::Text(text) => Ok(text.into_bytes()),
            FileContent::Base64 { base64 } => BASE64.decode(base64),
        }
    }
}

/// By hand: of an `untagged` enum the place of what is wrong would be lost.
impl<'de> Deserialize<'de> for FileContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Content;

        impl<'de> Visitor<'de> for Content {
            type Value = FileContent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the file's text, or {\"base64\": \"…\"}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<FileContent, E> {
                Ok(FileContent::Text(text.to_owned()))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<FileContent, E> {
                Ok(FileContent::Text(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FileContent, A::Error> {
                match map.next_entry::<String, String>()? {
                    Some((key, base64)) if key == "base64" && map.next_key::<String>()?.is_none() => {
                        Ok(FileContent::Base64 { base64 })
                    }
                    _ => Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
                }
            }
        }

        deserializer.deserialize_any(Content)
    }
}

/// How much load from now on: either `vus` or `rate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleRun {
    /// May be left out where the plan has one scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vus: Option<u64>,
    /// Iterations per time unit of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub rate: Option<f64>,
}

/// The daemon's own plans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanList {
    pub plans: Vec<Plan>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    pub name: String,
    pub path: String,
    pub description: Option<String>,
    pub profiles: Vec<String>,
    /// The one that applies if none is asked for.
    pub default_profile: Option<String>,
    /// That a run may be given values of.
    pub variables: Vec<Variable>,
    /// Why it cannot be run.
    pub problem: Option<String>,
}

/// A variable that a plan declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Variable {
    pub name: String,
    /// As the plan has it, before anything is filled in; null where there is none, or it is a secret.
    pub value: Option<String>,
    /// The plan has no value of its own for it.
    pub required: bool,
    /// Its values are not shown.
    pub secret: bool,
    /// Its value by profile, where a profile changes it.
    pub profiles: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleList {
    pub schedules: Vec<Schedule>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Schedule {
    pub name: String,
    pub plan: String,
    pub profile: Option<String>,
    pub cron: String,
    pub timezone: String,
    /// When a run is due next.
    #[schema(format = DateTime)]
    pub next_at: Option<String>,
}

/// What whoever asks may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessView {
    /// `query`, `run` or `admin`; each may what the ones before it may. Without a token file `admin`.
    pub scope: String,
}

/// What happened to a run, as server-sent events have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentEvent {
    /// Its number, from 1 without gaps.
    pub id: String,
    /// `state`, `progress`, `log` or `finished`
    pub event: String,
    /// JSON.
    pub data: String,
}

/// Why a request was refused, in the words of Prometheus' API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Error {
    /// Always `error`.
    pub status: String,
    /// `bad_data`, `unauthorized`, `forbidden`, `not_found`, `method_not_allowed`, `conflict`, `unavailable`, `internal`
    pub error_type: String,
    /// For people.
    pub error: String,
}

impl State {
    /// As on the wire.
    pub fn name(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Preflight => "preflight",
            State::Setup => "setup",
            State::Running => "running",
            State::Paused => "paused",
            State::Draining => "draining",
            State::Verifying => "verifying",
            State::Teardown => "teardown",
            State::Finished => "finished",
            State::Interrupted => "interrupted",
        }
    }

    /// Nothing changes any more.
    pub fn has_ended(self) -> bool {
        matches!(self, State::Finished | State::Interrupted)
    }
}

/// A state of the store's by its name on the wire.
pub(super) fn run_state(name: &str) -> Option<RunState> {
    STATES.into_iter().find(|state| State::from(*state).name() == name)
}

pub(super) const STATES: [RunState; 10] = [
    RunState::Queued,
    RunState::Preflight,
    RunState::Setup,
    RunState::Running,
    RunState::Paused,
    RunState::Draining,
    RunState::Verifying,
    RunState::Teardown,
    RunState::Finished,
    RunState::Interrupted,
];

impl From<RunState> for State {
    fn from(state: RunState) -> State {
        match state {
            RunState::Queued => State::Queued,
            RunState::Preflight => State::Preflight,
            RunState::Setup => State::Setup,
            RunState::Running => State::Running,
            RunState::Paused => State::Paused,
            RunState::Draining => State::Draining,
            RunState::Verifying => State::Verifying,
            RunState::Teardown => State::Teardown,
            RunState::Finished => State::Finished,
            RunState::Interrupted => State::Interrupted,
        }
    }
}

impl From<Trigger> for TriggeredBy {
    fn from(trigger: Trigger) -> TriggeredBy {
        let (by, of) = match trigger {
            Trigger::Api => (TriggerKind::Api, None),
            Trigger::Schedule(name) => (TriggerKind::Schedule, Some(name)),
            Trigger::Rerun(run) => (TriggerKind::Rerun, Some(run.0)),
        };
        TriggeredBy { by, of }
    }
}

impl From<RunRecord> for Run {
    fn from(run: RunRecord) -> Run {
        Run {
            id: run.id.0,
            test: run.test,
            plan: run.plan,
            profile: run.profile,
            tags: run.tags.into_iter().collect(),
            trigger: run.trigger.into(),
            state: run.state.into(),
            submitted_at: utc(run.submitted_ms),
            started_at: run.started_ms.map(utc),
            ended_at: run.ended_ms.map(utc),
            verdict: run.verdict,
            exit_code: run.exit_code,
            ended_by: run.ended_by,
            progress: None,
            has_summary: None,
        }
    }
}

impl From<PlanView> for Plan {
    fn from(plan: PlanView) -> Plan {
        let PlanView { name, path, outline, problem } = plan;
        let PlanOutline { description, profiles, default_profile, variables } = outline;
        let variables = variables.into_iter().map(Variable::from).collect();
        Plan { name, path, description, profiles, default_profile, variables, problem }
    }
}

impl From<DeclaredVariable> for Variable {
    fn from(variable: DeclaredVariable) -> Variable {
        let DeclaredVariable { name, value, required, secret, profiles } = variable;
        Variable { name, value, required, secret, profiles: profiles.into_iter().collect() }
    }
}

impl From<ScheduleView> for Schedule {
    fn from(schedule: ScheduleView) -> Schedule {
        let ScheduleView { name, plan, profile, cron, timezone, next_ms } = schedule;
        Schedule { name, plan, profile, cron, timezone, next_at: next_ms.map(utc) }
    }
}

/// Milliseconds since the Unix epoch as RFC 3339.
pub(super) fn utc(at_ms: i64) -> String {
    let at = DateTime::from_timestamp_millis(at_ms).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
