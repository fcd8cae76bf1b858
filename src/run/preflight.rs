//! What must hold before load is sent.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::Ended;
use crate::flow::{self, HttpDebug, Instruments, Vu, Worker};
use crate::plan::{Plan, Preflight, PreflightStep};
use crate::record::{Cell, Shard};
use crate::sample::Exchange;
use crate::time::{Clock, Elapsed};

const RETRY_EVERY: Duration = Duration::from_millis(500);

/// Runs the steps in order; each is tried again until it succeeds or its `wait_for` has passed.
pub(super) async fn run(plan: &Plan, clock: Clock, http_debug: Option<HttpDebug>) -> Result<(), Ended> {
    let Preflight { registry, series, steps } = &plan.preflight;
    let worker = Worker::new(clock, Arc::clone(&plan.settings), plan.vars.clone(), Arc::clone(registry));
    // Not tapped: its requests are no part of the load.
    let worker = Rc::new(worker.watched(&Instruments { taps: None, http_debug }));
    let mut vu = Vu::new(1, Arc::from("preflight"), *series, Rc::clone(&worker));
    for step in steps {
        let give_up = clock.now() + step.wait_for;
        loop {
            vu.begin_iteration(None);
            let what = format!("preflight {} {}", step.step.method, step.what);
            let executed =
                tokio::time::timeout(patience(step, give_up, &clock), step.step.execute(&mut vu)).await;
            let shard = worker.shard.replace(Shard::new(Arc::clone(registry)));
            let judged = match executed {
                Ok(Ok(exchange)) => judge(&exchange, shard, step),
                Ok(Err(flow::Ended::Error(why))) => Err(why),
                Ok(Err(flow::Ended::SessionLost)) | Err(_) => Err("no answer in time".to_owned()),
            };
            let Err(why) = judged.map_err(|why| format!("{what}: {why}")) else { break };
            if clock.now() >= give_up {
                return Err(Ended::Preflight(why));
            }
            tokio::time::sleep(RETRY_EVERY.min(give_up.since(clock.now()))).await;
        }
    }
    Ok(())
}

/// How long one try may take: with `wait_for`, no longer than what is left of it, but at least a second.
fn patience(step: &PreflightStep, give_up: Elapsed, clock: &Clock) -> Duration {
    if step.wait_for.is_zero() {
        return step.step.timeout;
    }
    give_up.since(clock.now()).max(Duration::from_secs(1)).min(step.step.timeout)
}

/// A preflight request succeeds when it is answered as expected and all its checks hold.
fn judge(exchange: &Exchange, mut shard: Shard, step: &PreflightStep) -> Result<(), String> {
    let answered = match (exchange.status, exchange.error) {
        (0, Some(error)) => {
            return Err(format!("{} (error code {})", error.describe(), error.number()));
        }
        (0, None) => return Err("no answer".to_owned()),
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
        ([], false) => Err(format!("status {answered}")),
        (names, _) => Err(format!("check {} failed (status {answered})", names.join(", "))),
    }
}
