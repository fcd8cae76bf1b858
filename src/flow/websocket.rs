//! The step `websocket`: a connection, and the flow that uses it.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use http::header::{COOKIE, HeaderValue};
use tokio::time::Instant;

use super::cookies;
use super::http::{Headers, Url, cookie_header};
use super::ledger::Receiver;
use super::link::Link;
use super::outcomes::Outcomes;
use super::{Checks, Ended, Flow, ReceivedEvents, ScenarioSeries, SessionSeries, Step, Vu, Worker};
use crate::ids::StepId;
use crate::labels::Labels;
use crate::ledger::Token;
use crate::metric;
use crate::protocol::websocket::{self, Connection, Handshake, Incoming};
use crate::sample::{ErrorCode, Exchange};
use crate::template::ExchangeView;
use crate::time::Elapsed;

/// How long the closing handshake may take when the flow has ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct WebsocketStep {
    pub id: StepId,
    pub url: Url,
    pub headers: Headers,
    pub subprotocols: Vec<HeaderValue>,
    pub connect_timeout: Duration,
    /// Stays open for the VU's next iteration.
    pub keep_open: bool,
    pub labels: Labels,
    pub series: SessionSeries,
    /// Over the handshake.
    pub checks: Checks,
    pub flow: Flow,
}

/// An open connection and what is known of the reply that is being received.
pub(crate) struct Session {
    pub(super) link: Link,
    pub(super) step: StepId,
    pub(super) labels: Labels,
    pub(super) series: SessionSeries,
    /// The last send that no `receive` has waited for yet.
    pub(super) sent: Option<Sent>,
    /// Of ledgers: shown each message, whichever step takes it.
    receivers: Vec<Receiver>,
    counted: Counted,
}

/// A message that was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// A reply's times count from here.
    pub(super) due: Elapsed,
    /// What came in before belongs to no reply to it.
    pub(super) at: Elapsed,
}

/// Ends the session's counts however the session ends, also when the iteration is cut off.
#[derive(Debug)]
struct Counted {
    worker: Rc<Worker>,
    scenario: ScenarioSeries,
    series: SessionSeries,
    opened: Elapsed,
    bytes_sent: u64,
    bytes_received: u64,
    discarded: u64,
}

impl Step for WebsocketStep {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(async move {
            if !self.reach(vu).await? {
                return Ok(());
            }
            let ended = self.flow.run(vu).await;
            let broken = self.keep_open && ended == Err(Ended::SessionLost);
            match vu.session.take() {
                Some(session) if self.keep_open && ended.is_ok() => vu.kept.put(self.id, session),
                Some(mut session) if broken => vu.kept.lost(self.id, session.take_receivers()),
                None if broken => vu.kept.lost(self.id, Vec::new()),
                Some(mut session) if ended.is_ok() => {
                    if let Link::WebSocket(connection) = &mut session.link {
                        // The flow is done; a peer that does not answer the close is its own affair.
                        let _ = connection.close(1000, "", CLOSE_TIMEOUT).await;
                    }
                }
                _ => {}
            }
            match ended {
                Err(Ended::SessionLost) => Ok(()),
                ended => ended,
            }
        })
    }
}

impl WebsocketStep {
    /// Takes the session that an earlier iteration left, or opens one; whether there is a session now.
    async fn reach(&self, vu: &mut Vu) -> Result<bool, Ended> {
        if !self.keep_open {
            return self.connect(vu).await;
        }
        vu.session = vu.kept.take(self.id);
        if vu.session.is_some() {
            return Ok(true);
        }
        let backoff = vu.kept.backoff(self.id);
        if backoff > Duration::ZERO {
            tokio::time::sleep(backoff).await;
        }
        let connected = self.connect(vu).await?;
        match &mut vu.session {
            Some(session) => session.receivers = vu.kept.take_receivers(self.id),
            None => vu.kept.lost(self.id, Vec::new()),
        }
        Ok(connected)
    }

