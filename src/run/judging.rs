//! What is judged while a run lasts and at its end: thresholds as the rules that they are, and the alerts of rule files.

use std::time::Duration;

use super::embedded::Ticked;
use super::stop::Stop;
use super::{Ended, Listener, Run};
use crate::family::Family;
use crate::rules::{Abort, Gate, Moment, Observed};
use crate::time::{Clock, Elapsed};

/// How long load waits at most for the look at the targets before it.
const FIRST_LOOK: Duration = Duration::from_secs(2);

impl Run {
    /// Before any load: what rules find now is not the load's doing, and what is counted later has a value before.
    pub(super) async fn first_look(
        &mut self,
        listener: &mut dyn Listener,
        stop: &mut Stop<impl Future<Output = String> + Unpin>,
    ) -> Option<Ended> {
        if !self.embedded.groups().is_empty() {
            tokio::select! {
                () = self.observer.first_look() => {}
                // Load does not wait for a target that is slow.
                () = tokio::time::sleep(FIRST_LOOK) => {}
                signal = stop.signal() => return Some(Ended::Stopped(signal)),
            }
        }
        let clock = Clock::start();
        let at_ms = clock.unix_ms(Elapsed::ZERO);
        let ticked = self.embedded.tick(at_ms, &self.families(None), &[]);
        let _nobody_to_stop = self.tell(at_ms, ticked, listener);
        None
    }

    /// The values are final now: all rules are asked once more.
    pub(super) fn last_tick(&mut self, clock: &Clock, listener: &mut dyn Listener) {
        let at_ms = clock.unix_ms(clock.now());
        self.alerts = Some(Vec::new());
        let families = self.families(None);
        let (gates, ticked) = self.embedded.last_tick(at_ms, &families, &self.faults.tolerated());
        self.look_at_recovery(at_ms);
        self.alerts = Some(gates);
        self.tell(at_ms, ticked, listener);
        listener.families(families);
    }

    pub(super) fn tell(&mut self, at_ms: i64, ticked: Ticked, listener: &mut dyn Listener) -> Option<Abort> {
        if let Some(clock) = self.clock {
            for scrape in self.observer.fresh() {
                listener.scraped(&scrape, clock.unix_ms(scrape.at));
            }
        }
        if ticked.evaluated {
            listener.rules(self.embedded.groups());
        }
        if !ticked.notices.is_empty() {
            listener.alerts(at_ms, ticked.notices);
        }
        ticked.abort
    }

    /// After the rules have been evaluated.
    pub(super) fn look_at_recovery(&mut self, at_ms: i64) {
        let Some(clock) = self.clock else { return };
        let hold = !self.embedded.gate_is_active();
        self.faults.look(clock.now(), at_ms, self.embedded.store(), hold);
    }

    /// The position of a threshold that wants the run to end.
    pub(super) fn crossed(&self, at_ms: i64) -> Option<usize> {
        if self.plan.thresholds.iter().all(|threshold| threshold.abort_after.is_none()) {
            return None;
        }
        let families = self.ledger.judged().families();
        self.plan.threshold_rules.abort(self.moment(at_ms, &families, false))
    }

    /// `families` are those of what is judged, and no others.
    pub(super) fn moment<'a>(&'a self, at_ms: i64, families: &'a [Family], is_final: bool) -> Moment<'a> {
        let (observed, labels, elapsed) = (self.observed(), self.labels.get(), self.elapsed);
        Moment { at_ms, observed, families, labels, elapsed, is_final }
    }

    pub(super) fn observed(&self) -> Observed<'_> {
        let (totals, probes) = (self.ledger.judged(), self.observer.samples());
        Observed { totals, probes, elapsed: self.judged_for() }
    }

    /// How thresholds stand; what decides is asked at the end.
    pub(super) fn standing(&self) -> Vec<Gate> {
        let thresholds = self.plan.thresholds.iter();
        thresholds.map(|threshold| Gate::Threshold(threshold.judge(self.observed()))).collect()
    }

    /// What decides: thresholds as the rules that they are, then alerts.
    pub(super) fn gates(&mut self) -> Vec<Gate> {
        let families = self.ledger.judged().families();
        let at_ms = self.clock.map_or(0, |clock| clock.unix_ms((self.elapsed + self.paused).into()));
        let thresholds = self.plan.threshold_rules.judge(self.moment(at_ms, &families, true));
        let alerts = self.alerts.take();
        self.alerts = Some(Vec::new());
        let gates = thresholds.into_iter().map(Gate::Threshold).chain(alerts.into_iter().flatten());
        gates.chain(self.faults.gates()).collect()
    }
}
