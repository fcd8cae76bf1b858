//! The steps inside a `websocket` flow: send, receive, ping, close.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::HeaderMap;
use tokio::time::Instant;

use super::link::Link;
use super::websocket::{Sent, Session};
use super::{Checks, Ended, PublishedEvents, ReceivedEvents, Records, Set, Step, Vu};
use crate::budget::Charge;
use crate::ids::SeriesId;
use crate::protocol::websocket::{self, Incoming, Utf8Bytes};
use crate::sample::ErrorCode;
use crate::template::{ExchangeView, Expression, Template};
use crate::time::Elapsed;

#[derive(Debug)]
pub struct Send {
    pub message: Message,
    pub events: Option<PublishedEvents>,
}

#[derive(Debug)]
pub enum Message {
    /// Made once, shared by all.
    Constant(Utf8Bytes),
    Template(Template),
}

/// Receives until a message matches: one streamed reply.
#[derive(Debug)]
pub struct Receive {
    /// Over each message; `None`: the first ends it.
    pub until: Option<Expression>,
    pub timeout: Duration,
    pub events: Option<ReceivedEvents>,
    pub checks: Checks,
    pub capture: Set,
    pub record: Records,
}

/// Looks at each message that comes; that none comes is no failure.
#[derive(Debug)]
pub struct Listen {
    pub lasting: Duration,
    /// Messages for which it does not hold are only counted.
    pub when: Option<Expression>,
    /// The message that ends it early.
    pub until: Option<Expression>,
    pub events: Option<ReceivedEvents>,
    pub checks: Checks,
    pub record: Records,
    pub capture: Set,
}

/// Sends a ping over a WebSocket and waits for its pong.
#[derive(Debug)]
pub struct Ping {
    pub timeout: Duration,
}

/// Closes a WebSocket; says of a gRPC stream that no message follows.
#[derive(Debug)]
pub struct Close {
    pub code: u16,
    pub reason: String,
    pub timeout: Duration,
}

/// The plan reader allows these steps inside a `websocket` flow only; without a session it was lost.
fn session(vu: &mut Vu) -> Result<&mut Session, Ended> {
    vu.session.as_deref_mut().ok_or(Ended::SessionLost)
}

impl Step for Send {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let event = self.events.and_then(|events| events.announce(vu));
            let text: Utf8Bytes = match &self.message {
                Message::Constant(text) => text.clone(),
                Message::Template(template) => template.render(&vu.scope())?.into_owned().into(),
            };
            let at = vu.now();
            let due = vu.take_due().unwrap_or(at);
            let session = session(vu)?;
            session.sent = Some(Sent { due, at });
            let sent = session.link.send(text).await?;
            sent.map_err(|error| session.lost(error))?;
            let series = session.series.sent;
            vu.worker.shard.borrow_mut().count(series, 1);
            if let Some(event) = event {
                event.accepted(&vu.worker);
            }
            Ok(())
        })
    }
}

/// The times of one reply.
struct ReplyTimes {
    sent: Option<Sent>,
    /// When the send was due, or when the receive began.
    from: Elapsed,
    previous: Option<Elapsed>,
}

impl Step for Receive {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let began = vu.now();
            let session = session(vu)?;
            let sent = session.sent.take();
            let expected = match self.events {
                Some(events) => Some((events, session.receiver(events)?.published())),
                None => None,
            };
            let from = sent.map_or(began, |sent| sent.due);
            let mut times = ReplyTimes { sent, from, previous: None };
            let deadline = vu.worker.clock.instant(began) + self.timeout;
            let outcome = self.matching(vu, &mut times, deadline).await?;
            if let (Err(ErrorCode::TIMEOUT), Some((events, published))) = (outcome, expected) {
                // What was on its way when it began has had as long as the plan gives it.
                self::session(vu)?.receiver(events)?.owe(published);
            }
            self.conclude(vu, &times, outcome)
        })
    }
}

/// Counts a message, and the events that it holds.
fn count(vu: &Vu, series: SeriesId, incoming: &Incoming) {
    vu.worker.shard.borrow_mut().count(series, 1);
    if let Some(session) = &vu.session {
        session.note(incoming);
    }
}

/// Counts a message, and makes it the exchange that expressions see.
fn observe(vu: &mut Vu, series: SeriesId, incoming: Incoming, since: Elapsed) -> Result<(), ErrorCode> {
    count(vu, series, &incoming);
    // The one before is no longer needed, and makes room.
    vu.exchange = None;
    let body = match incoming.message {
        websocket::Message::Text(text) => text.into(),
        websocket::Message::Binary(bytes) => bytes,
    };
    let (wall, duration) = (vu.worker.clock.wall(incoming.at), incoming.at.since(since));
    let purse = vu.worker.dialer.purse();
    let mut charge = Charge::default();
    charge.cover(body.len() as u64, purse).map_err(|_| ErrorCode::MEMORY_SPENT)?;
    let view = ExchangeView::new(101, HeaderMap::new(), body, duration, None);
    vu.exchange = Some(view.paid(charge, purse).received_at(wall));
    Ok(())
}

