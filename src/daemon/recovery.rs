//! After a crash: what was cut off is marked so, with all that it had; what it had begun to do to the world is ended.

use std::sync::Arc;

use super::{Inner, now_ms};
use crate::run;
use crate::store::RunRecord;

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
    for run in cut {
        let inner = Arc::clone(inner);
        let ended = tokio::task::spawn_blocking(move || inner.end_cut_off(&run)).await;
        if let Err(error) = ended {
            tracing::error!("recovery has panicked: {error}");
        }
    }
    inner.own().recovered = true;
    inner.work.notify_one();
}
