//! Runs that outlive the terminal: a queue, schedules, and recovery after a crash. Knows nothing of HTTP.
//!
//! Whoever serves calls [`Daemon`]; each of its methods answers at once or after the disk, never after a run.

mod audience;
mod board;
mod request;
mod schedule;

use serde_json::Value as Json;

pub use audience::{Audience, LogSink};
pub use request::{
    Event, PlanSource, PlanView, Refusal, RunFilter, Scale, ScaleTo, ScheduleView, Submit, Submitted,
};

use crate::store::{RunId, RunRecord};

/// A handle; clones are the same daemon.
#[derive(Debug, Clone)]
pub struct Daemon {}

impl Daemon {
    /// When it returns, the run is on disk.
    pub async fn submit(&self, _request: Submit) -> Result<Submitted, Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    pub async fn rerun(&self, _id: &RunId, _idempotency_key: Option<String>) -> Result<Submitted, Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    pub async fn run(&self, _id: &RunId) -> Result<RunRecord, Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    /// The newest first.
    pub async fn runs(&self, _filter: RunFilter) -> Result<Vec<RunRecord>, Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    /// A queued run ends at once, a running one gracefully: its teardown and hooks are done. Stopping a run that was told
    /// to stop is no error.
    pub async fn stop(&self, _id: &RunId, _why: String) -> Result<RunRecord, Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    pub async fn pause(&self, _id: &RunId) -> Result<RunRecord, Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    pub async fn resume(&self, _id: &RunId) -> Result<RunRecord, Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    pub async fn scale(&self, _id: &RunId, _scale: Scale) -> Result<RunRecord, Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    pub async fn delete(&self, _id: &RunId) -> Result<(), Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    /// Those after the sequence number `after`, at once, and whether the run has ended; `None` from the first. Ask again
    /// after [`Daemon::changed`].
    pub async fn events(&self, _id: &RunId, _after: Option<u64>) -> Result<(Vec<Event>, bool), Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    /// Resolves when any run has a new event or a new state since `seen`, which it answers anew.
    pub async fn changed(&self, seen: u64) -> u64 {
        seen
    }

    /// What the run logged: lines of text.
    pub async fn log(&self, _id: &RunId) -> Result<String, Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    /// Every metric and every gate of two finished runs, with sentences on what got worse.
    pub async fn compare(&self, _a: &RunId, _b: &RunId) -> Result<Json, Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }

    pub async fn plans(&self) -> Vec<PlanView> {
        Vec::new()
    }

    pub async fn schedules(&self) -> Vec<ScheduleView> {
        Vec::new()
    }

    /// Reads the configuration again and takes it whole, or not at all.
    pub async fn reload(&self) -> Result<(), Refusal> {
        Err(Refusal::Unavailable("not built yet".to_owned()))
    }
}
