//! The step `grpc`: a call, what is recorded of it, and what is made of the answer.

mod answers;
mod contract;
mod describe;
mod outcomes;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::HeaderMap;

pub use contract::{Contract, ContractError, GrpcMessage};
pub use describe::Describe;

use self::answers::Answers;
use super::held::Keep;
use super::http::{Headers, Url};

use super::link::{self, Link};
use super::websocket::{Sent, Session, attending};
use super::{Checks, Ended, Flow, Records, SessionSeries, Set, Step, Vu};
use crate::budget::Charge;
use crate::ids::StepId;
use crate::labels::Labels;
use crate::protocol::backoff;
use crate::protocol::grpc::{Answer, Call, Client, Method, Pings, Status};
use crate::sample::{ErrorCode, Exchange};
use crate::template::ExchangeView;
use crate::time::Elapsed;

/// Connections are a VU's: its steps share them.
const OF_ALL_STEPS: StepId = StepId(0);

#[derive(Debug)]
pub struct GrpcStep {
    pub id: StepId,
    pub url: Url,
    pub contract: Arc<Contract>,
    /// Who says what the method looks like, where no file does.
    pub describe: Option<Arc<Describe>>,
    /// Those of every call, and metadata.
    pub headers: Headers,
    pub timeout: Duration,
    /// Statuses that are no failure.
    pub expected: Vec<Status>,
    /// Pings during calls, if there are to be any.
    pub keep_alive: Option<Pings>,
    pub max_receive_bytes: usize,
    /// scenario, name, service, method, group and the tags.
    pub labels: Labels,
    /// Of streams.
    pub series: SessionSeries,
    /// Whether this step or a later one looks at the messages that come.
    pub keep_body: bool,
    /// Whether one of them looks at the metadata.
    pub keep_headers: bool,
    /// Whether expressions will look at this call.
    pub observed: bool,
    pub checks: Checks,
    pub capture: Set,
    pub record: Records,
    /// What sends and receives the messages, one by one; they are then not kept.
    pub flow: Option<Flow>,
}

/// A VU's connections between its calls, and how often in a row they were lost.
#[derive(Default)]
struct Kept {
    client: RefCell<Client>,
    losses: Cell<u32>,
}

impl Keep for Kept {}

impl Kept {
    /// Whether the connection was lost, or could not be made.
    fn note(&self, answer: &Answer) {
        let our_own = matches!(
            answer.exchange.error,
            None | Some(ErrorCode::TIMEOUT | ErrorCode::GRPC_STREAM_ENDED | ErrorCode::GRPC_TOO_LARGE)
        );
        let lost = answer.exchange.status == 0 && !our_own;
        self.losses.set(if lost { self.losses.get().saturating_add(1) } else { 0 });
    }
}

impl Step for GrpcStep {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        if self.flow.is_some() {
            // The plan reader lets it stand in no other session's flow.
            return Box::pin(self.execute(vu));
        }
        Box::pin(attending(vu, async move |vu| self.execute(vu).await))
    }
}

impl GrpcStep {
    async fn execute(&self, vu: &mut Vu) -> Result<(), Ended> {
        let method = match (self.contract.known(), &self.describe) {
            (None, Some(describe)) => {
                describe.ask(vu).await?;
                self.contract.method()?
            }
            _ => self.contract.method()?,
        };
        let frames = self.contract.frames(method, vu)?;
        let headers = self.headers.render(vu)?;
        let target = self.url.resolve(vu)?;
        let due = vu.take_due();
        let (target, frames) = match (target, frames) {
            (Ok(target), Ok(frames)) => (target, frames),
            (Err(code), _) | (_, Err(code)) => {
                let answer = self.unsent(vu, due, code);
                return self.conclude(vu, answer, Bytes::new(), Charge::default());
            }
        };
        let kept = kept(vu);
        let wait = backoff(kept.losses.get(), fastrand::f64());
        if wait > Duration::ZERO {
            tokio::time::sleep(wait).await;
        }
        vu.worker.await_turn().await;
        let call = Call {
            target: &target,
            path: method.path(),
            headers: &headers,
            messages: &frames,
            timeout: self.timeout,
            keep_alive: self.keep_alive,
            max_receive_bytes: self.max_receive_bytes,
            due,
        };
        if let Some(flow) = &self.flow {
            return self.converse(vu, &kept, method, call, flow).await;
        }
        let (answer, json, charge) = self.exchange(vu, &kept, method, call).await;
        self.conclude(vu, answer, json, charge)
    }

