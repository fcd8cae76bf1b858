//! A Prometheus that judges too: warned of before load is sent, and asked when the final values are published.

use std::sync::Arc;
use std::time::SystemTime;

use super::stop::Stop;
use super::{Listener, Run, RunOptions};
use crate::plan::Plan;
use crate::prometheus::{Doubt, Options, Prometheus, Question, WantedRules};
use crate::report::{Phase, Progress};
use crate::rules::Gate;

impl Run {
    pub(super) fn prometheus(plan: &Plan, options: &RunOptions) -> Option<Prometheus> {
        let address = options.prometheus.clone()?;
        Some(Prometheus::new(Options {
            address,
            tls: Some(Arc::clone(&plan.settings.tls.http1)),
            testid: options.testid.clone(),
            metrics_url: format!("{}/metrics", options.external_url),
            rules: WantedRules::new(&plan.rule_files, &plan.threshold_rules),
        }))
    }

    /// What would make the run inconclusive is told at once: there is time to mend it.
    pub(super) async fn warn_of_prometheus(&mut self) {
        let Some(prometheus) = &mut self.prometheus else { return };
        for doubt in prometheus.preflight().await {
            tracing::warn!("{doubt}; as it stands the run will be inconclusive");
        }
    }

    /// To be called when the final values are published. A run that was stopped does not wait.
    pub(super) async fn ask_prometheus(
        &mut self,
        listener: &mut dyn Listener,
        stop: &mut Stop<impl Future<Output = String> + Unpin>,
    ) {
        let Some(mut prometheus) = self.prometheus.take().filter(|_| !stop.is_heard()) else { return };
        tracing::info!("waiting until {} has judged the final values", prometheus.name());
        listener.progress(&Progress { phase: Phase::Draining, ..self.reached.clone() });
        let ended_at = SystemTime::now();
        let warmup = if self.ledger.is_judging() { self.judged_from.into() } else { self.elapsed };
        let opened_at = self.load_began.unwrap_or(self.started_at) + warmup;
        let gates = self.gates();
        let question = Question { opened_at, ended_at, gates: &gates };
        tokio::select! {
            findings = prometheus.judge(&question) => self.findings = findings,
            signal = stop.signal() => {
                let why = format!("{signal} came before it had judged the final values");
                self.findings.doubts.push(Doubt::Unreachable(why));
            }
        }
        self.alerts = Some(gates.into_iter().filter(|gate| matches!(gate, Gate::Alert(_))).collect());
    }
}
