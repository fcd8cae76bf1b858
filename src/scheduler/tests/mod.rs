//! The scheduler in virtual time: flows made of `sleep` steps, all workers on one thread, and a clock
//! that jumps from timer to timer. What is counted here is exact, however busy the machine is.

mod abort;
mod counts;
mod data;
mod drops;
mod graceful_stop;
mod iterations;
mod k6;
mod panics;
mod pauses;
mod ramps;
mod rounds;
mod scaling;
mod start_after;
mod users;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::LocalSet;

use super::{Load, LoadOptions, PoolState, Timing};
use crate::aggregate::{Selector, Totals};
use crate::config;
use crate::executor::DropReason;
use crate::ids::MetricId;
use crate::metric;
use crate::plan::{Plan, compile};
use crate::record::Distribution;
use crate::time::{Clock, Elapsed};

/// Results must not depend on it.
const WORKERS: [usize; 4] = [1, 2, 3, 8];

/// Workers on one thread, that have ended.
struct Ran {
    totals: Totals,
    pools: Vec<PoolState>,
    /// When the last worker ended.
    elapsed: Duration,
}

/// A load and what may be done to it while it runs.
struct Running {
    load: Load,
    clock: Clock,
    totals: Totals,
}

/// `scenarios` is what stands below that key, two spaces indented.
fn plan(scenarios: &str) -> Arc<Plan> {
    plan_with("", scenarios)
}

/// `rest` are further keys of the plan.
fn plan_with(rest: &str, scenarios: &str) -> Arc<Plan> {
    let text = format!("name: virtual\n{rest}\nscenarios:\n{scenarios}\n");
    let loaded =
        config::load("virtual.yml", &text, &config::LoadOptions::default()).unwrap_or_else(|e| panic!("{e}"));
    Arc::new(compile(&loaded, Path::new("")).unwrap_or_else(|e| panic!("{e}")))
}

/// One scenario `s` of the executor whose keys are given in flow style, iterating for `iteration`.
fn scenario(keys: &str, iteration: &str) -> Arc<Plan> {
    plan(&format!("  s: {{{keys}, flow: [{{sleep: {iteration}}}]}}"))
}

async fn run(plan: &Arc<Plan>, workers: usize) -> Ran {
    drive(plan, workers, async |_| ()).await
}

/// Runs the plan to its end; `meanwhile` runs beside it.
async fn drive(plan: &Arc<Plan>, workers: usize, meanwhile: impl AsyncFnOnce(&mut Running)) -> Ran {
    let local = LocalSet::new();
    local
        .run_until(async {
            let clock = Clock::start();
            let load = Load::start_local(
                Arc::clone(plan),
                clock,
                LoadOptions { workers, timing: Timing::Tokio, ..LoadOptions::default() },
            );
            let mut running = Running { load, clock, totals: Totals::new(Arc::clone(&plan.registry)) };
            meanwhile(&mut running).await;
            let Running { mut load, clock, mut totals } = running;
            load.done().await;
            let elapsed = clock.now().since(Elapsed::ZERO);
            load.collect(&mut totals).await;
            Ran { totals, pools: load.pools(), elapsed }
        })
        .await
}

impl Running {
    /// Lets everything happen that is due by `moment`.
    async fn until(&mut self, moment: Duration) {
        tokio::time::sleep_until(self.clock.instant(moment.into())).await;
    }

    /// Takes in what was recorded so far.
    async fn count(&mut self, metric: MetricId, scenario: &str) -> u64 {
        self.load.collect(&mut self.totals).await;
        self.totals.counter(&Selector::with(metric, "scenario", scenario)) as u64
    }
}

impl Ran {
    fn count(&self, metric: MetricId) -> u64 {
        self.totals.counter(&Selector::all(metric)) as u64
    }

    fn count_of(&self, metric: MetricId, scenario: &str) -> u64 {
        self.totals.counter(&Selector::with(metric, "scenario", scenario)) as u64
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.totals.counter(&Selector::with(metric::DROPPED_ITERATIONS, "reason", reason.label())) as u64
    }

    fn trend(&self, metric: MetricId) -> Option<Distribution> {
        self.totals.trend(&Selector::all(metric))
    }

    /// Of a metric of the plan's own.
    fn custom(&self, name: &str) -> Distribution {
        let metric = self.totals.catalog().find(name).unwrap_or_else(|| panic!("no metric {name}"));
        self.trend(metric).unwrap_or_else(|| panic!("nothing recorded {name}"))
    }

    /// (completed, interrupted, dropped)
    fn fates(&self) -> [u64; 3] {
        [metric::ITERATIONS, metric::INTERRUPTED_ITERATIONS, metric::DROPPED_ITERATIONS]
            .map(|id| self.count(id))
    }
}

fn secs(secs: f64) -> Duration {
    Duration::from_secs_f64(secs)
}