impl Receive {
    /// When the message that ends the reply arrived. The exchange that expressions see is that message.
    async fn matching(
        &self,
        vu: &mut Vu,
        times: &mut ReplyTimes,
        deadline: Instant,
    ) -> Result<Result<Elapsed, ErrorCode>, Ended> {
        loop {
            let session = session(vu)?;
            let series = session.series;
            let incoming = match session.link.next(deadline).await {
                Ok(incoming) => incoming,
                Err(error) => return Ok(Err(error)),
            };
            let at = incoming.at;
            if times.sent.is_some_and(|sent| at < sent.at) {
                // Came before the send: no part of its reply, and no time to measure.
                count(vu, series.received, &incoming);
                continue;
            }
            {
                let mut shard = vu.worker.shard.borrow_mut();
                match times.previous.replace(at) {
                    Some(previous) => shard.time(series.message_gap, at.since(previous)),
                    None if times.sent.is_some() => shard.time(series.first_message, at.since(times.from)),
                    None => {}
                }
            }
            if let Err(error) = observe(vu, series.received, incoming, times.from) {
                return Ok(Err(error));
            }
            let ends = match &self.until {
                // A message without the field that is looked for is not the one.
                Some(until) => until.is_true(&vu.scope()).unwrap_or(false),
                None => true,
            };
            if ends {
                return Ok(Ok(at));
            }
        }
    }

    fn conclude(
        &self,
        vu: &mut Vu,
        times: &ReplyTimes,
        outcome: Result<Elapsed, ErrorCode>,
    ) -> Result<(), Ended> {
        let worker = std::rc::Rc::clone(&vu.worker);
        let session = session(vu)?;
        session.settle();
        worker.shard.borrow_mut().rate(session.series.receive_failed, outcome.is_err());
        match outcome {
            Ok(at) => {
                self.checks.run_on(vu);
                self.capture.run_on(vu)?;
                self.record.run_on(vu, at.since(times.from))
            }
            Err(error) => {
                // Not answered in time is no broken connection; still, a reply that comes later must
                // not be taken for the next one's, so the session ends either way.
                let lost = session.unanswered(error);
                let status = session.link.close_code();
                let waited = vu.now().since(times.from);
                let code = Some(error.number());
                let view = ExchangeView::new(status, HeaderMap::new(), Bytes::new(), waited, code);
                vu.exchange = Some(view);
                if error == ErrorCode::TIMEOUT {
                    // A lower bound, but left out it would flatter the percentiles. A connection that closed
                    // early would flatter them too: it was a short wait for no reply, and is counted as failed.
                    self.record.run_on_failure(vu, waited);
                }
                self.checks.run_on(vu);
                Err(lost)
            }
        }
    }
}

impl Step for Listen {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let began = vu.now();
            if let Some(events) = self.events {
                session(vu)?.receiver(events)?;
            }
            if self.listen(vu, began, Instant::now() + self.lasting, |_| Ok(true)).await? == Heard::Last {
                return Ok(());
            }
            let Some(events) = self.events else { return Ok(()) };
            // What the ledger says is still to come.
            session(vu)?.receiver(events)?.mark();
            let owed = |session: &mut Session| Ok(session.receiver(events)?.is_owed());
            self.listen(vu, began, Instant::now() + events.wait, owed).await.map(drop)
        })
    }
}

/// Why there is nothing more to listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// The time is over, or no more are needed.
    Enough,
    /// The message that ends it, or all that the peer had to say.
    Last,
}

impl Listen {
    async fn listen(
        &self,
        vu: &mut Vu,
        began: Elapsed,
        deadline: Instant,
        needed: impl Fn(&mut Session) -> Result<bool, Ended>,
    ) -> Result<Heard, Ended> {
        loop {
            let session = session(vu)?;
            if !needed(session)? {
                session.settle();
                return Ok(Heard::Enough);
            }
            let series = session.series.received;
            let incoming = match session.link.next(deadline).await {
                Ok(incoming) => incoming,
                Err(error) => {
                    session.settle();
                    return match error {
                        ErrorCode::TIMEOUT => Ok(Heard::Enough),
                        _ if session.link.ended_well() => Ok(Heard::Last),
                        _ => Err(session.lost(error)),
                    };
                }
            };
            if let Err(error) = observe(vu, series, incoming, began) {
                return Err(self::session(vu)?.lost(error));
            }
            // A message without the field that is looked for is not the one.
            let holds = |expression: &Expression, vu: &Vu| expression.is_true(&vu.scope()).unwrap_or(false);
            if self.when.as_ref().is_none_or(|when| holds(when, vu)) {
                self.checks.run_on(vu);
                self.record.run_on(vu, Duration::ZERO)?;
                self.capture.run_on(vu)?;
            }
            if self.until.as_ref().is_some_and(|until| holds(until, vu)) {
                return Ok(Heard::Last);
            }
        }
    }
}

impl Step for Ping {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let session = session(vu)?;
            let (Link::WebSocket(connection), Some(series)) = (&mut session.link, session.series.ping) else {
                return Ok(());
            };
            let pinged = connection.ping(self.timeout).await;
            let rtt = pinged.map_err(|error| session.lost(error))?;
            vu.worker.shard.borrow_mut().time(series, rtt);
            Ok(())
        })
    }
}

impl Step for Close {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let Some(mut session) = vu.session.take() else { return Ok(()) };
            let closed = match &mut session.link {
                Link::WebSocket(connection) => connection.close(self.code, &self.reason, self.timeout).await,
                Link::Grpc(call) => {
                    let closed = call.talk.close().await;
                    let lost = closed.map_err(|error| session.lost(error));
                    // What the server has to say may still be received.
                    vu.session = Some(session);
                    return lost;
                }
                Link::Gone => Ok(()),
            };
            session.settle();
            if let Err(error) = closed {
                return Err(session.lost(error));
            }
            Ok(())
        })
    }
}
