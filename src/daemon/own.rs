//! What the daemon shows of itself, and what it does when a run is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::writer::{Entry, Written};
use super::{Inner, now_ms};
use crate::config::OnDiskError;
use crate::family::{Family, FamilyKind};
use crate::labels::Labels;
use crate::promql::Matcher;
use crate::run::{OWN_JOB, build_info, process_families};
use crate::store::{Ending, LastOfTest, RunId, RunState, StoreError};
use crate::tsdb::{Origin, stored};
use crate::verdict::Verdict;

/// What becomes of due times. Each is there from the first moment, at zero: a rate does not see what a series begins with.
const OUTCOMES: [&str; 3] = ["started", "skipped", "failed"];

/// What it counts.
#[derive(Debug)]
pub(super) struct Own {
    /// It has come back from whatever ended it before.
    pub(super) recovered: bool,
    due: BTreeMap<String, i64>,
    schedules: BTreeMap<(String, &'static str), u64>,
    /// Milliseconds since the Unix epoch.
    pub(super) reloaded_ms: i64,
    pub(super) reload_failed: bool,
    store_errors: u64,
}

impl Inner {
    /// Makes the daemon's own metrics, and evaluates its rules.
    pub(super) async fn tick_own(self: &Arc<Self>) {
        let inner = Arc::clone(self);
        let ticked = tokio::task::spawn_blocking(move || {
            let at_ms = now_ms();
            let families = inner.own_families();
            inner.series.scrape(&own_origin(), at_ms, stored(&families));
            inner.audience.families(inner.board.own(families));
            let standing = Arc::clone(&inner.settings().standing);
            let (notices, evaluated) = standing.tick(at_ms);
            if evaluated {
                standing.look(|groups| inner.audience.rules(None, groups));
            }
            if !notices.is_empty() {
                inner.notify(at_ms, notices);
            }
        });
        if let Err(error) = ticked.await {
            tracing::error!("the daemon's own rules have panicked: {error}");
        }
    }

    /// Without a tick: rules look at it with the next one.
    pub(super) fn show_own(&self) {
        let families = self.own_families();
        self.audience.families(self.board.own(families));
    }

    fn own_families(&self) -> Vec<Family> {
        let mut families = vec![build_info()];
        families.extend(process_families());
        families.extend(last_families(&self.runs.last_by_test().unwrap_or_default()));
        let queued = self.runs.count(RunState::Queued).unwrap_or_default();
        families.push(gauge("loadgate_runs_queued", "Runs that wait for their turn.", queued as f64));
        let active = self.active_count();
        families.push(gauge("loadgate_runs_active", "Runs that have begun and are not over.", active as f64));
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        families.extend(notices.iter().flat_map(crate::notify::Notices::families));
        drop(notices);
        families.extend(self.own().families());
        families
    }

    pub(super) fn show_due(&self, due: BTreeMap<String, i64>) {
        self.own().due = due;
    }

    pub(super) fn count_schedule(&self, name: &str, outcome: &'static str) {
        *self.own().schedules.entry((name.to_owned(), outcome)).or_default() += 1;
    }

    /// Its final values stay for a while, so that they are scraped.
    pub(super) fn retire_later(self: &Arc<Self>, id: &RunId, after: Duration) {
        let (inner, id) = (Arc::clone(self), id.clone());
        self.runtime.spawn(async move {
            tokio::time::sleep(after).await;
            inner.audience.families(inner.board.forget(&id));
            inner.series.forget_matching(&[Matcher::equal("testid", &id.0)]);
        });
    }

    /// Who follows the run is told of each event, once it is on disk.
    pub(super) fn told(self: &Arc<Self>, id: &RunId) -> impl Written + use<> {
        Told { inner: Arc::clone(self), id: id.clone() }
    }

    pub(super) fn keep_trying(&self, id: RunId, ending: Ending) {
        self.own().store_errors += 1;
        self.unsealed.lock().unwrap_or_else(PoisonError::into_inner).insert(id, ending);
        self.announce();
    }

