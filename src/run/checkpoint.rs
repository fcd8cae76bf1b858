//! What a run has found so far, as it would be reported: for whoever keeps it in case the run is cut off.

use super::{Listener, Run};
use crate::aggregate::Totals;
use crate::executor::Segment;
use crate::report::{Finished, Probe};
use crate::verdict::Verdict;

impl Run {
    pub(super) fn checkpoint(&self, listener: &mut dyn Listener) {
        if listener.wants_checkpoint() {
            listener.checkpoint(&self.so_far());
        }
    }

    /// Thresholds as they stand; nothing is decided, so the verdict is inconclusive.
    fn so_far(&self) -> Finished {
        Finished { gates: self.standing(), ..self.report(self.ledger.judged().clone()) }
    }

    /// What is known of the run, with these totals, before anything is decided.
    pub(super) fn report(&self, mut totals: Totals) -> Finished {
        totals.rewrite_notes(|text| self.plan.redactor.redact(text));
        let probes = self.plan.probes.iter().zip(self.observer.samples());
        Finished {
            testid: self.options.testid.clone(),
            test: self.plan.name.to_string(),
            segment: (self.plan.segment != Segment::WHOLE).then(|| self.plan.segment.to_string()),
            started_at: self.started_at,
            load_began: self.load_began.unwrap_or(self.started_at),
            elapsed: self.elapsed,
            paused: self.paused,
            verdict: Verdict::Inconclusive,
            gates: Vec::new(),
            doubts: Vec::new(),
            disagreements: Vec::new(),
            ended_by: None,
            totals,
            scenarios: self.scenarios.clone(),
            probes: probes.map(|(probe, samples)| Probe::of(probe, samples)).collect(),
            scrapes: self.observer.health(),
            warmup: None,
            hooks: Vec::new(),
            faults: Vec::new(),
        }
    }
}
