//! The steps inside a `websocket` flow: send, receive, ping, close.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::HeaderMap;
use tokio::time::Instant;

use super::link::Link;
use super::websocket::{Sent, Session};
use super::{Checks, Ended, Records, Set, Step, Vu};
use crate::budget::Charge;
use crate::ids::SeriesId;
use crate::protocol::websocket::{self, Incoming, Utf8Bytes};
use crate::sample::ErrorCode;
use crate::template::{ExchangeView, Expression, Template};
use crate::time::Elapsed;

#[derive(Debug)]
pub struct Send(pub Message);

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
            let text: Utf8Bytes = match &self.0 {
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
            let sent = session(vu)?.sent.take();
            let from = sent.map_or(began, |sent| sent.due);
            let mut times = ReplyTimes { sent, from, previous: None };
            let deadline = vu.worker.clock.instant(began) + self.timeout;
            let outcome = self.matching(vu, &mut times, deadline).await?;
            self.conclude(vu, &times, outcome)
        })
    }
}

/// Counts a message, and makes it the exchange that expressions see.
fn observe(vu: &mut Vu, series: SeriesId, incoming: Incoming, since: Elapsed) -> Result<(), ErrorCode> {
    vu.worker.shard.borrow_mut().count(series, 1);
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
                vu.worker.shard.borrow_mut().count(series.received, 1);
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
            let deadline = Instant::now() + self.lasting;
            loop {
                let session = session(vu)?;
                let series = session.series.received;
                let incoming = match session.link.next(deadline).await {
                    Ok(incoming) => incoming,
                    Err(error) => {
                        session.settle();
                        let nothing_came = error == ErrorCode::TIMEOUT || session.link.ended_well();
                        return if nothing_came { Ok(()) } else { Err(session.lost(error)) };
                    }
                };
                if let Err(error) = observe(vu, series, incoming, began) {
                    return Err(self::session(vu)?.lost(error));
                }
                // A message without the field that is looked for is not the one.
                let holds =
                    |expression: &Expression, vu: &Vu| expression.is_true(&vu.scope()).unwrap_or(false);
                if self.when.as_ref().is_none_or(|when| holds(when, vu)) {
                    self.checks.run_on(vu);
                    self.record.run_on(vu, Duration::ZERO)?;
                    self.capture.run_on(vu)?;
                }
                if self.until.as_ref().is_some_and(|until| holds(until, vu)) {
                    return Ok(());
                }
            }
        })
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
