//! Totals to what a person watches.

use std::time::Duration;

use super::Run;
use crate::aggregate::{Selector, Totals};
use crate::ids::MetricId;
use crate::metric::{self, PROTOCOLS, Protocol};
use crate::plan::{Course, Span};
use crate::report::{Phase, Progress, ProgressProbe, ScenarioProgress, Traffic};
use crate::scheduler::{Load, PoolState};

impl Run {
    pub(super) fn progress(&mut self, phase: Phase, elapsed: Duration, load: &Load) -> Progress {
        let pools = load.pools();
        let spans = self.spans(load, elapsed);
        let (all, shown) = (self.ledger.all(), self.ledger.shown());
        let scenarios = self.plan.scenarios.iter().zip(pools).zip(&spans).zip(&mut self.last_iterations);
        let scenarios: Vec<ScenarioProgress> = scenarios
            .map(|(((scenario, pool), span), last)| {
                let name = &*scenario.name;
                let count = |id| all.counter(&Selector::with(id, "scenario", name));
                let completed = count(metric::ITERATIONS);
                let (since, before) = std::mem::replace(last, (elapsed, completed));
                // At the end of the whole run: the last moments say nothing of it.
                let (since, before) = match phase {
                    Phase::Finished => (span.start, 0.0),
                    _ => (since, before),
                };
                let secs = elapsed.saturating_sub(since).as_secs_f64();
                let other = scenario.start_after.map(|other| &self.plan.scenarios[other.index()].name);
                let described = scenario.describe_as(&**load.executor(scenario.id.index()));
                let executor = match other {
                    Some(other) => format!("{described}, after {other}"),
                    None => described,
                };
                ScenarioProgress {
                    name: name.to_owned(),
                    executor,
                    start_time: span.start,
                    waits_for: other.filter(|_| pool.begun.is_none()).map(ToString::to_string),
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
                    failed_share: failed_share(shown, name),
                    p95: p95(shown, name),
                }
            })
            .collect();
        let probes =
            self.plan.probes.iter().zip(self.observer.samples()).map(|(probe, samples)| ProgressProbe {
                name: probe.name.clone(),
                last: samples.last(),
                min: samples.min(),
                avg: samples.avg(),
            });
        let progress = Progress {
            phase,
            elapsed,
            paused: self.paused,
            planned: spans.iter().map(|span| span.end).max().unwrap_or_default(),
            scenarios,
            probes: probes.collect(),
            warmup: self.plan.warmup,
            waiting: None,
            traffic: traffic(all),
        };
        self.scenarios.clone_from(&progress.scenarios);
        progress
    }

    /// When each scenario began or will begin.
    pub(super) fn spans(&self, load: &Load, elapsed: Duration) -> Vec<Span> {
        let course = |pool: &PoolState| Course {
            begun: pool.begun.map(Duration::from),
            ended: pool.ended.map(Duration::from),
        };
        self.plan.expected(&load.pools().iter().map(course).collect::<Vec<_>>(), elapsed)
    }
}

fn traffic(totals: &Totals) -> Traffic {
    let all = |id| Selector::all(id);
    let count = |id| totals.counter(&all(id)) as u64;
    let latency = PROTOCOLS.iter().find_map(|protocol| totals.trend(&all(protocol.service)));
    Traffic {
        published: PROTOCOLS.iter().map(|protocol| count(protocol.sent)).sum(),
        errors: PROTOCOLS.iter().map(|protocol| failed(totals, protocol, all) as u64).sum(),
        bytes_sent: count(metric::DATA_SENT),
        latencies: latency.as_ref().map_or(0, |latency| latency.count()),
        latency: Duration::from_nanos(latency.map_or(0.0, |latency| latency.sum()) as u64),
    }
}

/// Exchanges and connections that failed. An exchange whose connection broke is counted by both.
fn failed(totals: &Totals, protocol: &Protocol, of: impl Fn(MetricId) -> Selector) -> f64 {
    let exchanges = totals.rate(&of(protocol.failed)).0 as f64;
    match protocol.connections {
        Some(_) => exchanges.max(totals.counter(&of(protocol.errors))),
        None => exchanges,
    }
}

/// Of all exchanges of the scenario and the connections that it tried, those that failed.
fn failed_share(totals: &Totals, scenario: &str) -> Option<f64> {
    let of = |id| Selector::with(id, "scenario", scenario);
    let (mut all, mut gone) = (0.0, 0.0);
    for protocol in &PROTOCOLS {
        all += totals.rate(&of(protocol.failed)).1 as f64;
        all += protocol.connections.map_or(0.0, |connections| totals.counter(&of(connections)));
        gone += failed(totals, protocol, of);
    }
    (all > 0.0).then(|| (gone / all).min(1.0))
}

/// Of what a user of the scenario waits for: of the first protocol that it uses, or its iterations.
fn p95(totals: &Totals, scenario: &str) -> Option<Duration> {
    let felt = PROTOCOLS.iter().map(|protocol| protocol.felt).chain([metric::ITERATION_DURATION]);
    let felt = felt.into_iter().find_map(|id| totals.trend(&Selector::with(id, "scenario", scenario)))?;
    Some(Duration::from_nanos(felt.quantile(0.95)? as u64))
}
