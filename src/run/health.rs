//! What the generator says of itself.

use std::time::Duration;

use super::observer::Observer;
use crate::aggregate::{Selector, Totals};
use crate::executor::DropReason;
use crate::metric::{self, PROTOCOLS};
use crate::plan::Plan;
use crate::sample::ErrorCode;
use crate::tsdb;
use crate::verdict::Health;

/// A worker that uses more than this share of its core cannot be trusted with time.
const BUSY: f64 = 0.9;

/// Watches the CPU of the workers from tick to tick.
#[derive(Debug, Default)]
pub(super) struct Watch {
    at: Duration,
    /// Per worker: CPU time at the last tick, and how long it has been busy in a row.
    workers: Vec<(Duration, Duration)>,
    busiest: Duration,
    /// Those that do not count.
    memory_refusals: u64,
}

impl Watch {
    pub(super) fn tick(&mut self, now: Duration, cpu: &[Duration]) {
        let wall = now.saturating_sub(self.at);
        if wall.is_zero() {
            return;
        }
        self.workers.resize(cpu.len(), (Duration::ZERO, Duration::ZERO));
        for ((before, busy), now) in self.workers.iter_mut().zip(cpu) {
            let share = now.saturating_sub(*before).as_secs_f64() / wall.as_secs_f64();
            *busy = if share > BUSY { *busy + wall } else { Duration::ZERO };
            *before = *now;
            self.busiest = self.busiest.max(*busy);
        }
        self.at = now;
    }

    /// What was seen so far does not count.
    pub(super) fn forget(&mut self, plan: &Plan) {
        self.memory_refusals = plan.settings.budget.refusals();
        self.busiest = Duration::ZERO;
        self.workers.iter_mut().for_each(|(_, busy)| *busy = Duration::ZERO);
    }
}

pub(super) fn health(
    plan: &Plan,
    totals: &Totals,
    watch: &Watch,
    observer: &Observer,
    store: tsdb::Stats,
) -> Health {
    let count = |metric| totals.counter(&Selector::all(metric)) as u64;
    let (completed, dropped) = (count(metric::ITERATIONS), count(metric::DROPPED_ITERATIONS));
    let lag = totals.trend(&Selector::all(metric::ITERATION_LAG)).and_then(|lag| lag.quantile(0.99));
    let spent = |metric, code: ErrorCode| {
        totals.counter(&Selector::with(metric, "error_code", &code.number().to_string())) as u64
    };
    let descriptors_spent = [ErrorCode::DESCRIPTORS_SPENT, ErrorCode::PORTS_SPENT]
        .iter()
        .flat_map(|code| PROTOCOLS.iter().map(|protocol| spent(protocol.errors, *code)))
        .sum();
    Health {
        due: completed + count(metric::INTERRUPTED_ITERATIONS) + dropped,
        dropped,
        dropped_for: (dropped > 0).then(|| most_dropped_for(totals)),
        completed,
        max_dropped: plan.max_dropped,
        lag_p99: Duration::from_nanos(lag.unwrap_or(0.0) as u64),
        busiest_seconds: watch.busiest.as_secs_f64().round() as u32,
        descriptors_spent,
        memory_refusals: plan.settings.budget.refusals() - watch.memory_refusals,
        memory_limit_bytes: plan.settings.budget.limit(),
        iteration_errors: count(metric::ITERATION_ERRORS),
        unstored_samples: store.refused_samples_total + store.starved_samples_total,
        scrapes: observer.health(),
    }
}

fn most_dropped_for(totals: &Totals) -> DropReason {
    let dropped = |reason: &DropReason| {
        totals.counter(&Selector::with(metric::DROPPED_ITERATIONS, "reason", reason.label())) as u64
    };
    DropReason::ALL.into_iter().max_by_key(dropped).unwrap_or(DropReason::NoIdleVu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_time_in_a_row_on_one_worker_counts_as_busy() {
        let secs = Duration::from_secs_f64;
        let mut watch = Watch::default();
        for (now, cpu) in [(1.0, [0.95, 0.1]), (2.0, [1.90, 0.2]), (3.0, [2.0, 1.19]), (4.0, [2.99, 2.18])] {
            watch.tick(secs(now), &cpu.map(secs));
        }
        assert_eq!(
            watch.busiest.as_secs_f64().round(),
            2.0,
            "the first worker was busy for two seconds, then idle"
        );
    }
}
