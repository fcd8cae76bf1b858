//! A run as people and machines read it: progress while it lasts, then text and JSON.

mod finished;
mod progress;

pub use finished::{Finished, Probe};
pub use progress::{Phase, Progress, ProgressProbe, ScenarioProgress};
