//! Messages in: what a queue holds, and what an exchange passes on.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::super::held::Keep;
use super::super::ledger::Receiver;
use super::super::{Ended, ReceivedEvents, Vu};
use super::AmqpStep;
use super::inbox::Inbox;
use super::link::Link;
use crate::ledger::{HEADER, Token};
use crate::protocol::amqp::{Delivery, Source};
use crate::sample::ErrorCode;
use crate::template::{ExchangeView, Template};
use crate::time::Elapsed;

/// After an error that may come again at once.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub struct AmqpTake {
    pub source: AmqpSource,
    /// As many the server sends that are not acknowledged.
    pub prefetch: u16,
    pub acknowledges: bool,
    /// Takes all that come within it; that none comes is no failure.
    pub lasting: Option<Duration>,
    /// So many end it.
    pub count: Option<u64>,
    /// For `count` of them, where nothing says how long it lasts.
    pub timeout: Duration,
    pub events: Option<ReceivedEvents>,
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
struct Taking {
    inbox: Rc<Inbox>,
    link: Rc<Link>,
    events: Option<Receiver>,
}

impl Keep for Taking {}

/// Why there is no next message.
enum Refused {
    Error(ErrorCode),
    /// The consumer is gone, which has been counted.
    Gone,
    Ended(Ended),
}

impl From<Ended> for Refused {
    fn from(ended: Ended) -> Self {
        Refused::Ended(ended)
    }
}

impl AmqpStep {
    pub(super) async fn take(&self, vu: &mut Vu, take: &AmqpTake) -> Result<(), Ended> {
        let due = vu.take_due().unwrap_or_else(|| vu.now());
        // It lasts from when messages can come.
        let opened = timeout(take.timeout, self.taking(vu, take)).await;
        match opened.unwrap_or(Err(Refused::Error(ErrorCode::TIMEOUT))) {
            Ok(_) => {}
            Err(Refused::Error(error)) => return self.failed(vu, due, error),
            Err(Refused::Gone) => return self.failed(vu, due, ErrorCode::AMQP_DISCONNECTED),
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
            return self.failed(vu, due, ErrorCode::AMQP_TOO_FEW);
        }
        vu.worker.shard.borrow_mut().rate(self.account.series.failed, false);
        Ok(())
    }

    /// Until there are enough, or the time is over, or no more are needed; how many there are, with the `taken` before.
    async fn take_until(
        &self,
        vu: &mut Vu,
        take: &AmqpTake,
        mut taken: u64,
        end: Instant,
        needed: impl Fn() -> bool,
    ) -> Result<u64, Ended> {
        while !take.is_enough(taken) && needed() {
            let Ok(next) = timeout_at(end, self.next(vu, take)).await else { break };
            match next {
                Ok((message, at, from)) => {
                    taken += 1;
                    self.took(vu, take, &from, *message, at)?;
                }
                // It may go on once the connection is back.
                Err(Refused::Error(error)) => {
                    self.account.count_error(&vu.worker, error);
                    tokio::time::sleep_until(end.min(Instant::now() + PAUSE)).await;
                }
                Err(Refused::Gone) => {}
                Err(Refused::Ended(ended)) => return Err(ended),
            }
        }
        Ok(taken)
    }

    async fn next(
        &self,
        vu: &mut Vu,
        take: &AmqpTake,
    ) -> Result<(Box<Delivery>, Elapsed, Rc<Taking>), Refused> {
        let taking = self.taking(vu, take).await?;
        match taking.inbox.next().await {
            Some((at, message)) => Ok((message, at, taking)),
            None => {
                vu.held.remove::<Taking>(self.account.id);
                Err(Refused::Gone)
            }
        }
    }

    /// That of an earlier iteration, or a new one.
    async fn taking(&self, vu: &mut Vu, take: &AmqpTake) -> Result<Rc<Taking>, Refused> {
        let known = vu.held.find::<Taking>(self.account.id);
        if let Some(taking) = known {
            return Ok(taking);
        }
        let (prefetch, acknowledges) = (take.prefetch, take.acknowledges);
        let link = self.reach(vu, take.timeout).await.map_err(Refused::Error)?;
        let inbox = match &take.source {
            AmqpSource::Queue(queue) => {
                let queue = vu.render(queue)?;
                link.consume(self, Source::Queue(&queue), prefetch, acknowledges).await
            }
            AmqpSource::Exchange { name, routing_key } => {
                let (name, routing_key) = (vu.render(name)?, vu.render(routing_key)?);
                let source = Source::Exchange { name: &name, routing_key: &routing_key };
                link.consume(self, source, prefetch, acknowledges).await
            }
        };
        let inbox = inbox.map_err(Refused::Error)?;
        // A queue keeps what was published before anybody consumed.
        let from_the_start = matches!(take.source, AmqpSource::Queue(_));
        let events = take.events.map(|events| events.receiver(&vu.worker, from_the_start));
        let events = events.transpose().map_err(Refused::Ended)?;
        let taking = Rc::new(Taking { inbox, link, events });
        vu.held.put(self.account.id, Rc::clone(&taking));
        Ok(taking)
    }

    /// Counts a message, and shows it to expressions.
    fn took(
        &self,
        vu: &mut Vu,
        take: &AmqpTake,
        from: &Taking,
        message: Delivery,
        at: Elapsed,
    ) -> Result<(), Ended> {
        vu.worker.shard.borrow_mut().count(self.account.series.received, 1);
        let mut latency = Duration::ZERO;
        if let Some(events) = &from.events
            && let Some(token) = token_of(&message)
        {
            latency = events.receive(&vu.worker, &token, at);
        }
        if take.acknowledges
            && let Err(error) = from.link.acknowledge(message.number)
        {
            self.account.count_error(&vu.worker, error);
        }
        if !self.observed {
            return Ok(());
        }
        // The one before is no longer needed.
        vu.exchange = None;
        let wall = vu.worker.clock.wall(at);
        let headers = message.to_http();
        let view = ExchangeView::new(0, headers, message.body, latency, None);
        vu.exchange = Some(view.paid(message.charge, vu.worker.dialer.purse()).received_at(wall));
        self.checks.run_on(vu);
        self.record.run_on(vu, latency)?;
        self.capture.run_on(vu)
    }
}

impl AmqpTake {
    fn is_enough(&self, taken: u64) -> bool {
        self.count.is_some_and(|count| taken >= count)
    }
}

/// From the header, or from the field of a JSON message.
fn token_of(message: &Delivery) -> Option<Token> {
    match message.header(HEADER) {
        Some(header) => Token::parse(header),
        None => Token::find_in_json(&message.body),
    }
}