    /// Opens the call, has the flow talk over it, and reads it to its end.
    async fn converse(
        &self,
        vu: &mut Vu,
        kept: &Kept,
        method: &Method,
        call: Call<'_>,
        flow: &Flow,
    ) -> Result<(), Ended> {
        let (began, sent, due) = (vu.now(), call.messages.len() as u64, call.due);
        {
            let mut shard = vu.worker.shard.borrow_mut();
            shard.count(self.series.sessions, 1);
            shard.count(self.series.sent, sent);
        }
        let mut client = kept.client.take();
        let opened = client.open(&vu.worker.dialer, call).await;
        kept.client.replace(client);
        let mut talk = match opened {
            Ok(talk) => talk,
            Err(answer) => {
                kept.note(&answer);
                self.record(vu, &answer);
                return self.conclude(vu, *answer, Bytes::new(), Charge::default());
            }
        };
        if !method.is_client_streaming() {
            talk.say_all();
        }
        let purse = vu.worker.dialer.purse().clone();
        let contract = Arc::clone(&self.contract);
        let call = link::Call { talk, method: method.clone(), contract, purse };
        let link = Link::Grpc(Box::new(call));
        let mut session = Session::open(vu, link, self.id, &self.labels, self.series, began);
        session.sent = (sent > 0).then_some(Sent { due: due.unwrap_or(began), at: began });
        vu.session = Some(Box::new(session));
        let ended = flow.run(vu).await;
        let Some(mut session) = vu.session.take() else { return ended };
        let Link::Grpc(call) = &mut session.link else { return ended };
        let unread = match ended {
            Ok(()) => call.talk.finish().await,
            // The server is not waited for.
            Err(_) => {
                call.talk.abandon(ErrorCode::GRPC_STREAM_ENDED);
                0
            }
        };
        session.settle();
        let settled = session.settled_bytes();
        vu.worker.shard.borrow_mut().count(self.series.received, unread);
        let Link::Grpc(call) = session.take_link() else { return ended };
        let mut client = kept.client.take();
        let mut answer = client.take_back(&vu.worker.dialer, call.talk);
        kept.client.replace(client);
        answer.exchange.bytes_sent = answer.exchange.bytes_sent.saturating_sub(settled.0);
        answer.exchange.bytes_received = answer.exchange.bytes_received.saturating_sub(settled.1);
        kept.note(&answer);
        self.record(vu, &answer);
        match ended {
            Ok(()) | Err(Ended::SessionLost) => self.conclude(vu, answer, Bytes::new(), Charge::default()),
            Err(ended) => Err(ended),
        }
    }

    /// Makes the call and records it.
    async fn exchange(
        &self,
        vu: &Vu,
        kept: &Kept,
        method: &Method,
        call: Call<'_>,
    ) -> (Answer, Bytes, Charge) {
        let worker = &vu.worker;
        let mut answers = Answers::new(method, self.keep_body, worker.dialer.purse());
        let mut previous: Option<Elapsed> = None;
        let began = worker.clock.now();
        let due = call.due.unwrap_or(began);
        if method.is_streaming() {
            let mut shard = worker.shard.borrow_mut();
            shard.count(self.series.sessions, 1);
            shard.count(self.series.sent, call.messages.len() as u64);
        }
        let mut receive = |at: Elapsed, message: Bytes| {
            if method.is_streaming() {
                let mut shard = worker.shard.borrow_mut();
                shard.count(self.series.received, 1);
                match previous.replace(at) {
                    Some(previous) => shard.time(self.series.message_gap, at.since(previous)),
                    None => shard.time(self.series.first_message, at.since(due)),
                }
            }
            answers.take(message)
        };
        // Taken out: a call that is cut off takes the connections with it.
        let mut client = kept.client.take();
        let mut answer = client.call(&worker.dialer, call, &mut receive).await;
        kept.client.replace(client);
        let is_one = method.is_server_streaming() || answers.count == 1;
        if answer.status == Status::OK && answer.exchange.error.is_none() && !is_one {
            answer.refuse(ErrorCode::GRPC_MESSAGE_COUNT);
        }
        kept.note(&answer);
        self.record(vu, &answer);
        let (json, charge) = answers.into_json();
        (answer, json, charge)
    }

    fn record(&self, vu: &Vu, answer: &Answer) {
        // What the server said, and not what we made of it.
        let answered = answer.exchange.error.is_none_or(|error| error.is_status());
        let expected = answered && self.expected.contains(&answer.status);
        outcomes::record(vu, self.id, &self.labels, answer, expected);
    }

    /// Checks, captures and records look at the call.
    fn conclude(&self, vu: &mut Vu, answer: Answer, json: Bytes, charge: Charge) -> Result<(), Ended> {
        let Answer { exchange, status, headers, trailers, .. } = answer;
        let duration = exchange.phases.duration();
        if self.observed {
            let error = exchange.error.map(ErrorCode::number);
            let mut all = HeaderMap::new();
            if self.keep_headers {
                all = headers;
                all.extend(trailers);
            }
            let view = ExchangeView::new(exchange.status, all, json, duration, error).named(status.name());
            vu.exchange = Some(view.paid(charge, vu.worker.dialer.purse()));
        }
        self.checks.run_on(vu);
        if exchange.status == 0 {
            self.record.run_on_failure(vu, exchange.finished.since(exchange.started));
            return Ok(());
        }
        if exchange.error.is_some() && !self.expected.contains(&status) {
            // There is no message that could be captured.
            self.record.run_on_failure(vu, duration);
            return Ok(());
        }
        self.capture.run_on(vu)?;
        self.record.run_on(vu, duration)
    }

    /// A call that could not be made as its templates came out.
    fn unsent(&self, vu: &Vu, due: Option<Elapsed>, code: ErrorCode) -> Answer {
        let now = vu.now();
        let exchange = Exchange {
            due: due.unwrap_or(now),
            started: now,
            finished: now,
            phases: Default::default(),
            status: 0,
            error: Some(code),
            bytes_sent: 0,
            bytes_received: 0,
        };
        let answer = Answer {
            exchange,
            status: Status::from_error(code),
            headers: HeaderMap::new(),
            trailers: HeaderMap::new(),
            connected: None,
        };
        self.record(vu, &answer);
        answer
    }
}

fn kept(vu: &mut Vu) -> Rc<Kept> {
    vu.held.find::<Kept>(OF_ALL_STEPS).unwrap_or_else(|| {
        let kept = Rc::<Kept>::default();
        vu.held.put(OF_ALL_STEPS, Rc::clone(&kept));
        kept
    })
}
