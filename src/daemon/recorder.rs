//! Listens to a run for the daemon: keeps what it says, and passes it on to those who show it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::progress_json::progress_json;
use super::writer::{Entry, Pen};
use super::{Inner, now_ms};
use crate::family::Family;
use crate::report::{Finished, Phase, Progress, TrendStat, json_summary};
use crate::rules::{Group, Notice};
use crate::run::{Listener, Remains};
use crate::scrape::Scrape;
use crate::store::{RunId, RunState, fault_point};
use crate::verdict::Doubt;

/// How often series and summary are kept: as much is lost of a run that is cut off.
const KEPT_EVERY: Duration = Duration::from_secs(5);
/// From when load is sent on series are kept each second for so long: a short run would be a few points otherwise.
const KEPT_EACH_SECOND: Duration = Duration::from_secs(120);

pub(super) struct Recorder {
    pub(super) id: RunId,
    pub(super) inner: Arc<Inner>,
    pub(super) pen: Pen,
    kept: Instant,
    state: RunState,
    /// When load began.
    load_began: Option<Instant>,
    /// Once the run is over.
    remains: Option<Remains>,
}

impl Recorder {
    pub(super) fn new(id: RunId, inner: Arc<Inner>, pen: Pen) -> Self {
        let state = RunState::Preflight;
        Recorder { id, inner, pen, kept: Instant::now(), state, load_began: None, remains: None }
    }

    fn keeps_each_second(&self) -> bool {
        self.load_began.is_some_and(|began| began.elapsed() < KEPT_EACH_SECOND)
    }

    /// What the series are at this moment.
    pub(super) fn keep_series(&self, at_ms: i64) {
        self.pen.note(at_ms, Entry::Series);
    }
}

impl Recorder {
    /// Keeps the series as the run leaves them, and then ends those that nobody writes any more: the next run and the
    /// dashboards of what is live would take them for alive.
    pub(super) fn keep_last_series(&mut self, at_ms: i64) {
        self.keep_series(at_ms);
        let Some(mut remains) = self.remains.take() else { return };
        let after_ms = at_ms + 1;
        remains.end_rules(&self.inner.series, after_ms);
        // Another run may look at the same targets.
        if self.inner.active_count() <= 1 {
            remains.end_targets(&self.inner.series, after_ms);
        }
    }
}

impl Listener for Recorder {
    fn phase(&mut self, phase: Phase) {
        let state = match phase {
            Phase::Preflight => RunState::Preflight,
            Phase::Setup => RunState::Setup,
            Phase::Running => RunState::Running,
            Phase::Paused => RunState::Paused,
            Phase::Draining => RunState::Draining,
            Phase::Verifying => RunState::Verifying,
            Phase::Teardown => RunState::Teardown,
            // With the verdict, in one transaction.
            Phase::Finished => return,
        };
        if state == self.state {
            return;
        }
        self.state = state;
        if state == RunState::Running {
            self.load_began.get_or_insert_with(Instant::now);
        }
        self.pen.insist(now_ms(), Entry::State(state));
        fault_point(match state {
            RunState::Setup => "in-setup",
            RunState::Running => "in-load",
            RunState::Paused => "in-pause",
            RunState::Draining => "in-drain",
            RunState::Verifying => "in-verify",
            RunState::Teardown => "in-teardown",
            _ => "in-preflight",
        });
    }

    fn progress(&mut self, progress: &Progress) {
        self.inner.audience.progress(&self.id, progress);
        let data = progress_json(progress);
        if let Some(active) = self.inner.lock_active().get_mut(&self.id) {
            active.progress = Some(data.clone());
        }
        let at_ms = now_ms();
        self.pen.note(at_ms, Entry::Event { kind: "progress", data });
        if self.keeps_each_second() {
            self.keep_series(at_ms);
        }
    }

    fn families(&mut self, families: Vec<Family>) {
        let page = self.inner.board.run(&self.id, families);
        self.inner.audience.families(page);
    }

    fn scraped(&mut self, scrape: &Scrape, at_ms: i64) {
        self.inner.audience.scraped(&self.id, scrape, at_ms);
    }

    fn rules(&mut self, groups: &[Group]) {
        self.inner.audience.rules(Some(&self.id), groups);
    }

    fn alerts(&mut self, at_ms: i64, notices: Vec<Notice>) {
        self.inner.notify(at_ms, notices);
    }

    fn wants_checkpoint(&self) -> bool {
        self.kept.elapsed() >= KEPT_EVERY
    }

    fn checkpoint(&mut self, so_far: &Finished) {
        self.kept = Instant::now();
        let summary = json_summary(so_far, &TrendStat::EXPORTED);
        let at_ms = now_ms();
        self.pen.note(at_ms, Entry::Checkpoint(summary));
        if !self.keeps_each_second() {
            self.keep_series(at_ms);
        }
    }

    fn over(&mut self, remains: Remains) {
        self.remains = Some(remains);
    }

    fn doubts(&mut self) -> Vec<Doubt> {
        self.pen.complaint().map(Doubt::RecordIncomplete).into_iter().collect()
    }
}
