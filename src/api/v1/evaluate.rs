//! Where queries are evaluated: on a thread of its own each, a bounded number at a time, until a deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::oneshot;

use super::answer::{Kind, Refusal};
use crate::api::{Sources, lower_priority};
use crate::promql::Limits;
use crate::tsdb::Store;

/// Reserved, not used, unless an expression nests deeply.
const STACK_BYTES: usize = 32 << 20;

/// Does `work` on the store, on another thread, once there is a place for it.
///
/// When the caller goes away, as the handler of a client that closed its connection does, the work is told to stop;
/// its place is free once it has.
pub(in crate::api) async fn evaluate<T: Send + 'static>(
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
    let thread =
        std::thread::Builder::new().name("query".to_owned()).stack_size(STACK_BYTES).spawn(move || {
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::api::QueryLimits;
    use crate::api::priority::niceness;

    fn sources(concurrent: usize) -> Sources {
        let limits = QueryLimits { concurrent, max_points: 7, ..QueryLimits::default() };
        Sources::with_limits(Arc::new(Store::new(1 << 20)), limits)
    }

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(3_600)
    }

    #[tokio::test]
    async fn work_is_done_elsewhere_with_its_limits_and_less_priority() {
        let deadline = far();
        let own = niceness().unwrap();
        let sources = sources(1);
        let done = evaluate(&sources, deadline, |_, limits| {
            Ok((niceness().unwrap(), limits.max_points, limits.deadline))
        });
        assert_eq!(done.await, Ok(((own + 10).min(19), 7, Some(deadline))));
        assert_eq!(niceness().unwrap(), own, "only the query's thread");
    }

    #[tokio::test]
    async fn work_that_panics_is_our_own_fault_and_frees_its_place() {
        let sources = sources(1);
        let broken: Result<(), Refusal> =
            evaluate(&sources, far(), |_, _| panic!("a test of what a panic does")).await;
        assert_eq!(broken.unwrap_err().kind, Kind::Internal);
        assert_eq!(evaluate(&sources, far(), |_, _| Ok(1)).await, Ok(1));
    }

    #[tokio::test]
    async fn who_finds_no_place_waits_until_the_deadline() {
        let sources = sources(1);
        let (end, ended) = mpsc::channel::<()>();
        let first = evaluate(&sources, far(), move |_, _| {
            let _ = ended.recv();
            Ok(1)
        });
        let second = async {
            let refused = evaluate(&sources, Instant::now(), |_, _| Ok(2)).await;
            drop(end);
            refused
        };
        let (first, second) = tokio::join!(biased; first, second);
        assert_eq!((first, second), (Ok(1), Err(timed_out("query queue"))));
        assert_eq!(evaluate(&sources, far(), |_, _| Ok(3)).await, Ok(3));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_told_to_stop() {
        let sources = sources(1);
        let (begin, begun) = oneshot::channel();
        let abandoned = evaluate(&sources, far(), move |_, limits| {
            let _ = begin.send(());
            while !limits.cancelled.as_ref().is_some_and(|cancelled| cancelled.load(Ordering::Relaxed)) {
                std::thread::yield_now();
            }
            Ok(())
        });
        tokio::select! {
            _ = abandoned => panic!("it ended by itself"),
            begun = begun => begun.unwrap(),
        }
        assert_eq!(evaluate(&sources, far(), |_, _| Ok(1)).await, Ok(1));
    }
}
