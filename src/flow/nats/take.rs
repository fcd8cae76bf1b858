//! Messages in: what is said on a subject, and what a stream holds.

use std::rc::Rc;
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

use super::super::held::Keep;
use super::super::ledger::Receiver;
use super::super::{Ended, ReceivedEvents, Vu};
use super::NatsStep;
use super::link::Link;
use crate::budget::Charge;
use crate::ledger::{HEADER, Token};
use crate::protocol::nats::{Consumer, Start, to_http};
use crate::sample::ErrorCode;
use crate::template::{ExchangeView, Template};
use crate::time::Elapsed;

/// The server's clock may be this much behind ours.
const CLOCK_SKEW: Duration = Duration::from_secs(5);
/// After an error that may come again at once.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub struct NatsTake {
    pub source: Source,
    /// Takes all that come within it; that none comes is no failure.
    pub lasting: Option<Duration>,
    /// So many end it.
    pub count: Option<u64>,
    /// For `count` of them, where nothing says how long it lasts.
    pub timeout: Duration,
    pub events: Option<ReceivedEvents>,
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
struct Taking {
    /// Locked by nobody else: a VU does one thing at a time.
    inlet: Mutex<Inlet>,
    link: Rc<Link>,
    events: Option<Receiver>,
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
                self.link.settle().await;
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

impl NatsStep {
    pub(super) async fn take(&self, vu: &mut Vu, take: &NatsTake) -> Result<(), Ended> {
        let due = vu.take_due().unwrap_or_else(|| vu.now());
        // It lasts from when messages can come.
        let opened = timeout(take.timeout, self.taking(vu, take)).await;
        match opened.unwrap_or(Err(Refused::Error(ErrorCode::TIMEOUT))) {
            Ok(_) => {}
            Err(Refused::Error(error)) => return self.failed(vu, due, error),
            Err(Refused::Ended(ended)) => return Err(ended),
        }
        let began = vu.now();
        let end = vu.worker.clock.instant(began) + take.lasting.unwrap_or(take.timeout);
        let mut taken = self.take_until(vu, take, 0, end, || true).await?;
        if !take.is_enough(taken)
            && let Some(events) = take.events
            && let Some(taking) = vu.held.find::<Taking>(self.account.id)
            && let Some(receiver) = &taking.events
        {
            // What the ledger says is still to come.
            receiver.mark();
            let end = Instant::now() + events.wait;
            taken = self.take_until(vu, take, taken, end, || receiver.is_owed()).await?;
        }
        if take.lasting.is_none() && !take.is_enough(taken) {
            return self.failed(vu, due, ErrorCode::NATS_TOO_FEW);
        }
        vu.worker.shard.borrow_mut().rate(self.account.series.failed, false);
        Ok(())
    }

    /// Until there are enough, or the time is over, or no more are needed; how many there are, with the `taken` before.
    async fn take_until(
        &self,
        vu: &mut Vu,
        take: &NatsTake,
        mut taken: u64,
        end: Instant,
        needed: impl Fn() -> bool,
    ) -> Result<u64, Ended> {
        while !take.is_enough(taken) && needed() {
            let wanted = take.count.map(|count| count - taken);
            let Ok(next) = timeout_at(end, self.next(vu, take, wanted)).await else { break };
            match next {
                Ok((message, taking)) => {
                    taken += 1;
                    self.took(vu, take, &taking, message).await?;
                }
                // It may go on once the connection is back.
                Err(Refused::Error(error)) => {
                    self.account.count_error(&vu.worker, error);
                    tokio::time::sleep_until(end.min(Instant::now() + PAUSE)).await;
                }
                Err(Refused::Ended(ended)) => return Err(ended),
            }
        }
        Ok(taken)
    }

    async fn next(
        &self,
        vu: &mut Vu,
        take: &NatsTake,
        wanted: Option<u64>,
    ) -> Result<(Message, Rc<Taking>), Refused> {
        let taking = self.taking(vu, take).await?;
        let next = taking.inlet.lock().await.next(wanted).await;
        match next {
            Some(Ok(message)) => Ok((message, taking)),
            Some(Err(error)) => Err(Refused::Error(error)),
            None => {
                vu.held.remove::<Taking>(self.account.id);
                Err(Refused::Error(ErrorCode::NATS_DISCONNECTED))
            }
        }
    }

    /// That of an earlier iteration, or a new one.
    async fn taking(&self, vu: &mut Vu, take: &NatsTake) -> Result<Rc<Taking>, Refused> {
        let known = vu.held.find::<Taking>(self.account.id);
        if let Some(taking) = known {
            return Ok(taking);
        }
        let link = Link::reach(self, vu).await?;
        link.ready().await?;
        let inlet = match &take.source {
            Source::Subject { subject, queue } => {
                let subject = vu.render(subject).map_err(Refused::Ended)?;
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
        let events = take.events.map(|events| events.receiver(&vu.worker, from_the_start));
        let events = events.transpose().map_err(Refused::Ended)?;
        let hands_back = matches!(&take.source, Source::Stream(consume) if consume.acknowledges);
        let taking = Rc::new(Taking { inlet: Mutex::new(inlet), link, events, hands_back });
        vu.held.put(self.account.id, Rc::clone(&taking));
        Ok(taking)
    }

    /// Counts a message, and shows it to expressions.
    async fn took(
        &self,
        vu: &mut Vu,
        take: &NatsTake,
        taking: &Taking,
        message: Message,
    ) -> Result<(), Ended> {
        let at = vu.now();
        taking.link.received(&message, &self.account);
        let token = taking.events.as_ref().and_then(|_| token_of(&message));
        let mut latency = Duration::ZERO;
        if let (Some(events), Some(token)) = (&taking.events, token) {
            latency = events.receive(&vu.worker, &token, at);
        }
        if matches!(&take.source, Source::Stream(consume) if consume.acknowledges) {
            taking.link.unconfirmed();
            if let Err(error) = taking.link.connection().acknowledge(&message).await {
                self.account.count_error(&vu.worker, error);
            }
        }
        if self.observed { self.show(vu, &message, at, latency) } else { Ok(()) }
    }

    fn show(&self, vu: &mut Vu, message: &Message, at: Elapsed, latency: Duration) -> Result<(), Ended> {
        // The one before is no longer needed, and makes room.
        vu.exchange = None;
        let (purse, wall) = (vu.worker.dialer.purse(), vu.worker.clock.wall(at));
        let mut charge = Charge::default();
        if charge.cover(message.payload.len() as u64, purse).is_err() {
            self.account.count_error(&vu.worker, ErrorCode::MEMORY_SPENT);
            return Ok(());
        }
        let headers = to_http(message.headers.as_ref());
        let view = ExchangeView::new(0, headers, message.payload.clone(), latency, None);
        vu.exchange = Some(view.paid(charge, purse).received_at(wall));
        self.checks.run_on(vu);
        self.record.run_on(vu, latency)?;
        self.capture.run_on(vu)
    }
}

impl NatsTake {
    fn is_enough(&self, taken: u64) -> bool {
        self.count.is_some_and(|count| taken >= count)
    }
}

/// Why there is no next message.
enum Refused {
    Error(ErrorCode),
    Ended(Ended),
}

impl From<ErrorCode> for Refused {
    fn from(error: ErrorCode) -> Self {
        Refused::Error(error)
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

/// From the header, or from the field of a JSON message.
fn token_of(message: &Message) -> Option<Token> {
    let header = message.headers.as_ref().and_then(|headers| headers.get(HEADER));
    match header {
        Some(header) => Token::parse(header.as_str()),
        None => Token::find_in_json(&message.payload),
    }
}
