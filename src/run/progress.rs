//! Totals to what a person watches.

use std::time::Duration;

use super::Run;
use crate::aggregate::{Selector, Totals};
use crate::metric;
use crate::report::{Phase, Progress, ProgressProbe, ScenarioProgress};
use crate::scheduler::Load;

/// What a user of a scenario waits for: the first of these that was recorded.
const FELT: [crate::ids::MetricId; 3] =
    [metric::HTTP_REQ_RESPONSE_TIME, metric::WS_FIRST_MESSAGE, metric::ITERATION_DURATION];

impl Run {
    pub(super) fn progress(&mut self, phase: Phase, elapsed: Duration, load: &Load) -> Progress {
        let pools = load.pools();
        let scenarios = self.plan.scenarios.iter().zip(pools).zip(&mut self.last_iterations);
        let scenarios: Vec<ScenarioProgress> = scenarios
            .map(|((scenario, pool), last)| {
                let name = &*scenario.name;
                let count = |id| self.totals.counter(&Selector::with(id, "scenario", name));
                let completed = count(metric::ITERATIONS);
                let (since, before) = std::mem::replace(last, (elapsed, completed));
                // At the end of the whole run: the last moments say nothing of it.
                let (since, before) = match phase {
                    Phase::Finished => (scenario.start_time.into(), 0.0),
                    _ => (since, before),
                };
                let secs = elapsed.saturating_sub(since).as_secs_f64();
                ScenarioProgress {
                    name: name.to_owned(),
                    executor: scenario.describe(),
                    start_time: scenario.start_time.into(),
                    duration: scenario.executor.duration().into(),
                    active_vus: pool.busy,
                    allocated_vus: pool.allocated,
                    max_vus: pool.max,
                    iterations: scenario.executor.model().iterations(),
                    done: pool.done,
                    completed: completed as u64,
                    interrupted: count(metric::INTERRUPTED_ITERATIONS) as u64,
                    dropped: count(metric::DROPPED_ITERATIONS) as u64,
                    iterations_per_sec: if secs > 0.0 { (completed - before) / secs } else { 0.0 },
                    failed_share: failed_share(&self.totals, name),
                    p95: p95(&self.totals, name),
                }
            })
            .collect();
        self.scenarios.clone_from(&scenarios);
        let probes =
            self.plan.probes.iter().zip(self.observer.samples()).map(|(probe, samples)| ProgressProbe {
                name: probe.name.clone(),
                last: samples.last(),
                min: samples.min(),
                avg: samples.avg(),
            });
        Progress { phase, elapsed, planned: self.plan.planned(), scenarios, probes: probes.collect() }
    }
}

/// Of all requests, receives and handshakes of the scenario, those that failed.
fn failed_share(totals: &Totals, scenario: &str) -> Option<f64> {
    let of = |id| Selector::with(id, "scenario", scenario);
    let (failed_requests, requests) = totals.rate(&of(metric::HTTP_REQ_FAILED));
    let (failed_receives, receives) = totals.rate(&of(metric::WS_RECEIVE_FAILED));
    let (refused, sessions) =
        (totals.counter(&of(metric::WS_CONNECTION_ERRORS)), totals.counter(&of(metric::WS_SESSIONS)));
    let all = (requests + receives) as f64 + sessions;
    // A receive whose connection broke is counted by both.
    let failed = failed_requests as f64 + refused.max(failed_receives as f64);
    (all > 0.0).then(|| (failed / all).min(1.0))
}

fn p95(totals: &Totals, scenario: &str) -> Option<Duration> {
    let felt = FELT.iter().find_map(|id| totals.trend(&Selector::with(*id, "scenario", scenario)))?;
    Some(Duration::from_nanos(felt.quantile(0.95)? as u64))
}
