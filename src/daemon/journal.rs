//! Hooks and faults of a run, journaled in the store.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::action::{self, Entry, Outcome};
use crate::store::{RunId, Runs, fault_point};

#[derive(Debug)]
pub(super) struct Journal {
    id: RunId,
    runs: Arc<Runs>,
    folder: PathBuf,
}

impl Journal {
    /// `folder` is for the programs that the run starts; it is made when it is needed first.
    pub(super) fn new(id: RunId, runs: Arc<Runs>, folder: PathBuf) -> Self {
        Journal { id, runs, folder }
    }
}

impl action::Journal for Journal {
    fn begin(&self, key: &str, entry: &Entry) -> io::Result<()> {
        let begun = serde_json::to_value(entry)?;
        std::fs::create_dir_all(&self.folder)?;
        // One that was cut is begun again under the same key: it is there already.
        self.runs.journal_begin(&self.id, key, &begun).map_err(io::Error::other)?;
        fault_point(match entry {
            Entry::Hook { .. } => "hook-begun",
            Entry::Fault { .. } => "fault-begun",
        });
        Ok(())
    }

    fn end(&self, key: &str, outcome: &Outcome) -> io::Result<()> {
        let ended = serde_json::to_value(outcome)?;
        fault_point("action-done");
        self.runs.journal_end(&self.id, key, &ended).map_err(io::Error::other)?;
        fault_point("action-ended");
        Ok(())
    }

    fn folder(&self) -> &Path {
        &self.folder
    }
}
