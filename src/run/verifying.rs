//! What is asked once the load is over: the plan's `settle`, then its verifications in order.

use std::sync::Arc;

use super::stop::Stop;
use super::{Listener, Run};
use crate::report::Phase;
use crate::rules::{Gate, VerificationGate, VerificationOutcome};
use crate::template::Locals;
use crate::time::Clock;
use crate::verify::{Seen, Surroundings, Watching, verify};

impl Run {
    /// Load begins: what must hold during it is asked from now on.
    pub(super) fn watch(&mut self, given: &Arc<Locals>, clock: Clock) {
        if self.plan.verifications.iter().any(|verification| verification.during.is_some()) {
            self.watching = Watching::new(&self.surroundings(given, clock));
        }
    }

    /// After the last look at the targets and the final tick. A signal ends it early: what was not asked is not known.
    pub(super) async fn verify(
        &mut self,
        given: &Arc<Locals>,
        listener: &mut dyn Listener,
        stop: &mut Stop<impl Future<Output = String> + Unpin>,
    ) {
        let seen = std::mem::take(&mut self.watching).end();
        let plan = Arc::clone(&self.plan);
        let Some(clock) = self.clock.filter(|_| !plan.verifications.is_empty()) else { return };
        let around = self.surroundings(given, clock);
        let at_ms = self.embedded.last_ms();
        let mut outcomes = Vec::new();
        if !stop.is_heard() {
            let reached = self.reached.clone();
            let mut stage = self.stage(Phase::Verifying, reached, listener);
            let waiting = Default::default();
            let ask_all = async {
                tokio::time::sleep(plan.settle).await;
                for (at, verification) in plan.verifications.iter().enumerate() {
                    let seen = seen.get(at).and_then(Option::as_ref);
                    outcomes.push(verify(verification, &around, at_ms, seen).await);
                }
            };
            tokio::select! {
                () = ask_all => {}
                () = stage.shown(&waiting) => {}
                _signal = stop.signal() => {}
            }
        }
        let mut outcomes = outcomes.into_iter();
        let gates = plan.verifications.iter().enumerate().map(|(at, verification)| {
            let seen = seen.get(at).and_then(Option::as_ref);
            let outcome = outcomes.next().or_else(|| seen.and_then(Seen::violation));
            let outcome = outcome.unwrap_or_else(|| VerificationOutcome::Unknown {
                why: "the run was stopped before it was asked".to_owned(),
            });
            let (name, kind) = (verification.name.clone(), verification.kind);
            Gate::Verification(VerificationGate { name, kind, outcome })
        });
        self.verified = gates.collect();
    }

    fn surroundings(&self, given: &Arc<Locals>, clock: Clock) -> Surroundings {
        Surroundings {
            plan: Arc::clone(&self.plan),
            given: Arc::clone(given),
            store: Arc::clone(&self.options.store),
            testid: self.options.testid.clone(),
            clock,
            http_debug: self.http_debug(),
        }
    }
}
