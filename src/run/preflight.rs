//! What must hold before load is sent.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::Ended;
use crate::flow::{Vu, Worker};
use crate::plan::{Plan, Preflight, PreflightStep};
use crate::record::{Cell, Shard};
use crate::sample::Exchange;
use crate::time::Clock;

const RETRY_EVERY: Duration = Duration::from_millis(500);

/// Runs the steps in order; each is tried again until it succeeds or its `wait_for` has passed.
pub(super) async fn run(plan: &Plan, clock: Clock) -> Result<(), Ended> {
    let Preflight { registry, series, steps } = &plan.preflight;
    let worker =
        Rc::new(Worker::new(clock, Arc::clone(&plan.settings), plan.vars.clone(), Arc::clone(registry)));
    let mut vu = Vu::new(1, Arc::from("preflight"), *series, Rc::clone(&worker));
    for step in steps {
        let give_up = clock.now() + step.wait_for;
        loop {
            vu.begin_iteration(None);
            let executed = step.step.execute(&mut vu).await;
            let shard = worker.shard.replace(Shard::new(Arc::clone(registry)));
            let Err(why) = judge(executed.as_ref().map_err(ToString::to_string), shard, step) else {
                break;
            };
            if clock.now() >= give_up {
                return Err(Ended::Preflight(why));
            }
            tokio::time::sleep(RETRY_EVERY.min(give_up.since(clock.now()))).await;
        }
    }
    Ok(())
}

/// A preflight request succeeds when it is answered as expected and all its checks hold.
fn judge(executed: Result<&Exchange, String>, mut shard: Shard, step: &PreflightStep) -> Result<(), String> {
    let what = format!("preflight {} {}", step.step.method, step.what);
    let exchange = executed.map_err(|why| format!("{what}: {why}"))?;
    let answered = match (exchange.status, exchange.error) {
        (0, Some(error)) => {
            return Err(format!("{what}: {} (error code {})", error.describe(), error.number()));
        }
        (0, None) => return Err(format!("{what}: no answer")),
        (status, _) => status,
    };
    let mut failed = Vec::new();
    for check in &step.step.checks.0 {
        let mut cells = shard.cells_mut();
        if cells.any(|(id, cell)| id == check.series && matches!(cell, Cell::Rate { zero: 1.., .. })) {
            failed.push(format!("`{}`", check.name));
        }
    }
    let expected = step.step.expected.iter().any(|(from, to)| (*from..=*to).contains(&answered));
    match (failed.as_slice(), expected) {
        ([], true) => Ok(()),
        ([], false) => Err(format!("{what}: status {answered}")),
        (names, _) => Err(format!("{what}: check {} failed (status {answered})", names.join(", "))),
    }
}
