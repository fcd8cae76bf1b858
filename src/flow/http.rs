//! The step `http`.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use http::{Method, StatusCode};

use super::debug::{show_request, show_response};
use super::outcomes::Outcomes;
use super::websocket::attending;
use super::{Checks, Ended, HttpLabels, Records, Set, Step, Vu};
use crate::ids::StepId;
use crate::protocol::Target;
use crate::protocol::http::{Reply, Request};
use crate::sample::{ErrorCode, Exchange};
use crate::template::{ExchangeView, JsonTemplate, Template};

/// Bodies that a step reads are kept up to this size; a larger one is an error of the exchange.
const MAX_KEPT_BODY_BYTES: usize = 10 * 1024 * 1024;

#[derive(Debug)]
pub struct HttpStep {
    pub id: StepId,
    pub method: Method,
    pub url: Url,
    pub headers: Headers,
    pub body: Body,
    pub timeout: Duration,
    /// How many redirects are followed.
    pub redirects: u32,
    /// Statuses that are no failure, both ends included.
    pub expected: Vec<(u16, u16)>,
    /// Whether this step or a later one looks at the body.
    pub keep_body: bool,
    /// Whether expressions will look at this exchange.
    pub observed: bool,
    pub labels: HttpLabels,
    pub checks: Checks,
    pub capture: Set,
    pub record: Records,
}

/// Constant headers are made once; templates are evaluated for each request.
#[derive(Debug, Default)]
pub struct Headers {
    pub constant: HeaderMap,
    pub templates: Vec<(HeaderName, Template)>,
}

#[derive(Debug)]
pub enum Url {
    Constant(Target),
    Template(Template),
}

#[derive(Debug)]
pub enum Body {
    None,
    Constant(Bytes),
    Text(Template),
    Json(JsonTemplate),
    Form(Vec<(Template, Template)>),
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
        let mut headers = self.headers.render(vu)?;
        let body = self.body.render(vu)?;
        let mut hop = match self.url.resolve(vu)? {
            Ok(target) => Hop { method: Cow::Borrowed(&self.method), target, body },
            Err(error) => return Ok(self.fail_unsent(vu, error)),
        };
        let mut followed = 0;
        loop {
            let (exchange, reply) = self.exchange(vu, &hop, &headers).await;
            self.record_exchange(vu, &exchange);
            match self.redirect(&hop, &exchange, &reply).filter(|_| followed < self.redirects) {
                Some(Ok(next)) => {
                    if next.target.origin() != hop.target.origin() {
                        // What was meant for one host is not for another (Go's client does the same).
                        headers.to_mut().remove(AUTHORIZATION);
                        headers.to_mut().remove(COOKIE);
                    }
                    if next.body.is_empty() && !hop.body.is_empty() {
                        headers.to_mut().remove(CONTENT_TYPE);
                    }
                    hop = next;
                }
                // A redirect that leads nowhere is a failed request, as in k6.
                Some(Err(error)) => return Ok(self.fail_unsent(vu, error)),
                None => return self.observe(vu, exchange, reply).map(|()| exchange),
            }
            followed += 1;
        }
    }

    async fn exchange(&self, vu: &mut Vu, hop: &Hop<'_>, headers: &HeaderMap) -> (Exchange, Reply) {
        let due = vu.take_due();
        let mut request = Request {
            method: &hop.method,
            target: &hop.target,
            headers,
            body: hop.body.clone(),
            timeout: self.timeout,
            keep_body: self.keep_body,
            keep_headers: self.observed,
            max_body_bytes: MAX_KEPT_BODY_BYTES,
            due,
        };
        let shown = show_request(&vu.worker, &vu.scope(), &mut request);
        let (exchange, reply) = vu.client.exchange(&vu.worker.dialer, request).await;
        show_response(shown, &exchange, &reply);
        (exchange, reply)
    }

    fn record_exchange(&self, vu: &Vu, exchange: &Exchange) {
        let expected = exchange.status != 0
            && exchange.error.is_none_or(|error| ErrorCode::from_status(exchange.status) == Some(error))
            && self.expected.iter().any(|(from, to)| (*from..=*to).contains(&exchange.status));
        let mut shard = vu.worker.shard.borrow_mut();
        vu.worker.outcomes.borrow_mut().record_http(&mut shard, self.id, &self.labels, exchange, expected);
        Outcomes::record_bytes(&mut shard, &vu.series, exchange.bytes_sent, exchange.bytes_received);
    }

    /// Checks, captures and records look at the last hop.
    fn observe(&self, vu: &mut Vu, exchange: Exchange, reply: Reply) -> Result<(), Ended> {
        let duration = exchange.phases.duration();
        if self.observed {
            let error = exchange.error.map(ErrorCode::number);
            vu.exchange =
                Some(ExchangeView::new(exchange.status, reply.headers, reply.body, duration, error));
        }
        self.checks.run_on(vu);
        if exchange.status == 0 {
            // k6's duration leaves out connecting, which may be all there was: a dial that timed out took no time.
            self.record.run_time_only(vu, exchange.finished.since(exchange.started));
            return Ok(());
        }
        self.capture.run_on(vu)?;
        self.record.run_on(vu, duration)
    }

    /// A URL that came out of its template malformed is a failed request, as in k6 (code 1020).
    fn fail_unsent(&self, vu: &mut Vu, error: ErrorCode) -> Exchange {
        let now = vu.now();
        let due = vu.take_due().unwrap_or(now);
        let exchange = Exchange {
            due,
            started: now,
            finished: now,
            phases: Default::default(),
            status: 0,
            error: Some(error),
            bytes_sent: 0,
            bytes_received: 0,
        };
        self.record_exchange(vu, &exchange);
        // Without a reply nothing can end the iteration.
        let _ = self.observe(vu, exchange, Reply::default());
        exchange
    }

    /// 301, 302 and 303 turn into GET without a body, as browsers and Go's client do; 307 and 308 repeat the request.
    fn redirect<'a>(
        &self,
        hop: &Hop<'a>,
        exchange: &Exchange,
        reply: &Reply,
    ) -> Option<Result<Hop<'a>, ErrorCode>> {
        let location = reply.headers.get(LOCATION)?;
        let target =
            || location.to_str().ok().and_then(|to| hop.target.join(to)).ok_or(ErrorCode::INVALID_URL);
        let status = StatusCode::from_u16(exchange.status).ok()?;
        match status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => {
                let method = if hop.method.as_ref() == Method::HEAD { Method::HEAD } else { Method::GET };
                Some(target().map(|target| Hop { method: Cow::Owned(method), target, body: Bytes::new() }))
            }
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                Some(target().map(|target| Hop {
                    method: hop.method.clone(),
                    target,
                    body: hop.body.clone(),
                }))
            }
            _ => None,
        }
    }
}

