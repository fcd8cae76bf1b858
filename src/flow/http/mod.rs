//! The step `http`: requests, the redirects they lead to, and what is made of the answers.

mod body;
mod event;
mod hop;
mod management;
mod multipart;
mod request;

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use http::Method;
use http::header::COOKIE;

pub use body::Body;
pub use multipart::{Multipart, Part, PartContent};
pub use request::{BasicAuth, Headers, HttpRequest, OwnCookie, Requests, Url};

use super::cookies::{self, CookieJar};
use super::debug::{show_request, show_response};
use super::outcomes::Outcomes;
use super::websocket::attending;
use super::{Checks, Ended, Records, ScenarioSeries, Set, Step, Vu, Worker};
use crate::protocol::http::{Client, Reply, Request};
use crate::sample::{ErrorCode, Exchange};
use crate::template::{ExchangeView, Scope};
use crate::time::Elapsed;
pub(super) use request::{Errand, cookie_header};

/// Bodies that a step reads are kept up to this size; a larger one is an error of the exchange.
const MAX_KEPT_BODY_BYTES: usize = 10 * 1024 * 1024;

#[derive(Debug)]
pub struct HttpStep {
    pub requests: Requests,
    pub timeout: Duration,
    /// How many redirects are followed.
    pub redirects: u32,
    /// Statuses that are no failure, both ends included.
    pub expected: Vec<(u16, u16)>,
    pub judged_by: JudgedBy,
    /// Whether this step or a later one looks at the body.
    pub keep_body: bool,
    /// Whether one of them looks at the headers: keeping them takes an allocation for each.
    pub keep_headers: bool,
    /// Whether expressions will look at this exchange.
    pub observed: bool,
    pub checks: Checks,
    pub capture: Set,
    pub record: Records,
}

/// What says whether an exchange has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgedBy {
    Status,
    /// RabbitMQ's management API says 200 to a message that went nowhere, too.
    Rabbitmq,
}

/// What a VU's exchanges share, but for the connection that each needs for itself.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) worker: &'a Worker,
    pub(super) series: &'a ScenarioSeries,
    pub(super) cookies: &'a CookieJar,
    pub(super) scope: Scope<'a>,
}

impl Step for HttpStep {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>> {
        Box::pin(attending(vu, async move |vu| self.execute(vu).await.map(drop)))
    }
}

impl HttpStep {
    /// One request and the redirects it leads to; each hop is an exchange of its own, as in k6.
    /// Answers with the last one.
    pub async fn execute(&self, vu: &mut Vu) -> Result<Exchange, Ended> {
        let errand = self.prepare(vu)?;
        let (around, client, _) = vu.surroundings();
        let (exchange, reply) = self.perform(around, client, errand).await;
        self.observe(vu, exchange, reply).map(|()| exchange)
    }