    /// Whether there is a session now.
    async fn connect(&self, vu: &mut Vu) -> Result<bool, Ended> {
        let mut headers = self.headers.render(vu)?;
        let due = vu.take_due();
        let target = match self.url.resolve(vu)? {
            Ok(target) => target,
            Err(error) => {
                vu.worker.shard.borrow_mut().count(self.series.sessions, 1);
                self.count_error(vu, error);
                return Ok(false);
            }
        };
        // As in k6 a handshake takes part in the VU's cookies.
        if let Some(cookie) = cookie_header(headers.get(COOKIE), &vu.cookies, &target) {
            headers.to_mut().insert(COOKIE, cookie);
        }
        let worker = Rc::clone(&vu.worker);
        let handshake = Handshake {
            target: &target,
            headers: &headers,
            subprotocols: &self.subprotocols,
            timeout: self.connect_timeout,
            due,
        };
        let opening = websocket::connect(&worker.dialer, handshake).await;
        let exchange = opening.exchange;
        self.record_handshake(vu, &exchange);
        for _ in 0..vu.cookies.take(&target, &opening.headers) {
            vu.note(cookies::DROPPED);
        }
        if !self.checks.is_empty() {
            let headers = opening.headers;
            let duration = exchange.finished.since(exchange.started);
            let error = exchange.error.map(ErrorCode::number);
            vu.exchange =
                Some(ExchangeView::new(exchange.status, headers, Default::default(), duration, error));
            self.checks.run_on(vu);
        }
        let connected = opening.connection.ok();
        vu.session = connected.map(|connection| Box::new(self.open(vu, connection, exchange.finished)));
        Ok(vu.session.is_some())
    }

    fn open(&self, vu: &Vu, connection: Connection, opened: Elapsed) -> Session {
        let link = Link::WebSocket(Box::new(connection));
        Session::open(vu, link, self.id, &self.labels, self.series, opened)
    }

    /// As in k6 a failed handshake is a session too; unlike k6 its cause is counted.
    fn record_handshake(&self, vu: &Vu, exchange: &Exchange) {
        {
            let mut shard = vu.worker.shard.borrow_mut();
            shard.count(self.series.sessions, 1);
            shard.time(self.series.connecting, exchange.finished.since(exchange.started));
            Outcomes::record_bytes(&mut shard, &vu.series, exchange.bytes_sent, exchange.bytes_received);
        }
        if let Some(error) = exchange.error {
            self.count_error(vu, error);
        }
    }

    fn count_error(&self, vu: &Vu, error: ErrorCode) {
        count_connection_error(&vu.worker, self.id, &self.labels, error);
    }
}

pub(super) fn count_connection_error(worker: &Worker, step: StepId, labels: &Labels, error: ErrorCode) {
    let series = worker.outcomes.borrow_mut().error(metric::WS_CONNECTION_ERRORS, step, labels, error);
    worker.shard.borrow_mut().count(series, 1);
}

impl Session {
    pub(super) fn open(
        vu: &Vu,
        link: Link,
        step: StepId,
        labels: &Labels,
        series: SessionSeries,
        opened: Elapsed,
    ) -> Self {
        if let Some(connected) = series.connected {
            vu.worker.shard.borrow_mut().add(connected, 1.0);
        }
        let counted = Counted {
            worker: Rc::clone(&vu.worker),
            scenario: vu.series,
            series,
            opened,
            bytes_sent: 0,
            bytes_received: 0,
            discarded: 0,
        };
        Session { link, step, labels: labels.clone(), series, sent: None, receivers: Vec::new(), counted }
    }

    /// From the first step on that names its ledger it receives the events.
    pub(super) fn receiver(&mut self, events: ReceivedEvents) -> Result<&Receiver, Ended> {
        let known = self.receivers.iter().position(|receiver| receiver.ledger() == events.ledger);
        let at = match known {
            Some(at) => at,
            None => {
                self.receivers.push(events.receiver(&self.counted.worker, false)?);
                self.receivers.len() - 1
            }
        };
        Ok(&self.receivers[at])
    }

    /// Shows the ledgers what it holds.
    pub(super) fn note(&self, incoming: &Incoming) {
        if self.receivers.is_empty() {
            return;
        }
        for token in Token::all_in(incoming.message.as_bytes()) {
            for receiver in &self.receivers {
                receiver.receive(&self.counted.worker, &token, incoming.at);
            }
        }
    }