struct Hop<'a> {
    method: Cow<'a, Method>,
    target: Target,
    body: Bytes,
}

impl Headers {
    pub(super) fn render(&self, vu: &Vu) -> Result<Cow<'_, HeaderMap>, Ended> {
        if self.templates.is_empty() {
            return Ok(Cow::Borrowed(&self.constant));
        }
        let mut headers = self.constant.clone();
        for (name, template) in &self.templates {
            let value = vu.render(template)?;
            let value = HeaderValue::from_str(&value).map_err(|_| {
                Ended::Error(format!("the value of header `{name}` has characters that a header cannot hold"))
            })?;
            headers.append(name.clone(), value);
        }
        Ok(Cow::Owned(headers))
    }
}

impl Url {
    pub(super) fn resolve(&self, vu: &Vu) -> Result<Result<Target, ErrorCode>, Ended> {
        match self {
            Url::Constant(target) => Ok(Ok(target.clone())),
            Url::Template(template) => {
                Ok(Target::parse(&vu.render(template)?).map_err(|_| ErrorCode::INVALID_URL))
            }
        }
    }
}

impl Body {
    fn render(&self, vu: &Vu) -> Result<Bytes, Ended> {
        match self {
            Body::None => Ok(Bytes::new()),
            Body::Constant(bytes) => Ok(bytes.clone()),
            Body::Text(template) => vu.render(template).map(Bytes::from),
            Body::Json(template) => Ok(Bytes::from(template.render(&vu.scope())?.into_owned())),
            Body::Form(fields) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                for (name, value) in fields {
                    form.append_pair(&vu.render(name)?, &vu.render(value)?);
                }
                Ok(Bytes::from(form.finish()))
            }
        }
    }
}
