//! Messages in: what is said on a subject, and what a stream holds.

use std::rc::Rc;
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures_util::StreamExt as _;
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
}

#[derive(Debug)]
enum Inlet {
    Subject(Subscriber),
    Stream(Box<Consumer>),
}

impl Keep for Taking {}

impl Inlet {
    async fn next(&mut self) -> Option<Result<Message, ErrorCode>> {
        match self {
            Inlet::Subject(subscriber) => subscriber.next().await.map(Ok),
            Inlet::Stream(consumer) => consumer.next().await,
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
        let most = take.count.unwrap_or(u64::MAX);
        let mut taken = 0;
        while taken < most {
            let Ok(next) = timeout_at(end, self.next(vu, take)).await else { break };
            match next {
                Ok((message, taking)) => {
                    taken += 1;
                    self.took(vu, take, &taking, message).await?;
                }
                Err(Refused::Error(error)) => self.pause(vu, error, end).await,
                Err(Refused::Ended(ended)) => return Err(ended),
            }
        }
        if taken < most
            && let Some(events) = take.events
        {
            self.take_what_is_owed(vu, take, events.wait).await?;
        }
        if take.lasting.is_none() && taken < most {
            return self.failed(vu, due, ErrorCode::NATS_TOO_FEW);
        }
        vu.worker.shard.borrow_mut().rate(self.account.series.failed, false);
        Ok(())
    }

    /// What the ledger says is still to come, for no longer than `wait`.
    async fn take_what_is_owed(&self, vu: &mut Vu, take: &NatsTake, wait: Duration) -> Result<(), Ended> {
        let Some(taking) = vu.held.find::<Taking>(self.account.id) else { return Ok(()) };
        let Some(events) = &taking.events else { return Ok(()) };
        events.mark();
        let end = Instant::now() + wait;
        while events.is_owed() {
            match timeout_at(end, self.next(vu, take)).await {
                Ok(Ok((message, from))) => self.took(vu, take, &from, message).await?,
                Ok(Err(Refused::Ended(ended))) => return Err(ended),
                // It may come once the connection is back.
                Ok(Err(Refused::Error(error))) => self.pause(vu, error, end).await,
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// After an error, which is counted.
    async fn pause(&self, vu: &Vu, error: ErrorCode, end: Instant) {
        self.account.count_error(&vu.worker, error);
        tokio::time::sleep_until(end.min(Instant::now() + PAUSE)).await;
    }

    async fn next(&self, vu: &mut Vu, take: &NatsTake) -> Result<(Message, Rc<Taking>), Refused> {
        let taking = self.taking(vu, take).await?;
        let next = taking.inlet.lock().await.next().await;
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
                    take.count,
                );
                Inlet::Stream(Box::new(opening.await?))
            }
        };
        let from_the_start =
            matches!(&take.source, Source::Stream(consume) if consume.deliver != Deliver::New);
        let events = take.events.map(|events| events.receiver(&vu.worker, from_the_start));
        let taking = Rc::new(Taking { inlet: Mutex::new(inlet), link, events });
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
