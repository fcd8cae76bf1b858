//! Messages in: what is said on a subject, and what a stream holds.

use std::rc::Rc;
use std::time::Duration;

use async_nats::{HeaderValue, Message, Subscriber};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::sync::Mutex;

use super::super::bus::{Intake, Linked as _, Refused, Shown, Take};
use super::super::held::Keep;
use super::super::ledger::Receiver;
use super::super::{Ended, Vu};
use super::NatsStep;
use super::link::Link;
use crate::budget::Charge;
use crate::ledger::HEADER;
use crate::protocol::nats::{Consumer, Start, to_http};
use crate::sample::ErrorCode;
use crate::template::Template;
use crate::time::Elapsed;

/// The server's clock may be this much behind ours.
const CLOCK_SKEW: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct NatsTake {
    pub source: Source,
    pub take: Take,
}

#[derive(Debug)]
pub enum Source {
    /// Of a queue each message goes to one member only.
    Subject {
        subject: Template,
        queue: Option<String>,
    },
    Stream(Consume),
}

#[derive(Debug)]
pub struct Consume {
    pub stream: String,
    /// Kept by the server, and shared by all that name it.
    pub consumer: Option<String>,
    /// Filters.
    pub subject: Option<String>,
    pub deliver: Deliver,
    /// Whether messages are acknowledged.
    pub acknowledges: bool,
}

/// Where a consumer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deliver {
    /// With what was stored since the run began.
    Run,
    New,
    All,
}

/// A subscription or a consumer, kept for the next iteration.
#[derive(Debug)]
pub(in crate::flow) struct Taking {
    /// Locked by nobody else: a VU does one thing at a time.
    inlet: Mutex<Inlet>,
    link: Rc<Link>,
    events: Option<Rc<Receiver>>,
    /// Others get what it did not take.
    hands_back: bool,
}

#[derive(Debug)]
enum Inlet {
    Subject(Subscriber),
    Stream(Box<Consumer>),
    /// Its user goes.
    Closed,
}

impl Keep for Taking {
    fn settle(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        self.hands_back.then(|| -> LocalBoxFuture<'static, ()> {
            Box::pin(async move {
                let inlet = std::mem::replace(&mut *self.inlet.lock().await, Inlet::Closed);
                if let Inlet::Stream(consumer) = inlet {
                    consumer.hand_back().await;
                    self.link.unconfirmed();
                }
                self.link.leave().await;
            })
        })
    }
}

impl Inlet {
    /// `wanted`: so many more, if there is such a number.
    async fn next(&mut self, wanted: Option<u64>) -> Option<Result<Message, ErrorCode>> {
        match self {
            Inlet::Subject(subscriber) => subscriber.next().await.map(Ok),
            Inlet::Stream(consumer) => consumer.next(wanted).await,
            Inlet::Closed => None,
        }
    }
}

/// What a step takes, as [`Bus::take`](super::super::bus::Bus::take) asks for it.
pub(super) struct TakeFrom<'a> {
    pub(super) step: &'a NatsStep,
    pub(super) take: &'a NatsTake,
}

impl Intake for TakeFrom<'_> {
    type Message = (Message, Rc<Taking>);
    const TOO_FEW: ErrorCode = ErrorCode::NATS_TOO_FEW;

    async fn open(&self, vu: &mut Vu) -> Result<(), Refused> {
        self.taking(vu).await.map(drop)
    }

    fn receiver(&self, vu: &Vu) -> Option<Rc<Receiver>> {
        vu.held.find::<Taking>(self.step.bus.account.id)?.events.clone()
    }

    async fn next(&self, vu: &mut Vu, wanted: Option<u64>) -> Result<Option<Self::Message>, Refused> {
        let taking = self.taking(vu).await?;
        let next = taking.inlet.lock().await.next(wanted).await;
        match next {
            Some(Ok(message)) => Ok(Some((message, taking))),
            Some(Err(error)) => Err(error.into()),
            None => {
                vu.held.remove::<Taking>(self.step.bus.account.id);
                Err(ErrorCode::NATS_DISCONNECTED.into())
            }
        }
    }

    async fn took(&self, vu: &mut Vu, (message, taking): Self::Message) -> Result<(), Ended> {
        let (at, bus) = (vu.now(), &self.step.bus);
        taking.link.received(&message, &bus.account);
        let latency = taking.events.as_ref().map_or(Duration::ZERO, |events| {
            let header = message.headers.as_ref().and_then(|headers| headers.get(HEADER));
            events.hear(&vu.worker, header.map(HeaderValue::as_str), &message.payload, at)
        });
        if self.take.acknowledges() {
            taking.link.unconfirmed();
            if let Err(error) = taking.link.connection().acknowledge(&message).await {
                bus.account.count_error(&vu.worker, error);
            }
        }
        if !bus.observed {
            return Ok(());
        }
        // The one before is no longer needed, and makes room.
        vu.exchange = None;
        let mut charge = Charge::default();
        if charge.cover(message.payload.len() as u64, vu.worker.dialer.purse()).is_err() {
            bus.account.count_error(&vu.worker, ErrorCode::MEMORY_SPENT);
            return Ok(());
        }
        let headers = to_http(message.headers.as_ref());
        bus.show(vu, Shown { headers, body: message.payload, charge, at, latency })
    }
}

impl TakeFrom<'_> {
    /// That of an earlier iteration, or a new one.
    async fn taking(&self, vu: &mut Vu) -> Result<Rc<Taking>, Refused> {
        let TakeFrom { step, take } = self;
        let known = vu.held.find::<Taking>(step.bus.account.id);
        if let Some(taking) = known {
            return Ok(taking);
        }
        let link = step.bus.reach(vu, take.take.timeout, *step).await?;
        link.ready().await?;
        let inlet = match &take.source {
            Source::Subject { subject, queue } => {
                let subject = vu.render(subject)?;
                Inlet::Subject(link.connection().subscribe(&subject, queue.as_deref()).await?)
            }
            Source::Stream(consume) => {
                let opening = Consumer::open(
                    link.connection(),
                    &consume.stream,
                    consume.consumer.as_deref(),
                    consume.subject.as_deref(),
                    consume.start(vu),
                    consume.acknowledges,
                );
                Inlet::Stream(Box::new(opening.await?))
            }
        };
        let from_the_start =
            matches!(&take.source, Source::Stream(consume) if consume.deliver != Deliver::New);
        let events = take.take.events.map(|events| events.receiver(&vu.worker, from_the_start).map(Rc::new));
        let events = events.transpose()?;
        let hands_back = take.acknowledges();
        let taking = Rc::new(Taking { inlet: Mutex::new(inlet), link, events, hands_back });
        vu.held.put(step.bus.account.id, Rc::clone(&taking));
        Ok(taking)
    }
}

impl NatsTake {
    fn acknowledges(&self) -> bool {
        matches!(&self.source, Source::Stream(consume) if consume.acknowledges)
    }
}

impl Consume {
    fn start(&self, vu: &Vu) -> Start {
        match self.deliver {
            Deliver::Run => Start::At(vu.worker.clock.wall(Elapsed::ZERO) - CLOCK_SKEW),
            Deliver::New => Start::New,
            Deliver::All => Start::All,
        }
    }
}
