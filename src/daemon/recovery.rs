//! After a crash: what was cut off is marked so, with all that it had; what it had begun to do to the world is ended.

use std::sync::Arc;

use super::{Inner, now_ms};
use crate::store::{RunRecord, RunState, fault_point};

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
    fn end_cut_off(&self, run: &RunRecord) {
        let why = format!("the daemon went away while the run was {}", run.state.label());
        tracing::warn!(testid = run.id.0, "interrupted: {why}");
        fault_point("before-interrupt");
        match self.runs.interrupt(&run.id, &why, now_ms()) {
            Ok(_) => self.announce(),
            Err(error) => tracing::error!(testid = run.id.0, "failed to mark a run as interrupted: {error}"),
        }
        fault_point("after-interrupt");
    }
}
