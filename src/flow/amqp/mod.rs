//! The step `amqp`: messages out, messages in, and what a server says of a queue or an exchange.

mod inbox;
mod link;
mod look;
mod message;
mod owed;
mod send;
mod take;

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;

use super::bus::{Bus, BusSeries};
use super::websocket::attending;
use super::{Ended, Step, Vu};
use crate::ids::{SeriesId, StepId};
use crate::labels::Labels;
use crate::metric;
use crate::protocol::amqp::Server;
use crate::record::Registry;
pub use look::{AmqpLook, AmqpThing};
pub use message::{AmqpHeader, AmqpMessage, AmqpProperties};
pub use send::AmqpPublish;
use take::TakeFrom;
pub use take::{AmqpSource, AmqpTake};

#[derive(Debug)]
pub struct AmqpStep {
    pub bus: Bus<AmqpOwn>,
    pub server: Arc<Server>,
    pub action: AmqpAction,
}

/// What an `amqp` step counts that no other bus does.
#[derive(Debug, Clone)]
pub struct AmqpOwn {
    pub returned: SeriesId,
}

type Account = super::bus::Account<AmqpOwn>;

#[derive(Debug)]
pub enum AmqpAction {
    Publish(AmqpPublish),
    Take(AmqpTake),
    Look(AmqpLook),
}

impl AmqpOwn {
    pub fn account(registry: &Registry, id: StepId, labels: Labels) -> Account {
        let series = |metric| registry.intern(metric, &labels);
        let of_bus = BusSeries {
            sent: series(metric::AMQP_MSGS_SENT),
            acks: series(metric::AMQP_ACKS),
            failed: series(metric::AMQP_FAILED),
            ack_duration: series(metric::AMQP_ACK_DURATION),
            response_time: series(metric::AMQP_RESPONSE_TIME),
            received: series(metric::AMQP_MSGS_RECEIVED),
            connections: series(metric::AMQP_CONNECTIONS),
            connecting: series(metric::AMQP_CONNECTING),
            reconnects: series(metric::AMQP_RECONNECTS),
            errors: metric::AMQP_ERRORS,
        };
        let own = AmqpOwn { returned: series(metric::AMQP_RETURNED) };
        Account { id, labels, series: of_bus, own }
    }
}

impl Step for AmqpStep {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(attending(vu, async move |vu| match &self.action {
            AmqpAction::Publish(publish) => self.publish(vu, publish).await,
            AmqpAction::Take(take) => self.bus.take(vu, &take.take, &TakeFrom { step: self, take }).await,
            AmqpAction::Look(look) => self.look(vu, look).await,
        }))
    }
}
