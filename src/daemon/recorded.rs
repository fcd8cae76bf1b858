//! The series of runs that have ended, brought back from the disk for those who ask; of the few that were asked last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OnceCell, Semaphore};

use super::{Daemon, Inner, Refusal, now_ms};
use crate::store::RunId;
use crate::tsdb::Store;

/// A page shows two of them when it compares.
const MAX_RUNS: usize = 4;
/// Of all together; one alone may have [`RUN_BYTES`].
const MAX_BYTES: usize = 128 << 20;
/// An hour of 5,000 series takes a tenth of it. What does not fit is thinned.
const RUN_BYTES: usize = 96 << 20;
/// Between two ticks.
const LIVE: Duration = Duration::from_secs(1);
/// Being brought back at a time.
const AT_A_TIME: usize = 1;

/// The series of one run, to be asked.
#[derive(Debug, Clone)]
pub struct RunSeries {
    pub store: Arc<Store>,
    /// Milliseconds since the Unix epoch; of an active run to now.
    pub from_ms: i64,
    pub to_ms: i64,
    /// Between two samples.
    pub interval: Duration,
    /// The run's page as one file, once somebody has asked for it: of a run that has ended it is always the same.
    pub report: Arc<OnceCell<Bytes>>,
}

/// The run asked last stands first.
#[derive(Debug)]
pub(super) struct Shelf {
    kept: Mutex<VecDeque<Place>>,
    permits: Arc<Semaphore>,
}

#[derive(Debug, Clone)]
struct Place {
    id: RunId,
    /// Empty while it is brought back: whoever asks meanwhile waits for the same.
    series: Arc<OnceCell<RunSeries>>,
}

impl Daemon {
    /// The series of a run: while it is active those of the embedded store, then those that were recorded.
    pub async fn series(&self, id: &RunId) -> Result<RunSeries, Refusal> {
        let record = self.run(id).await?;
        let inner = &self.0;
        if !record.state.has_ended() {
            let from_ms = record.started_ms.unwrap_or(record.submitted_ms);
            let (store, to_ms) = (Arc::clone(&inner.series), now_ms().max(from_ms));
            return Ok(RunSeries { store, from_ms, to_ms, interval: LIVE, report: Arc::default() });
        }
        let begun_ms = record.started_ms.unwrap_or(record.submitted_ms);
        let ended_ms = record.ended_ms.unwrap_or(begun_ms).max(begun_ms);
        let place = inner.recorded.place(id);
        let series = place.get_or_try_init(|| self.bring_back(id, begun_ms, ended_ms)).await?.clone();
        inner.recorded.shrink();
        Ok(series)
    }

    async fn bring_back(&self, id: &RunId, begun_ms: i64, ended_ms: i64) -> Result<RunSeries, Refusal> {
        let permits = Arc::clone(&self.0.recorded.permits);
        let permit = permits.acquire_owned().await;
        let id = id.clone();
        self.blocking(move |inner| {
            // Held until the work is done, also if nobody waits for it any more.
            let _permit = permit;
            inner.replayed(&id, begun_ms, ended_ms)
        })
        .await
    }
}

impl Inner {
    fn replayed(&self, id: &RunId, begun_ms: i64, ended_ms: i64) -> Result<RunSeries, Refusal> {
        let store = Store::new(RUN_BYTES);
        let replayed = self.runs.replay(id, &store)?;
        if replayed.refused > 0 {
            tracing::warn!(testid = id.0, "{} recorded samples found no room in memory", replayed.refused);
        }
        let (from_ms, to_ms) = replayed.range_ms.unwrap_or((begun_ms, ended_ms));
        Ok(RunSeries {
            store: Arc::new(store),
            from_ms,
            to_ms,
            interval: replayed.interval(),
            report: Arc::default(),
        })
    }
}

impl Shelf {
    pub(super) fn new() -> Self {
        Shelf { kept: Mutex::default(), permits: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// The run's, which comes to the front; the one asked longest ago goes.
    fn place(&self, id: &RunId) -> Arc<OnceCell<RunSeries>> {
        let mut kept = self.kept();
        let known = kept.iter().position(|place| place.id == *id).and_then(|at| kept.remove(at));
        let place = known.unwrap_or_else(|| Place { id: id.clone(), series: Arc::default() });
        kept.push_front(place.clone());
        kept.truncate(MAX_RUNS);
        place.series
    }

    /// Those asked longest ago go until the others fit.
    fn shrink(&self) {
        let mut kept = self.kept();
        let bytes = |place: &Place| place.series.get().map_or(0, |series| series.store.stats().bytes);
        while kept.len() > 1 && kept.iter().map(bytes).sum::<usize>() > MAX_BYTES {
            kept.pop_back();
        }
    }

    pub(super) fn forget(&self, id: &RunId) {
        self.kept().retain(|place| place.id != *id);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Place>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> RunId {
        RunId(name.to_owned())
    }

    fn series() -> RunSeries {
        let store = Arc::new(Store::new(1 << 20));
        RunSeries { store, from_ms: 1, to_ms: 2, interval: LIVE, report: Arc::default() }
    }

    fn fill(place: &OnceCell<RunSeries>) {
        let _ = place.set(series());
    }

    #[test]
    fn the_runs_asked_last_are_kept_and_the_one_asked_longest_ago_goes() {
        let shelf = Shelf::new();
        for name in ["a", "b", "c", "d"] {
            fill(&shelf.place(&id(name)));
        }
        assert!(shelf.place(&id("a")).get().is_some(), "it is there, and was asked last");
        assert!(shelf.place(&id("e")).get().is_none());
        assert!(shelf.place(&id("a")).get().is_some());
        assert!(shelf.place(&id("b")).get().is_none(), "it went when e came");
        shelf.forget(&id("a"));
        assert!(shelf.place(&id("a")).get().is_none());
    }

    #[tokio::test]
    async fn whoever_asks_while_a_run_is_brought_back_waits_for_the_same() {
        let shelf = Shelf::new();
        let (first, second) = (shelf.place(&id("a")), shelf.place(&id("a")));
        let made = series();
        let made = first.get_or_try_init(|| async { Ok::<_, Refusal>(made) }).await.unwrap().clone();
        let never = || async { panic!("brought back twice") };
        let same =
            second.get_or_try_init(|| async { Ok::<RunSeries, Refusal>(never().await) }).await.unwrap();
        assert!(Arc::ptr_eq(&made.store, &same.store));
    }
}
