//! Calls to series: how a call ended chooses the labels `status`, `error_code` and `expected_response`.

use std::cell::RefCell;
use std::rc::Rc;

use crate::flow::held::Keep;
use crate::flow::outcomes::Outcomes;
use crate::flow::{Vu, Worker};
use crate::ids::{SeriesId, StepId};
use crate::labels::Labels;
use crate::metric;
use crate::protocol::grpc::{Answer, Status};
use crate::sample::ErrorCode;

/// What a worker knows of one step.
#[derive(Default)]
struct Known(RefCell<Vec<(Outcome, CallSeries)>>);

impl Keep for Known {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcome {
    status: Status,
    error: Option<ErrorCode>,
    expected: bool,
}

#[derive(Debug, Clone, Copy)]
struct CallSeries {
    reqs: SeriesId,
    duration: SeriesId,
    response_time: SeriesId,
    failed: SeriesId,
    connecting: SeriesId,
}

/// Records one call. `labels` are the step's: scenario, name, service, method, group and the tags.
pub(super) fn record(vu: &Vu, step: StepId, labels: &Labels, answer: &Answer, expected: bool) {
    let outcome = Outcome { status: answer.status, error: answer.exchange.error, expected };
    let series = series(&vu.worker, step, labels, outcome);
    let exchange = &answer.exchange;
    let mut shard = vu.worker.shard.borrow_mut();
    shard.exchange(Some((series.reqs, exchange.finished)));
    shard.count(series.reqs, 1);
    shard.time(series.duration, exchange.phases.duration());
    shard.rate(series.failed, !expected);
    shard.time(series.response_time, exchange.response_time());
    if let Some(connecting) = answer.connected {
        shard.time(series.connecting, connecting);
    }
    shard.exchange(None);
    Outcomes::record_bytes(&mut shard, &vu.series, exchange.bytes_sent, exchange.bytes_received);
}

fn series(worker: &Worker, step: StepId, labels: &Labels, outcome: Outcome) -> CallSeries {
    let mut held = worker.held.borrow_mut();
    let known = held.find::<Known>(step).unwrap_or_else(|| {
        let known = Rc::<Known>::default();
        held.put(step, Rc::clone(&known));
        known
    });
    let mut known = known.0.borrow_mut();
    // Few outcomes per step: a scan is faster than a hash.
    match known.iter().find(|(met, _)| *met == outcome) {
        Some((_, series)) => *series,
        None => {
            let series = meet(worker, labels, outcome);
            known.push((outcome, series));
            series
        }
    }
}

#[cold]
fn meet(worker: &Worker, labels: &Labels, outcome: Outcome) -> CallSeries {
    let outcomes = worker.outcomes.borrow();
    let registry = outcomes.registry();
    let plain = |id| registry.intern(id, labels);
    let told = labels.with("expected_response", if outcome.expected { "true" } else { "false" });
    let error = outcome.error.map_or(String::new(), |error| error.number().to_string());
    let detailed = told.with("status", outcome.status.name()).with("error_code", &error);
    CallSeries {
        reqs: registry.intern(metric::GRPC_REQS, &detailed),
        duration: registry.intern(metric::GRPC_REQ_DURATION, &detailed),
        response_time: registry.intern(metric::GRPC_REQ_RESPONSE_TIME, &told),
        failed: plain(metric::GRPC_REQ_FAILED),
        connecting: plain(metric::GRPC_CONNECTING),
    }
}
