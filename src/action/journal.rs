//! What was begun and what was ended, written down by whoever outlives a crash.

use std::fmt;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Outcome;

/// The notes of one run. Each note is on disk when the call returns.
pub trait Journal: fmt::Debug + Send + Sync {
    /// Before an action is begun. Of two notes with one key the later counts: an action that was cut is begun again.
    ///
    /// # Errors
    /// When it cannot be written; then the action is not begun.
    fn begin(&self, key: &str, entry: &Entry) -> io::Result<()>;

    /// It is over: no one has to come back to it.
    ///
    /// # Errors
    /// When it cannot be written; the action may then be done twice after a crash.
    fn end(&self, key: &str, outcome: &Outcome) -> io::Result<()>;

    /// A folder of this run's own that outlives a crash: programs leave there what became of them.
    fn folder(&self) -> &Path;
}

/// What was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// One of `hooks`, by its list and its position there.
    Hook { list: HookList, at: usize, verdict: String, exit_code: u8 },
    /// One of `chaos`, from before it is done until it is known to be undone.
    Fault { at: usize, name: String },
}

/// A list of `hooks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookList {
    OnFailure,
    Always,
}

impl HookList {
    /// As in a plan.
    pub fn as_str(self) -> &'static str {
        match self {
            HookList::OnFailure => "on_failure",
            HookList::Always => "always",
        }
    }
}

impl Entry {
    /// The key of its notes: the same for the same action of the same plan, and fit for a file's name.
    pub fn key(&self) -> String {
        match self {
            Entry::Hook { list, at, .. } => format!("hook-{}-{at}", list.as_str()),
            Entry::Fault { at, .. } => format!("fault-{at}"),
        }
    }
}

/// What a journal holds of one action.
#[derive(Debug, Clone, PartialEq)]
pub struct Journaled {
    pub entry: Entry,
    /// Once it is over.
    pub outcome: Option<Outcome>,
}
