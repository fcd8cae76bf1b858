//! What a run does to the world beside its load: commands, requests and signals, journaled, so that what was begun is ended.
//!
//! Requests are made by [`run`](crate::run), which has a user for them.

pub mod exec;
mod journal;
pub mod signal;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use journal::{Entry, HookList, Journal, Journaled};

/// What actions may do here, and where it is written down.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether programs may be run.
    pub allow_exec: bool,
    /// Without one, whatever a crash cuts stays as it is.
    pub journal: Option<Arc<dyn Journal>>,
    /// What programs find in their environment beside what loadgate and the plan set; `None`: all that this process has.
    pub environment: Option<Vec<(String, String)>>,
}

/// What came of an action.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub took: Duration,
    /// Why it failed.
    pub error: Option<String>,
    /// Of programs.
    pub output: Option<Output>,
}

/// What a program wrote.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Output {
    pub stdout: Captured,
    pub stderr: Captured,
}

/// The beginning of a stream: [`exec::KEPT_BYTES`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Captured {
    pub text: String,
    /// Written after that, and not kept.
    pub more_bytes: u64,
}

impl Outcome {
    pub fn failed(error: impl Into<String>) -> Self {
        Outcome { error: Some(error.into()), ..Outcome::default() }
    }

    pub fn succeeded(&self) -> bool {
        self.error.is_none()
    }

    /// With every text changed by `change`: what must not be shown is taken out.
    pub fn map_texts(mut self, change: impl Fn(&str) -> String) -> Self {
        self.error = self.error.map(|error| change(&error));
        if let Some(output) = &mut self.output {
            for stream in [&mut output.stdout, &mut output.stderr] {
                stream.text = change(&stream.text);
            }
        }
        self
    }
}
