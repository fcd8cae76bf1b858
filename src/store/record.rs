//! A run as it is kept.

use std::fmt;

use serde_json::Value as Json;

pub use crate::plan::Bundle;

/// A run's id, the label `testid`: sortable by time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Accepted, and not begun.
    Queued,
    Preflight,
    Setup,
    Running,
    Paused,
    Draining,
    Verifying,
    Teardown,
    /// It has a verdict.
    Finished,
    /// The daemon went away in the middle: what it had found by then is kept.
    Interrupted,
}

impl RunState {
    pub const ALL: [RunState; 10] = [
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

    /// Its word: in the API, in metrics, on disk.
    pub fn label(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Preflight => "preflight",
            RunState::Setup => "setup",
            RunState::Running => "running",
            RunState::Paused => "paused",
            RunState::Draining => "draining",
            RunState::Verifying => "verifying",
            RunState::Teardown => "teardown",
            RunState::Finished => "finished",
            RunState::Interrupted => "interrupted",
        }
    }

    pub fn from_label(label: &str) -> Option<Self> {
        RunState::ALL.into_iter().find(|state| state.label() == label)
    }

    /// Nothing happens to it any more.
    pub fn has_ended(self) -> bool {
        matches!(self, RunState::Finished | RunState::Interrupted)
    }
}

/// All that is needed to execute a run, whenever that will be. Kept sealed: it may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    pub bundle: Bundle,
    pub profile: Option<String>,
    /// Values of variables that the plan declares.
    pub env: Vec<(String, String)>,
    pub tags: Vec<(String, String)>,
}

/// Who asked for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Over HTTP: `loadgate run --server` too.
    Api,
    /// The name of the schedule.
    Schedule(String),
    /// The run that was repeated.
    Rerun(RunId),
}

/// What is shown of a run from the moment it is accepted; nothing of it may be secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// The plan's name, the label `test`.
    pub test: String,
    /// Where the plan came from: its path.
    pub plan: String,
    pub profile: Option<String>,
    pub tags: Vec<(String, String)>,
    pub trigger: Trigger,
}

/// What makes a repeated request known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency<'a> {
    /// The client's.
    pub key: &'a str,
    /// Of the whole request: another one under the same key is a mistake.
    pub digest: &'a [u8],
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq)]
pub enum Accepted {
    Created(RunRecord),
    /// The key was known, this is the run of then; nothing was added.
    Known(RunRecord),
    /// The key was known for another request, which led to this run; nothing was added.
    KeyConflict(RunRecord),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// `passed`, `failed`, `inconclusive`, `preflight_failed`, `stopped`
    pub verdict: String,
    pub exit_code: u8,
    /// Why it ended before its load did.
    pub ended_by: Option<String>,
    pub summary: Json,
    pub at_ms: i64,
}

/// Which runs are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Empty: any.
    pub states: Vec<RunState>,
    pub test: Option<String>,
    /// Only runs whose id comes before this one, for paging.
    pub before: Option<RunId>,
    /// At most.
    pub limit: usize,
}

/// What happened to a run.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// From 1 for each run. Gaps are events that were left out as outdated, see [`Runs::append_event`](super::Runs::append_event).
    pub seq: u64,
    pub at_ms: i64,
    /// `state`, `progress`, `log`, `finished`
    pub kind: String,
    pub data: Json,
}

/// Something begun outside of this program.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    pub key: String,
    pub begun: Json,
    /// What became of it, once it is over.
    pub ended: Option<Json>,
}

/// What is known of a test, also when its runs are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastOfTest {
    pub test: String,
    /// Of the last run that finished.
    pub verdict: String,
    pub last_success_ms: Option<i64>,
}

/// What is known of a run; nothing of it is secret.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    pub id: RunId,
    /// The plan's name, the label `test`.
    pub test: String,
    /// Where the plan came from: its path.
    pub plan: String,
    pub profile: Option<String>,
    pub tags: Vec<(String, String)>,
    pub trigger: Trigger,
    pub state: RunState,
    /// Milliseconds since the Unix epoch, as all times here.
    pub submitted_ms: i64,
    pub started_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    /// `passed`, `failed`, `inconclusive`, `preflight_failed`, `stopped`; of a finished run.
    pub verdict: Option<String>,
    pub exit_code: Option<u8>,
    /// Why it ended before its load did, or what cut it.
    pub ended_by: Option<String>,
    /// The JSON summary: the last that was written, so of an interrupted run what it had.
    pub summary: Option<Json>,
}
