//! What a run came to: its verdict, and the last values that it shows.

use std::time::Duration;

use super::families::RunView;
use super::{Ended, Listener, Remains, Run, families, health};
use crate::aggregate::Ledger;
use crate::family::Family;
use crate::prometheus::Findings;
use crate::report::{Finished, Phase, Warmup};
use crate::rules::{Gate, Outcome};
use crate::verdict::{Doubt, Verdict, decide};

impl Run {
    /// The last word: to the display, to `/metrics` and to the caller.
    pub(super) fn conclude(
        &mut self,
        ended: Option<Ended>,
        elapsed: Duration,
        listener: &mut dyn Listener,
    ) -> Finished {
        if self.reached.phase == Phase::Finished {
            listener.progress(&self.reached);
        }
        self.unwritten.extend(listener.doubts());
        self.enter(Phase::Finished, listener);
        let finished = self.finish(ended, elapsed);
        let families = self.families(Some(&finished));
        if let Some(clock) = self.clock {
            let at_ms = clock.unix_ms(clock.now());
            let ticked = self.embedded.epilogue(at_ms, &families);
            self.tell(at_ms, ticked, listener);
        }
        listener.families(families);
        finished
    }

    /// What it kept up, when all is done.
    pub(super) fn remains(self) -> Remains {
        Remains { targets: self.observer.origins(), rules: self.embedded.into_groups() }
    }

    fn finish(&mut self, ended: Option<Ended>, elapsed: Duration) -> Finished {
        self.elapsed = elapsed;
        let sent_load = !matches!(ended, Some(Ended::Unready(_)));
        let mut gates = if sent_load { self.gates() } else { Vec::new() };
        let health = health::health(
            &self.plan,
            self.ledger.judged(),
            &self.watch,
            &self.observer,
            self.embedded.store().stats(),
        );
        let mut doubts = if sent_load { health.doubts() } else { Vec::new() };
        doubts.append(&mut self.unwritten);
        if self.panics > 0 {
            let what = format!(
                "{} of this program's own tasks panicked: please report it, with stderr",
                self.panics
            );
            doubts.push(Doubt::Internal(what));
        }
        doubts.extend(self.faults.doubts());
        doubts.extend(std::mem::take(&mut self.left_behind).into_iter().map(Doubt::Teardown));
        let Findings { fired, doubts: unknown, disagreements } = std::mem::take(&mut self.findings);
        doubts.extend(unknown.into_iter().map(Doubt::Prometheus));
        gates.extend(fired.into_iter().map(Gate::Alert));
        gates.append(&mut self.verified);
        let (stopped, ended_by) = match &ended {
            Some(Ended::Stopped(signal)) => (true, Some(signal.clone())),
            Some(Ended::Unready(why)) => (false, Some(why.clone())),
            Some(Ended::Threshold(at)) => {
                // What ended the run has failed it, even if the last answers to come in were good ones.
                let mut ended_by = None;
                if let Some(Gate::Threshold(gate)) = gates.get_mut(*at) {
                    gate.outcome = Outcome::Crossed;
                    ended_by =
                        Some(format!("threshold `{}` on `{}` was crossed", gate.threshold, gate.subject));
                }
                (false, ended_by)
            }
            Some(Ended::Alert(abort)) => (false, Some(format!("alert `{}` fired", abort.alert))),
            None => (false, None),
        };
        let verdict = if sent_load { decide(&gates, &doubts, stopped) } else { Verdict::PreflightFailed };
        let warmup = (!self.plan.warmup.is_zero() && sent_load).then(|| Warmup {
            duration: self.plan.warmup.min(elapsed),
            iterations: self.unjudged_iterations,
        });
        let nothing = || Ledger::new(self.labels.totals(&self.plan), None);
        let (all, judged) = std::mem::replace(&mut self.ledger, nothing()).into_parts();
        let totals = match judged {
            Some(judged) => {
                self.ledger = Ledger::new(all, None);
                judged
            }
            None => all,
        };
        Finished {
            verdict,
            gates,
            doubts,
            disagreements,
            ended_by,
            warmup,
            faults: self.faults.reports(),
            ..self.report(totals)
        }
    }

    /// What `/metrics` shows now; of a finished run, its final values.
    pub(super) fn families(&self, finished: Option<&Finished>) -> Vec<Family> {
        let gates;
        let (totals, gates, verdict) = match finished {
            Some(finished) => {
                // Without a warmup they were handed over to the report, which needs nothing else.
                let all = if self.plan.warmup.is_zero() { &finished.totals } else { self.ledger.all() };
                (all, &finished.gates, Some(finished.verdict))
            }
            None => {
                gates = self.standing();
                (self.ledger.all(), &gates, None)
            }
        };
        let is_final = verdict.is_some() || self.alerts.is_some();
        let load_began = self.load_began.unwrap_or(self.started_at);
        let view = RunView {
            totals,
            gates,
            is_final,
            verdict,
            phase: self.phase,
            elapsed: self.elapsed,
            paused: self.paused,
            started_at: self.started_at,
            ended_at: is_final.then_some(load_began + self.elapsed + self.paused),
            observer: &self.observer,
            samples_dropped: self.samples_dropped.count(),
            store: self.embedded.store().stats(),
        };
        let mut families = families::families(&self.labels, &view);
        families.extend(self.faults.families(self.labels.get(), self.clock));
        families
    }
}