    /// Also of what has come and nobody has asked for.
    fn note_waiting(&mut self) {
        if !self.receivers.is_empty() {
            while let Some(incoming) = self.link.waiting() {
                self.note(&incoming);
            }
        }
    }

    /// For the session that follows a broken one.
    pub(super) fn take_receivers(&mut self) -> Vec<Receiver> {
        self.note_waiting();
        std::mem::take(&mut self.receivers)
    }

    /// Bytes sent and received that have been written down.
    pub(super) fn settled_bytes(&self) -> (u64, u64) {
        (self.counted.bytes_sent, self.counted.bytes_received)
    }

    /// For the step that opened it: what is left ends its counts when it is dropped.
    pub(super) fn take_link(&mut self) -> Link {
        std::mem::replace(&mut self.link, Link::Gone)
    }

    /// Waits, but goes on reading: pings are answered and arrivals stamped.
    pub(super) async fn idle(&mut self, until: Instant) {
        self.link.idle(until).await;
        self.settle();
    }

    /// Reads for nobody, as [`idle`](Self::idle) does; ready when the session is over, which it counts.
    pub(super) fn poll_attend(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let error = ready!(self.link.poll_attend(cx));
        self.lost(error);
        Poll::Ready(())
    }

    /// The connection broke, or what was asked for did not come: counted by its cause, and the session is over.
    pub(super) fn lost(&mut self, error: ErrorCode) -> Ended {
        // While it was there it was owed all.
        self.note_waiting();
        self.receivers.iter().for_each(Receiver::mark);
        match &mut self.link {
            Link::WebSocket(_) | Link::Gone => {
                count_connection_error(&self.counted.worker, self.step, &self.labels, error);
            }
            // Told once, when the call is over.
            Link::Grpc(call) => call.talk.abandon(error),
        }
        Ended::SessionLost
    }

    /// What was waited for did not come. Not answered in time is no broken WebSocket, but a call of gRPC that failed.
    pub(super) fn unanswered(&mut self, error: ErrorCode) -> Ended {
        match self.link {
            Link::WebSocket(_) if error == ErrorCode::TIMEOUT => Ended::SessionLost,
            _ => self.lost(error),
        }
    }

    /// Writes down what the socket has counted since the last time.
    pub(super) fn settle(&mut self) {
        let ((sent, received), discarded) = (self.link.bytes(), self.link.discarded());
        let counted = &mut self.counted;
        let mut shard = counted.worker.shard.borrow_mut();
        let since = |now: u64, before: &mut u64| now.saturating_sub(std::mem::replace(before, now));
        shard.count(counted.scenario.data_sent, since(sent, &mut counted.bytes_sent));
        shard.count(counted.scenario.data_received, since(received, &mut counted.bytes_received));
        if let Some(series) = counted.series.discarded {
            shard.count(series, since(discarded, &mut counted.discarded));
        }
    }
}

/// A session that is cut off says goodbye if it can, and its bytes are counted.
impl Drop for Session {
    fn drop(&mut self) {
        self.link.leave();
        self.note_waiting();
        self.settle();
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let open_for = self.worker.clock.now().since(self.opened);
        let mut shard = self.worker.shard.borrow_mut();
        if let Some(connected) = self.series.connected {
            shard.add(connected, -1.0);
        }
        if let Some(duration) = self.series.duration {
            shard.time(duration, open_for);
        }
    }
}

/// Does what may wait inside a `websocket` flow but does not use its session, which goes on reading
/// meanwhile: pings are answered and arrivals stamped.
pub(super) async fn attending<T>(vu: &mut Vu, work: impl AsyncFnOnce(&mut Vu) -> T) -> T {
    let mut session = vu.session.take();
    let done = {
        let mut work = pin!(work(vu));
        poll_fn(|cx| {
            if let Some(session) = &mut session {
                // That it is over is noticed by the next step that uses it.
                let _ = session.link.poll_attend(cx);
            }
            work.as_mut().poll(cx)
        })
        .await
    };
    vu.session = session;
    done
}
