//! After a crash: what was cut off is marked so, with all that it had; what it had begun to do to the world is ended.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::accept::compiled;
use super::journal::Journal;
use super::{Inner, now_ms};
use crate::action::{self, Journaled};
use crate::run::finish_interrupted;
use crate::store::{JournalEntry, RunId, RunRecord, RunState, fault_point};

/// The queue waits until it is done: a fault that still stands would be judged as the next run's.
pub(super) async fn recover(inner: &Arc<Inner>) {
    let looking = Arc::clone(inner);
    let cut = tokio::task::spawn_blocking(move || looking.runs.unfinished()).await;
    let cut = match cut {
        Ok(Ok(cut)) => cut,
        Ok(Err(error)) => {
            tracing::error!("failed to look for runs that were cut off: {error}");
            Vec::new()
        }
        Err(error) => {
            tracing::error!("recovery has panicked: {error}");
            Vec::new()
        }
    };
    for run in cut.into_iter().filter(|run| run.state != RunState::Queued) {
        let inner = Arc::clone(inner);
        let ended = tokio::task::spawn_blocking(move || inner.end_cut_off(&run)).await;
        if let Err(error) = ended {
            tracing::error!("recovery has panicked: {error}");
        }
    }
    inner.own().recovered = true;
    inner.work.notify_one();
}

impl Inner {
    /// What a run's actions may do here. Programs see of our environment what finds them, and what plans may see.
    pub(super) fn action_options(&self, id: &RunId) -> action::Options {
        let settings = self.settings();
        let config = &settings.config;
        let names =
            ["PATH", "HOME", "LANG", "TZ"].into_iter().chain(config.expose_env.iter().map(String::as_str));
        let environment =
            names.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))).collect();
        let journal = Journal::new(id.clone(), Arc::clone(&self.runs), self.action_folder(id));
        action::Options {
            allow_exec: config.allow_exec,
            journal: Some(Arc::new(journal)),
            environment: Some(environment),
        }
    }

    /// Where the programs of a run leave what became of them.
    pub(super) fn action_folder(&self, id: &RunId) -> PathBuf {
        self.settings().config.data_dir.value.join("actions").join(&id.0)
    }

    fn end_cut_off(&self, run: &RunRecord) {
        let why = format!("the daemon went away while the run was {}", run.state.label());
        tracing::warn!(testid = run.id.0, "interrupted: {why}");
        fault_point("before-mending");
        match self.mend(&run.id) {
            Ok(done) => {
                for line in done {
                    tracing::warn!(testid = run.id.0, "{line}");
                    self.note_mended(&run.id, &line);
                }
            }
            Err(error) => {
                let line = format!("what the run had begun could not be ended, look at it yourself: {error}");
                tracing::error!(testid = run.id.0, "{line}");
                self.note_mended(&run.id, &line);
            }
        }
        fault_point("before-interrupt");
        match self.runs.interrupt(&run.id, &why, now_ms()) {
            Ok(_) => self.announce(),
            Err(error) => tracing::error!(testid = run.id.0, "failed to mark a run as interrupted: {error}"),
        }
        fault_point("after-interrupt");
        let _there_was_none = std::fs::remove_dir_all(self.action_folder(&run.id));
    }

    /// Ends what the run had begun to do to the world, and says what that was.
    fn mend(&self, id: &RunId) -> Result<Vec<String>, String> {
        let submission = self.runs.submission(id).map_err(|error| error.to_string())?;
        let plan = Arc::new(compiled(&self.settings(), &submission)?);
        let journal = self.runs.journal(id).map_err(|error| error.to_string())?;
        let journaled: Result<Vec<Journaled>, serde_json::Error> =
            journal.into_iter().map(journaled).collect();
        let journaled = journaled.map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let mended = runtime.block_on(finish_interrupted(plan, &id.0, &journaled, self.action_options(id)));
        Ok(mended.lines())
    }

    fn note_mended(&self, id: &RunId, line: &str) {
        let kept = self.runs.append_log(id, &[line.to_owned()]);
        let kept = kept.and_then(|()| self.runs.append_event(id, "log", &json!({"line": line}), now_ms()));
        if let Err(error) = kept {
            tracing::error!(testid = id.0, "failed to keep what was done: {error}");
        }
    }
}

fn journaled(entry: JournalEntry) -> Result<Journaled, serde_json::Error> {
    Ok(Journaled {
        entry: serde_json::from_value(entry.begun)?,
        outcome: entry.ended.map(serde_json::from_value).transpose()?,
    })
}