    /// Offers the verdicts again that the disk did not take.
    pub(super) fn retry_endings(&self) {
        let unsealed = self.unsealed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (id, ending) in unsealed {
            match self.runs.finish(&id, &ending) {
                Ok(_) => {
                    tracing::info!(testid = id.0, "the verdict is on disk now");
                    self.unsealed.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                    self.announce();
                }
                Err(StoreError::Ended { .. }) => {
                    self.unsealed.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                }
                Err(_) => self.own().store_errors += 1,
            }
        }
    }
}

struct Told {
    inner: Arc<Inner>,
    id: RunId,
}

impl Written for Told {
    fn written(&self, entry: &Entry) {
        if matches!(entry, Entry::State(_) | Entry::Event { .. } | Entry::Log(_)) {
            self.inner.announce();
        }
    }

    fn failed(&self, error: &StoreError) {
        if self.inner.settings().config.on_disk_error == OnDiskError::Stop {
            self.inner.tell_to_stop(&self.id, format!("the run's record cannot be written: {error}"));
        }
        let mut own = self.inner.own();
        own.store_errors += 1;
        // Not once for each line that follows.
        if own.store_errors.is_power_of_two() {
            tracing::error!(testid = self.id.0, "failed to keep what the run says: {error}");
        }
    }
}

impl Own {
    pub(super) fn new() -> Self {
        Own {
            recovered: false,
            due: BTreeMap::new(),
            schedules: BTreeMap::new(),
            reloaded_ms: now_ms(),
            reload_failed: false,
            store_errors: 0,
        }
    }

    fn families(&self) -> Vec<Family> {
        let mut due = Family::new(
            "loadgate_schedule_next_timestamp_seconds",
            FamilyKind::Gauge,
            "When the schedule is due next, since unix epoch.",
        );
        for (name, ms) in &self.due {
            due.push(Labels::new([("schedule", name.as_str())]), *ms as f64 / 1_000.0);
        }
        let mut runs = Family::new(
            "loadgate_schedule_runs_total",
            FamilyKind::Counter,
            "Due times of schedules, by what came of them.",
        );
        let counted = self.schedules.keys().map(|(name, _)| name);
        let names: BTreeSet<&String> = self.due.keys().chain(counted).collect();
        for name in names {
            for outcome in OUTCOMES {
                let labels = Labels::new([("schedule", name.as_str()), ("outcome", outcome)]);
                let count = self.schedules.get(&(name.clone(), outcome)).copied().unwrap_or_default();
                runs.push(labels, count as f64);
            }
        }
        let ok = f64::from(u8::from(!self.reload_failed));
        let reloaded = self.reloaded_ms as f64 / 1_000.0;
        vec![
            due,
            runs,
            gauge("loadgate_config_last_reload_successful", "Whether the last configuration was taken.", ok),
            gauge(
                "loadgate_config_last_reload_success_timestamp_seconds",
                "When the configuration in force was taken, since unix epoch.",
                reloaded,
            ),
            Family::single(
                "loadgate_store_errors_total",
                FamilyKind::Counter,
                "Writes that the disk did not take.",
                Labels::empty(),
                self.store_errors as f64,
            ),
        ]
        .into_iter()
        .filter(|family| !family.series.is_empty())
        .collect()
    }
}

/// Of what the daemon shows of itself, in the store.
pub(super) fn own_origin() -> Origin {
    Origin(format!("{OWN_JOB}/daemon"))
}

fn gauge(name: &str, help: &str, value: f64) -> Family {
    Family::single(name, FamilyKind::Gauge, help, Labels::empty(), value)
}

/// Of each test, kept across restarts.
fn last_families(tests: &[LastOfTest]) -> Vec<Family> {
    let mut verdict =
        Family::new("loadgate_last_verdict", FamilyKind::Gauge, "1 for the verdict of the test's last run.");
    let mut success = Family::new(
        "loadgate_last_success_timestamp_seconds",
        FamilyKind::Gauge,
        "When the test passed last, since unix epoch.",
    );
    for test in tests {
        let labels = Labels::new([("test", test.test.as_str())]);
        for one in Verdict::ALL {
            let holds = f64::from(u8::from(one.label() == test.verdict));
            verdict.push(labels.with("verdict", one.label()), holds);
        }
        if let Some(ms) = test.last_success_ms {
            success.push(labels, ms as f64 / 1_000.0);
        }
    }
    [verdict, success].into_iter().filter(|family| !family.series.is_empty()).collect()
}
