//! Where queries are evaluated: on a thread of its own each, a bounded number at a time, until a deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::oneshot;

use super::answer::{Kind, Refusal};
use crate::api::Sources;
use crate::promql::Limits;
use crate::tsdb::Store;

/// Reserved, not used, unless an expression nests deeply.
const STACK_BYTES: usize = 32 << 20;
/// Ten levels of Linux' niceness leave a thread about a tenth of its weight beside a worker of the load.
const NICENESS: i32 = 10;

/// Does `work` on the store, on another thread, once there is a place for it.
///
/// When the caller goes away, as the handler of a client that closed its connection does, the work is told to stop;
/// its place is free once it has.
pub(super) async fn evaluate<T: Send + 'static>(
    sources: &Sources,
    deadline: Instant,
    work: impl FnOnce(&Store, Limits) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let places = Arc::clone(&sources.places);
    let Ok(place) = tokio::time::timeout_at(deadline.into(), places.acquire_owned()).await else {
        return Err(timed_out("query queue"));
    };
    let abandoned = Abandon(Arc::new(AtomicBool::new(false)));
    let limits = Limits {
        max_points: sources.limits.max_points,
        deadline: Some(deadline),
        cancelled: Some(Arc::clone(&abandoned.0)),
    };
    let store = Arc::clone(&sources.store);
    let (send, receive) = oneshot::channel();
    let thread = std::thread::Builder::new().name("query".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        lower_priority();
        let _place = place;
        let _nobody_waits = send.send(work(&store, limits));
    });
    if let Err(error) = thread {
        return Err(Refusal::new(Kind::Internal, format!("failed to start a thread for the query: {error}")));
    }
    match receive.await {
        Ok(done) => done,
        // The thread has said why on stderr.
        Err(_) => Err(Refusal::new(Kind::Internal, "the query could not be evaluated: this is a bug")),
    }
}

pub(super) fn timed_out(place: &str) -> Refusal {
    Refusal::new(Kind::Timeout, format!("query timed out in {place}"))
}

struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// On Linux niceness belongs to a thread. Where it cannot be set the query is answered all the same.
fn lower_priority() {
    let _as_it_was = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}
