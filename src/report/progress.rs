//! What is shown while a run lasts: one snapshot a second.

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    pub phase: Phase,
    /// Since load began.
    pub elapsed: Duration,
    /// When the last scenario ends by plan, without its graceful stop.
    pub planned: Duration,
    pub scenarios: Vec<ScenarioProgress>,
    pub probes: Vec<ProgressProbe>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    #[default]
    Preflight,
    Running,
    /// No iteration starts any more; running ones may finish.
    Draining,
    Finished,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScenarioProgress {
    pub name: String,
    /// `1000 looping VUs for 5m`
    pub executor: String,
    pub start_time: Duration,
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
