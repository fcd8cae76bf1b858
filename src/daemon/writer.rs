//! What a run leaves behind, written by a thread of its own: a slow disk delays neither a tick nor a worker.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde_json::{Value as Json, json};

use super::now_ms;
use crate::promql::{MatchKind, Matcher, Options, TimeRange};
use crate::store::{RunId, RunState, Runs, StoreError};
use crate::tsdb::Store;

/// Entries that wait for the disk; of further ones all but states and the end are dropped, and counted.
const WAITING: usize = 1_024;

/// What is to be kept.
pub(super) enum Entry {
    State(RunState),
    Event {
        kind: &'static str,
        data: Json,
    },
    Log(String),
    /// Those of the embedded store at that moment, the run's own and those of its targets.
    Series,
    Checkpoint(Json),
}

/// Written when it comes to its turn.
struct Stamped {
    at_ms: i64,
    entry: Entry,
}

/// To the thread that writes for one run.
#[derive(Clone)]
pub(super) struct Pen {
    out: SyncSender<Stamped>,
    trouble: Arc<Mutex<Trouble>>,
}

/// What could not be kept.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    pub(super) dropped: u64,
    /// The first error of the store, and how many entries met one.
    pub(super) failed: Option<(String, u64)>,
}

/// Called after each entry that was written, and with the error of one that was not.
pub(super) trait Written: Send + 'static {
    fn written(&self, entry: &Entry);
    fn failed(&self, error: &StoreError);
}

pub(super) struct Writer {
    pub(super) pen: Pen,
    thread: JoinHandle<()>,
}

impl Writer {
    pub(super) fn start(
        id: RunId,
        runs: Arc<Runs>,
        series: Arc<Store>,
        written: impl Written,
    ) -> std::io::Result<Self> {
        let (out, entries) = sync_channel(WAITING);
        let trouble = Arc::<Mutex<Trouble>>::default();
        let pen = Pen { out, trouble: Arc::clone(&trouble) };
        let thread = std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || write(&id, &runs, &series, &entries, &trouble, &written))?;
        Ok(Writer { pen, thread })
    }

    /// Waits until all is written that was given to any [`Pen`]; they must be gone by then.
    pub(super) fn close(self) {
        drop(self.pen);
        let _reported_by_the_panic_hook = self.thread.join();
    }
}

impl Pen {
    /// Never waits.
    pub(super) fn note(&self, at_ms: i64, entry: Entry) {
        match self.out.try_send(Stamped { at_ms, entry }) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => self.trouble().dropped += 1,
        }
    }

    /// Waits for room: what must not be missing.
    pub(super) fn insist(&self, at_ms: i64, entry: Entry) {
        let _the_writer_is_gone = self.out.send(Stamped { at_ms, entry });
    }

    /// What could not be kept so far, for the verdict.
    pub(super) fn complaint(&self) -> Option<String> {
        let trouble = self.trouble();
        match (&trouble.failed, trouble.dropped) {
            (Some((error, count)), _) => Some(format!("{count} entries could not be written: {error}")),
            (None, 0) => None,
            (None, dropped) => Some(format!("{dropped} entries were dropped: the disk is too slow")),
        }
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(
    id: &RunId,
    runs: &Runs,
    series: &Store,
    entries: &Receiver<Stamped>,
    trouble: &Mutex<Trouble>,
    written: &impl Written,
) {
    // Whatever carries no id: what the targets show. Not what other runs left in the store.
    let of_run = Matcher::new("testid", MatchKind::Regex, &format!("(?:{})?", regex::escape(&id.0)));
    let of_run: Vec<Matcher> = of_run.into_iter().collect();
    let begun_ms = now_ms();
    for Stamped { at_ms, entry } in entries {
        let kept = match &entry {
            Entry::State(state) => runs.enter(id, *state, at_ms).map(drop),
            Entry::Event { kind, data } => runs.append_event(id, kind, data, at_ms).map(drop),
            Entry::Log(line) => runs.append_log(id, std::slice::from_ref(line)).and_then(|()| {
                // For those who follow; the log is the whole of it.
                runs.append_event(id, "log", &json!({"line": line}), at_ms).map(drop)
            }),
            Entry::Series => runs.append_snapshot(id, seen_at(at_ms, begun_ms), series, &of_run).map(drop),
            Entry::Checkpoint(summary) => runs.checkpoint(id, summary, at_ms),
        };
        match kept {
            Ok(()) => written.written(&entry),
            Err(error) => {
                let mut trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner);
                match &mut trouble.failed {
                    Some((_, count)) => *count += 1,
                    none => *none = Some((error.to_string(), 1)),
                }
                drop(trouble);
                written.failed(&error);
            }
        }
    }
}

/// What a query would see then: rules and targets may come to their turn less often than series are kept. But nothing
/// from before the run began.
fn seen_at(at_ms: i64, begun_ms: i64) -> TimeRange {
    let lookback_ms = i64::try_from(Options::default().lookback.as_millis()).unwrap_or(i64::MAX);
    TimeRange { from_ms: at_ms.saturating_sub(lookback_ms).max(begun_ms), to_ms: at_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_a_query_would_see_and_nothing_from_before_the_run() {
        let seen = |at_ms, begun_ms| (seen_at(at_ms, begun_ms).from_ms, seen_at(at_ms, begun_ms).to_ms);
        assert_eq!(
            seen(1_000_000, 0),
            (700_000, 1_000_000),
            "of a rule that is evaluated once a minute, too"
        );
        assert_eq!(seen(1_000_000, 950_000), (950_000, 1_000_000));
    }
}