    /// The next request, filled in.
    pub(super) fn prepare(&self, vu: &mut Vu) -> Result<Errand<'_>, Ended> {
        self.requests.next().fill_in(vu)
    }

    /// Sends the request and follows its redirects. Every exchange is recorded; nothing is looked into.
    pub(super) async fn perform(
        &self,
        around: Surroundings<'_>,
        client: &mut Client,
        errand: Errand<'_>,
    ) -> (Exchange, Reply) {
        let Errand { request, mut headers, first, mut own_cookies, mut due, event } = errand;
        let mut hop = match first {
            Ok(hop) => hop,
            Err(error) => return (self.unsent(around, request, due, error), Reply::default()),
        };
        let mut given_cookie = headers.get(COOKIE).cloned();
        let mut followed = 0;
        loop {
            if let Some(cookie) = own_cookies.header(given_cookie.as_ref(), around.cookies, &hop.target) {
                headers.to_mut().insert(COOKIE, cookie);
            }
            around.worker.await_turn().await;
            let mut wanted = Request {
                method: &hop.method,
                target: &hop.target,
                headers: &headers,
                body: hop.body.clone(),
                timeout: self.timeout,
                keep_body: self.keep_body,
                keep_headers: self.keep_headers,
                max_body_bytes: MAX_KEPT_BODY_BYTES,
                due: due.take(),
            };
            let shown = show_request(around.worker, &around.scope, &mut wanted);
            let (mut exchange, reply) = client.exchange(&around.worker.dialer, wanted).await;
            if self.judged_by == JudgedBy::Rabbitmq && exchange.status == 200 && exchange.error.is_none() {
                exchange.error = management::refusal(&reply.body);
            }
            show_response(shown, &exchange, &reply);
            let expected = self.record(around, request, &hop.method, &exchange);
            for _ in 0..around.cookies.take(&hop.target, &reply.headers) {
                around.worker.shard.borrow_mut().note(cookies::DROPPED);
            }
            match hop.redirect(exchange.status, &reply.headers).filter(|_| followed < self.redirects) {
                Some(Ok(next)) => {
                    let elsewhere = next.forget(&hop, headers.to_mut());
                    if elsewhere {
                        (given_cookie, own_cookies) = Default::default();
                    } else if let Some(given) = &given_cookie {
                        headers.to_mut().insert(COOKIE, given.clone());
                    }
                    hop = next;
                }
                // A redirect that leads nowhere is a failed request, as in k6.
                Some(Err(error)) => {
                    return (self.unsent(around, request, None, error), Reply::default());
                }
                None => {
                    if let Some(event) = event.filter(|_| expected) {
                        event.accepted(around.worker);
                    }
                    return (exchange, reply);
                }
            }
            followed += 1;
        }
    }

    /// Whether the answer is one that the plan expects.
    fn record(
        &self,
        around: Surroundings<'_>,
        request: &HttpRequest,
        method: &Method,
        exchange: &Exchange,
    ) -> bool {
        let expected = exchange.status != 0
            && exchange.error.is_none_or(|error| ErrorCode::from_status(exchange.status) == Some(error))
            && self.expected.iter().any(|(from, to)| (*from..=*to).contains(&exchange.status));
        let turned_to_get = *method != request.method;
        let mut shard = around.worker.shard.borrow_mut();
        let mut outcomes = around.worker.outcomes.borrow_mut();
        outcomes.record_http(&mut shard, request.id, &request.labels, exchange, expected, turned_to_get);
        Outcomes::record_bytes(&mut shard, around.series, exchange.bytes_sent, exchange.bytes_received);
        expected
    }

    /// A URL that came out of its template malformed is a failed request, as in k6 (code 1020).
    fn unsent(
        &self,
        around: Surroundings<'_>,
        request: &HttpRequest,
        due: Option<Elapsed>,
        error: ErrorCode,
    ) -> Exchange {
        let now = around.worker.clock.now();
        let exchange = Exchange {
            due: due.unwrap_or(now),
            started: now,
            finished: now,
            phases: Default::default(),
            status: 0,
            error: Some(error),
            bytes_sent: 0,
            bytes_received: 0,
        };
        self.record(around, request, &request.method, &exchange);
        exchange
    }

    /// Checks, captures and records look at the last hop.
    pub(super) fn observe(&self, vu: &mut Vu, exchange: Exchange, reply: Reply) -> Result<(), Ended> {
        let duration = exchange.phases.duration();
        if self.observed {
            let error = exchange.error.map(ErrorCode::number);
            let view = ExchangeView::new(exchange.status, reply.headers, reply.body, duration, error);
            vu.exchange = Some(view.paid(reply.charge, vu.worker.dialer.purse()));
        }
        self.checks.run_on(vu);
        if exchange.status == 0 {
            // k6's duration leaves out connecting, which may be all there was: a dial that timed out took no time.
            self.record.run_on_failure(vu, exchange.finished.since(exchange.started));
            return Ok(());
        }
        self.capture.run_on(vu)?;
        self.record.run_on(vu, duration)
    }
}
