//! The step `nats`: messages out, answers, messages in.

mod link;
mod send;
mod take;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::HeaderMap;

use super::websocket::attending;
use super::{Checks, Ended, Payload, PublishedEvents, Records, Set, Step, Vu, Worker};
use crate::ids::{SeriesId, StepId};
use crate::labels::Labels;
use crate::metric;
use crate::protocol::nats::Servers;
use crate::record::Registry;
use crate::sample::ErrorCode;
use crate::template::{ExchangeView, Template};
use crate::time::Elapsed;
pub use take::{Consume, Deliver, NatsTake, Source};

#[derive(Debug)]
pub struct NatsStep {
    pub servers: Arc<Servers>,
    /// The same for all steps whose connection is the same.
    pub connection: StepId,
    pub connect_timeout: Duration,
    pub account: Account,
    pub action: NatsAction,
    /// Whether an expression looks at what comes back, so that the step waits for it.
    pub observed: bool,
    pub checks: Checks,
    pub capture: Set,
    pub record: Records,
}

/// What is written down of a step, also after it is done.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: StepId,
    pub labels: Labels,
    pub series: NatsSeries,
    /// That should acknowledge; empty where none does.
    pub stream: Arc<str>,
}

#[derive(Debug)]
pub enum NatsAction {
    Publish(NatsPublish),
    Request(NatsRequest),
    Take(NatsTake),
}

/// What is sent.
#[derive(Debug)]
pub struct NatsMessage {
    pub subject: Template,
    pub payload: Payload,
    pub headers: Vec<(String, Template)>,
}

#[derive(Debug)]
pub struct NatsPublish {
    pub message: NatsMessage,
    /// Whether a stream acknowledges it.
    pub acknowledged: bool,
    /// How long an acknowledgement, or room for one more, is waited for.
    pub timeout: Duration,
    /// As many may be sent and not acknowledged.
    pub most_in_flight: usize,
    pub events: Option<PublishedEvents>,
}

#[derive(Debug)]
pub struct NatsRequest {
    pub message: NatsMessage,
    pub timeout: Duration,
    /// The answer is JetStream's, and may say that it refuses.
    pub of_jetstream: bool,
}

/// What a `nats` step counts.
#[derive(Debug, Clone, Copy)]
pub struct NatsSeries {
    pub sent: SeriesId,
    pub acks: SeriesId,
    pub duplicates: SeriesId,
    pub failed: SeriesId,
    pub ack_duration: SeriesId,
    pub request_duration: SeriesId,
    pub response_time: SeriesId,
    pub received: SeriesId,
    pub connections: SeriesId,
    pub connecting: SeriesId,
    pub reconnects: SeriesId,
}

impl NatsSeries {
    pub fn new(registry: &Registry, labels: &Labels) -> Self {
        let series = |id| registry.intern(id, labels);
        NatsSeries {
            sent: series(metric::NATS_MSGS_SENT),
            acks: series(metric::NATS_ACKS),
            duplicates: series(metric::NATS_DUPLICATES),
            failed: series(metric::NATS_FAILED),
            ack_duration: series(metric::NATS_ACK_DURATION),
            request_duration: series(metric::NATS_REQUEST_DURATION),
            response_time: series(metric::NATS_RESPONSE_TIME),
            received: series(metric::NATS_MSGS_RECEIVED),
            connections: series(metric::NATS_CONNECTIONS),
            connecting: series(metric::NATS_CONNECTING),
            reconnects: series(metric::NATS_RECONNECTS),
        }
    }
}

impl Account {
    fn count_error(&self, worker: &Worker, error: ErrorCode) {
        let series = worker.outcomes.borrow_mut().error(metric::NATS_ERRORS, self.id, &self.labels, error);
        worker.shard.borrow_mut().count(series, 1);
    }
}

impl Step for NatsStep {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        // Each boxed as what it is: a publish takes less room than a subscription.
        match &self.action {
            NatsAction::Publish(publish) => {
                Box::pin(attending(vu, async move |vu| self.publish(vu, publish).await))
            }
            NatsAction::Request(request) => {
                Box::pin(attending(vu, async move |vu| self.request(vu, request).await))
            }
            NatsAction::Take(take) => Box::pin(attending(vu, async move |vu| self.take(vu, take).await)),
        }
    }
}

/// What expressions see.
struct Seen {
    headers: HeaderMap,
    body: Bytes,
    duration: Duration,
    error: Option<ErrorCode>,
}

impl NatsStep {
    /// An exchange that came to nothing: what was to be sent was not, or nobody answered.
    fn failed(&self, vu: &mut Vu, due: Elapsed, error: ErrorCode) -> Result<(), Ended> {
        let now = vu.now();
        self.account.count_error(&vu.worker, error);
        {
            let series = &self.account.series;
            let mut shard = vu.worker.shard.borrow_mut();
            shard.exchange(Some((series.failed, now)));
            shard.time(series.response_time, now.since(due));
            shard.rate(series.failed, true);
            shard.exchange(None);
        }
        if !self.observed {
            return Ok(());
        }
        let duration = now.since(due);
        let seen = Seen { headers: HeaderMap::new(), body: Bytes::new(), duration, error: Some(error) };
        self.observe(vu, seen)
    }

    fn observe(&self, vu: &mut Vu, seen: Seen) -> Result<(), Ended> {
        let Seen { headers, body, duration, error } = seen;
        vu.exchange = Some(ExchangeView::new(0, headers, body, duration, error.map(ErrorCode::number)));
        self.checks.run_on(vu);
        if error.is_some() {
            self.record.run_on_failure(vu, duration);
            return Ok(());
        }
        self.capture.run_on(vu)?;
        self.record.run_on(vu, duration)
    }
}
