//! What is asked of the daemon, and what it answers.

use serde_json::Value as Json;

pub use crate::executor::ScaleTo;

use crate::config::PlanOutline;
use crate::store::{Bundle, RunId, RunRecord, RunState};

/// A run that somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Submit {
    pub plan: PlanSource,
    pub profile: Option<String>,
    pub env: Vec<(String, String)>,
    pub tags: Vec<(String, String)>,
    /// A second request with the same key is the same run.
    pub idempotency_key: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PlanSource {
    /// One of the daemon's own, by its name.
    Named(String),
    /// One that the client brought.
    Given(Bundle),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    pub run: RunRecord,
    /// `false`: the key was known, this is the run of then.
    pub created: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunFilter {
    pub states: Vec<RunState>,
    pub test: Option<String>,
    /// Only runs before this one, for paging.
    pub before: Option<RunId>,
    /// At most; 0: 50.
    pub limit: usize,
}

/// For constant executors.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// May be left out where the plan has one scenario.
    pub scenario: Option<String>,
    pub to: ScaleTo,
}

/// What happened to a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// From 1, without gaps, for each run.
    pub seq: u64,
    pub at_ms: i64,
    /// `state`, `progress`, `log`, `finished`
    pub kind: String,
    pub data: Json,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PlanView {
    pub name: String,
    pub path: String,
    pub outline: PlanOutline,
    /// Why it cannot be run, or not without values for variables that it has none for.
    pub problem: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleView {
    pub name: String,
    pub plan: String,
    pub profile: Option<String>,
    pub cron: String,
    pub timezone: String,
    pub next_ms: Option<i64>,
}

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no run {0}")]
    NoSuchRun(RunId),
    /// A plan or values that cannot be: for people, with places.
    #[error("{0}")]
    Invalid(String),
    /// Not in this state, or not with this key.
    #[error("{0}")]
    Conflict(String),
    /// Caps, allow-list, `allow_exec`.
    #[error("{0}")]
    Forbidden(String),
    /// The queue or the disk is full: later, perhaps.
    #[error("{0}")]
    Unavailable(String),
}
