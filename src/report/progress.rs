//! What is shown while a run lasts: one snapshot a second.

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    pub phase: Phase,
    /// Since load began, without pauses.
    pub elapsed: Duration,
    /// How long the run has been paused, all pauses together.
    pub paused: Duration,
    /// When the last scenario ends by plan, without its graceful stop.
    pub planned: Duration,
    pub scenarios: Vec<ScenarioProgress>,
    pub probes: Vec<ProgressProbe>,
    /// What comes before this is not judged.
    pub warmup: Duration,
    /// What a step of `preflight` waits for.
    pub waiting: Option<Waiting>,
    pub traffic: Traffic,
}

/// A step that failed so far and is tried again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Waiting {
    /// `GET http://localhost:4000/health`
    pub what: String,
    pub why: String,
    pub waited: Duration,
    pub at_most: Duration,
}

/// What has gone over the wire since load began.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Traffic {
    /// HTTP requests and WebSocket messages sent.
    pub published: u64,
    /// Of requests, WebSocket connections and receives.
    pub errors: u64,
    pub bytes_sent: u64,
    /// Of HTTP requests, or of WebSocket replies' first messages where there are no requests.
    pub latencies: u64,
    /// The sum of those.
    pub latency: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    #[default]
    Preflight,
    Setup,
    Running,
    /// No iteration starts until the run is resumed; running ones may finish.
    Paused,
    /// No iteration starts any more; running ones may finish.
    Draining,
    /// The load is over, and what it left is asked about.
    Verifying,
    Teardown,
    Finished,
}

impl Phase {
    /// Whether load was sent already, or is being sent.
    pub fn has_load(self) -> bool {
        !matches!(self, Phase::Preflight | Phase::Setup)
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScenarioProgress {
    pub name: String,
    /// `1000 looping VUs for 5m`
    pub executor: String,
    /// When it began, or is expected to.
    pub start_time: Duration,
    /// The scenario whose end it still waits for.
    pub waits_for: Option<String>,
    pub duration: Duration,
    pub active_vus: u64,
    pub allocated_vus: u64,
    pub max_vus: u64,
    /// How many iterations are asked for, where their number ends the scenario.
    pub iterations: Option<u64>,
    /// No iteration will start any more, and none is running.
    pub done: bool,
    pub completed: u64,
    pub interrupted: u64,
    pub dropped: u64,
    /// Iterations completed in the last second.
    pub iterations_per_sec: f64,
    /// Exchanges since the run began that failed, 0 to 1; `None` before the first.
    pub failed_share: Option<f64>,
    /// p95 since the run began of what a user of this scenario waits for: the HTTP response time, a
    /// WebSocket's first message, or the iteration.
    pub p95: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProgressProbe {
    pub name: String,
    pub last: Option<f64>,
    pub min: Option<f64>,
    pub avg: Option<f64>,
}
