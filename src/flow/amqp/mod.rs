//! The step `amqp`: messages out, messages in, and what a server says of a queue or an exchange.

mod inbox;
mod link;
mod look;
mod message;
mod owed;
mod place;
mod send;
mod take;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::HeaderMap;

use super::websocket::attending;
use super::{Checks, Ended, Records, Set, Step, Vu, Worker};
use crate::ids::{SeriesId, StepId};
use crate::labels::Labels;
use crate::metric;
use crate::protocol::amqp::Server;
use crate::record::Registry;
use crate::sample::ErrorCode;
use crate::template::ExchangeView;
use crate::time::Elapsed;
pub use look::{AmqpLook, AmqpThing};
pub use message::{AmqpMessage, AmqpProperties};
pub use send::AmqpPublish;
pub use take::{AmqpSource, AmqpTake};

#[derive(Debug)]
pub struct AmqpStep {
    pub server: Arc<Server>,
    /// The same for all steps whose connection is the same.
    pub connection: StepId,
    pub connect_timeout: Duration,
    pub account: AmqpAccount,
    pub action: AmqpAction,
    /// Whether an expression looks at what comes back, so that the step waits for it.
    pub observed: bool,
    pub checks: Checks,
    pub capture: Set,
    pub record: Records,
}

/// What is written down of a step, also after it is done.
#[derive(Debug, Clone)]
pub struct AmqpAccount {
    pub id: StepId,
    pub labels: Labels,
    pub series: AmqpSeries,
}

#[derive(Debug)]
pub enum AmqpAction {
    Publish(AmqpPublish),
    Take(AmqpTake),
    Look(AmqpLook),
}

/// What an `amqp` step counts.
#[derive(Debug, Clone, Copy)]
pub struct AmqpSeries {
    pub sent: SeriesId,
    pub acks: SeriesId,
    pub returned: SeriesId,
    pub failed: SeriesId,
    pub ack_duration: SeriesId,
    pub response_time: SeriesId,
    pub received: SeriesId,
    pub connections: SeriesId,
    pub connecting: SeriesId,
    pub reconnects: SeriesId,
}

impl AmqpSeries {
    pub fn new(registry: &Registry, labels: &Labels) -> Self {
        let series = |id| registry.intern(id, labels);
        AmqpSeries {
            sent: series(metric::AMQP_MSGS_SENT),
            acks: series(metric::AMQP_ACKS),
            returned: series(metric::AMQP_RETURNED),
            failed: series(metric::AMQP_FAILED),
            ack_duration: series(metric::AMQP_ACK_DURATION),
            response_time: series(metric::AMQP_RESPONSE_TIME),
            received: series(metric::AMQP_MSGS_RECEIVED),
            connections: series(metric::AMQP_CONNECTIONS),
            connecting: series(metric::AMQP_CONNECTING),
            reconnects: series(metric::AMQP_RECONNECTS),
        }
    }
}

impl AmqpAccount {
    fn count_error(&self, worker: &Worker, error: ErrorCode) {
        let series = worker.outcomes.borrow_mut().error(metric::AMQP_ERRORS, self.id, &self.labels, error);
        worker.shard.borrow_mut().count(series, 1);
    }

    /// An exchange that is over, from when it was due.
    fn conclude(&self, worker: &Worker, due: Elapsed, at: Elapsed, failed: bool) {
        let mut shard = worker.shard.borrow_mut();
        shard.exchange(Some((self.series.failed, at)));
        shard.time(self.series.response_time, at.since(due));
        shard.rate(self.series.failed, failed);
        shard.exchange(None);
    }
}

impl Step for AmqpStep {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(attending(vu, async move |vu| match &self.action {
            AmqpAction::Publish(publish) => self.publish(vu, publish).await,
            AmqpAction::Take(take) => self.take(vu, take).await,
            AmqpAction::Look(look) => self.look(vu, look).await,
        }))
    }
}

/// What expressions see.
struct Seen {
    body: Bytes,
    duration: Duration,
    error: Option<ErrorCode>,
}

impl AmqpStep {
    /// An exchange that came to nothing: what was to be sent was not, or nobody answered.
    fn failed(&self, vu: &mut Vu, due: Elapsed, error: ErrorCode) -> Result<(), Ended> {
        let now = vu.now();
        self.account.count_error(&vu.worker, error);
        self.account.conclude(&vu.worker, due, now, true);
        self.observe(vu, Seen { body: Bytes::new(), duration: now.since(due), error: Some(error) })
    }

    fn observe(&self, vu: &mut Vu, seen: Seen) -> Result<(), Ended> {
        if !self.observed {
            return Ok(());
        }
        let Seen { body, duration, error } = seen;
        let number = error.map(ErrorCode::number);
        vu.exchange = Some(ExchangeView::new(0, HeaderMap::new(), body, duration, number));
        self.checks.run_on(vu);
        if error.is_some() {
            self.record.run_on_failure(vu, duration);
            return Ok(());
        }
        self.capture.run_on(vu)?;
        self.record.run_on(vu, duration)
    }
}
