//! The step `nats`: messages out, answers, messages in.

mod link;
mod send;
mod take;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::bus::{Bus, BusSeries};
use super::websocket::attending;
use super::{Ended, Payload, PublishedEvents, Step, Vu};
use crate::ids::{SeriesId, StepId};
use crate::labels::Labels;
use crate::metric;
use crate::protocol::nats::Servers;
use crate::record::Registry;
use crate::template::Template;
use take::TakeFrom;
pub use take::{Consume, Deliver, NatsTake, Source};

#[derive(Debug)]
pub struct NatsStep {
    pub bus: Bus<NatsOwn>,
    pub servers: Arc<Servers>,
    pub action: NatsAction,
}

/// What a `nats` step counts that no other bus does.
#[derive(Debug, Clone)]
pub struct NatsOwn {
    pub duplicates: SeriesId,
    pub request_duration: SeriesId,
    /// That should acknowledge; empty where none does.
    pub stream: Arc<str>,
}

type Account = super::bus::Account<NatsOwn>;

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

impl NatsOwn {
    pub fn account(registry: &Registry, id: StepId, labels: Labels, stream: &str) -> Account {
        let series = |metric| registry.intern(metric, &labels);
        let of_bus = BusSeries {
            sent: series(metric::NATS_MSGS_SENT),
            acks: series(metric::NATS_ACKS),
            failed: series(metric::NATS_FAILED),
            ack_duration: series(metric::NATS_ACK_DURATION),
            response_time: series(metric::NATS_RESPONSE_TIME),
            received: series(metric::NATS_MSGS_RECEIVED),
            connections: series(metric::NATS_CONNECTIONS),
            connecting: series(metric::NATS_CONNECTING),
            reconnects: series(metric::NATS_RECONNECTS),
            errors: metric::NATS_ERRORS,
        };
        let own = NatsOwn {
            duplicates: series(metric::NATS_DUPLICATES),
            request_duration: series(metric::NATS_REQUEST_DURATION),
            stream: Arc::from(stream),
        };
        Account { id, labels, series: of_bus, own }
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
            NatsAction::Take(take) => Box::pin(attending(vu, async move |vu| {
                self.bus.take(vu, &take.take, &TakeFrom { step: self, take }).await
            })),
        }
    }
}
