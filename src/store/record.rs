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
