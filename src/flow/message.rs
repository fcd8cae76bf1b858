//! The steps inside a `websocket` flow: send, receive, ping, close.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use http::HeaderMap;
use tokio::time::Instant;

use super::websocket::Session;
use super::{Checks, Ended, Records, Set, Step, Vu};
use crate::protocol::websocket;
use crate::sample::ErrorCode;
use crate::template::{ExchangeView, Expression, JsonTemplate, Template};
use crate::time::Elapsed;

#[derive(Debug)]
pub struct Send(pub Message);

#[derive(Debug)]
pub enum Message {
    Text(Template),
    Json(JsonTemplate),
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

/// Sends a ping and waits for its pong.
#[derive(Debug)]
pub struct Ping {
    pub timeout: Duration,
}

#[derive(Debug)]
pub struct Close {
    pub code: u16,
    pub reason: String,
    pub timeout: Duration,
}

/// The plan reader allows these steps inside a `websocket` flow only; without a session it was lost.
fn session(vu: &mut Vu) -> Result<&mut Session, Ended> {
    vu.session.as_mut().ok_or(Ended::SessionLost)
}

impl Step for Send {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let text = match &self.0 {
                Message::Text(template) => template.render(&vu.scope())?.into_owned(),
                Message::Json(template) => template.render(&vu.scope())?.into_owned(),
            };
            let sent_at = vu.now();
            let session = vu.session.as_mut().ok_or(Ended::SessionLost)?;
            session.sent_at = Some(sent_at);
            let sent = session.connection.send_text(text).await;
            sent.map_err(|error| session.lost(error))?;
            let series = session.series.sent;
            vu.worker.shard.borrow_mut().count(series, 1);
            Ok(())
        })
    }
}

/// The times of one reply.
struct ReplyTimes {
    /// The last send, or when the receive began.
    from: Elapsed,
    answers_send: bool,
    previous: Option<Elapsed>,
}

impl Step for Receive {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let began = vu.now();
            let sent_at = session(vu)?.sent_at.take();
            let mut times = ReplyTimes {
                from: sent_at.unwrap_or(began),
                answers_send: sent_at.is_some(),
                previous: None,
            };
            let deadline = Instant::now() + self.timeout;
            let outcome = self.matching(vu, &mut times, deadline).await?;
            self.conclude(vu, &times, outcome)
        })
    }
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
            let message = match session.connection.next(deadline).await {
                Ok(message) => message,
                Err(error) => return Ok(Err(error)),
            };
            let at = message.at;
            vu.worker.shard.borrow_mut().count(series.received, 1);
            if times.answers_send && at < times.from {
                // Came before the send: no part of its reply, and no time to measure.
                continue;
            }
            {
                let mut shard = vu.worker.shard.borrow_mut();
                match times.previous.replace(at) {
                    Some(previous) => shard.time(series.message_gap, at.since(previous)),
                    None if times.answers_send => shard.time(series.first_message, at.since(times.from)),
                    None => {}
                }
            }
            let body = match message.message {
                websocket::Message::Text(text) => text.into(),
                websocket::Message::Binary(bytes) => bytes,
            };
            let duration = at.since(times.from);
            vu.exchange = Some(ExchangeView::new(101, HeaderMap::new(), body, duration, None));
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
                let lost = if error == ErrorCode::TIMEOUT { Ended::SessionLost } else { session.lost(error) };
                // As long as it was waited for: a lower bound, but left out it would flatter the percentiles.
                let waited = vu.now().since(times.from);
                let code = Some(error.number());
                vu.exchange = Some(ExchangeView::new(0, HeaderMap::new(), Default::default(), waited, code));
                self.record.run_on_failure(vu, waited);
                self.checks.run_on(vu);
                Err(lost)
            }
        }
    }
}

impl Step for Ping {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            let session = session(vu)?;
            let (series, pinged) = (session.series.ping, session.connection.ping(self.timeout).await);
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
            let closed = session.connection.close(self.code, &self.reason, self.timeout).await;
            session.settle();
            if let Err(error) = closed {
                return Err(session.lost(error));
            }
            Ok(())
        })
    }
}
