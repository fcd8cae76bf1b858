//! Messages in: what a queue holds, and what an exchange passes on.

use std::rc::Rc;
use std::time::Duration;

use super::super::bus::{Intake, Refused, Shown, Take};
use super::super::held::Keep;
use super::super::ledger::Receiver;
use super::super::{Ended, Vu};
use super::AmqpStep;
use super::inbox::Inbox;
use super::link::Link;
use crate::ledger::HEADER;
use crate::protocol::amqp::{Delivery, Source};
use crate::sample::ErrorCode;
use crate::template::Template;
use crate::time::Elapsed;

#[derive(Debug)]
pub struct AmqpTake {
    pub source: AmqpSource,
    /// As many the server sends that are not acknowledged.
    pub prefetch: u16,
    pub acknowledges: bool,
    pub take: Take,
}

#[derive(Debug)]
pub enum AmqpSource {
    /// Whose messages all its consumers share.
    Queue(Template),
    /// By a queue of the VU's own, so that each VU gets all of them.
    Exchange { name: Template, routing_key: Template },
}

/// A consumer, kept for the next iteration.
#[derive(Debug)]
pub(in crate::flow) struct Taking {
    inbox: Rc<Inbox>,
    link: Rc<Link>,
    events: Option<Rc<Receiver>>,
}

impl Keep for Taking {}

/// What a step takes, as [`Bus::take`](super::super::bus::Bus::take) asks for it.
pub(super) struct TakeFrom<'a> {
    pub(super) step: &'a AmqpStep,
    pub(super) take: &'a AmqpTake,
}

impl Intake for TakeFrom<'_> {
    type Message = (Box<Delivery>, Elapsed, Rc<Taking>);
    const TOO_FEW: ErrorCode = ErrorCode::AMQP_TOO_FEW;

    async fn open(&self, vu: &mut Vu) -> Result<(), Refused> {
        self.taking(vu).await.map(drop)
    }

    fn receiver(&self, vu: &Vu) -> Option<Rc<Receiver>> {
        vu.held.find::<Taking>(self.step.bus.account.id)?.events.clone()
    }

    async fn next(&self, vu: &mut Vu, _: Option<u64>) -> Result<Option<Self::Message>, Refused> {
        let taking = self.taking(vu).await?;
        let Some((at, message)) = taking.inbox.next().await else {
            vu.held.remove::<Taking>(self.step.bus.account.id);
            return Ok(None);
        };
        Ok(Some((message, at, taking)))
    }

    async fn took(&self, vu: &mut Vu, (message, at, from): Self::Message) -> Result<(), Ended> {
        let bus = &self.step.bus;
        vu.worker.shard.borrow_mut().count(bus.account.series.received, 1);
        let latency = from.events.as_ref().map_or(Duration::ZERO, |events| {
            events.hear(&vu.worker, message.header(HEADER), &message.body, at)
        });
        if self.take.acknowledges
            && let Err(error) = from.link.acknowledge(message.number)
        {
            bus.account.count_error(&vu.worker, error);
        }
        if !bus.observed {
            return Ok(());
        }
        // The one before is no longer needed.
        vu.exchange = None;
        let headers = message.to_http();
        let Delivery { body, charge, .. } = *message;
        bus.show(vu, Shown { headers, body, charge, at, latency })
    }
}

impl TakeFrom<'_> {
    /// That of an earlier iteration, or a new one.
    async fn taking(&self, vu: &mut Vu) -> Result<Rc<Taking>, Refused> {
        let TakeFrom { step, take } = *self;
        let known = vu.held.find::<Taking>(step.bus.account.id);
        if let Some(taking) = known {
            return Ok(taking);
        }
        let (prefetch, acknowledges) = (take.prefetch, take.acknowledges);
        let link = step.bus.reach(vu, take.take.timeout, step).await?;
        let inbox = match &take.source {
            AmqpSource::Queue(queue) => {
                let queue = vu.render(queue)?;
                link.consume(step, Source::Queue(&queue), prefetch, acknowledges).await?
            }
            AmqpSource::Exchange { name, routing_key } => {
                let (name, routing_key) = (vu.render(name)?, vu.render(routing_key)?);
                let source = Source::Exchange { name: &name, routing_key: &routing_key };
                link.consume(step, source, prefetch, acknowledges).await?
            }
        };
        // A queue keeps what was published before anybody consumed.
        let from_the_start = matches!(take.source, AmqpSource::Queue(_));
        let events = take.take.events.map(|events| events.receiver(&vu.worker, from_the_start).map(Rc::new));
        let events = events.transpose()?;
        let taking = Rc::new(Taking { inbox, link, events });
        vu.held.put(step.bus.account.id, Rc::clone(&taking));
        Ok(taking)
    }
}
