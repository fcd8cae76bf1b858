//! HTTP requests of one VU, over its own kept-alive connections (k6's model).
//!
//! A version of HTTP is a kind of [`Connection`]: something that is idle or not, makes an exchange, and has a
//! meter.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::body::Body;
use super::connection::Connection;
use super::course::Course;
use super::dial::{Dialer, KeepAlive};
use super::encoding;
use super::http1::{Call, Failure, Receive};
use super::target::{Origin, Target};
use crate::budget::{Charge, Purse};
use crate::sample::{ErrorCode, Exchange};
use crate::time::Elapsed;

/// A kept body may be this large (10 MiB) unless the request says otherwise.
pub const MAX_BODY_BYTES: usize = 10 << 20;
/// What a header costs beside its text.
const HEADER_BYTES: u64 = 128;
/// Connections one VU keeps; the one that was used longest ago makes room.
const MAX_KEPT: usize = 16;
/// How often a request is made again that an HTTP/2 server did not process; Go's number.
const MAX_REFUSALS: u32 = 7;
/// Between the second attempt and the third; twice as long before each one after it.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);

/// One request, to be made once.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub method: &'a Method,
    pub target: &'a Target,
    /// Sent as they are, but for: `Host`, added unless given; `Authorization`, added unless given where the
    /// URL holds credentials; `Content-Length` and `Transfer-Encoding`, which the body decides.
    pub headers: &'a HeaderMap,
    pub body: Bytes,
    /// For the whole exchange, connecting included.
    pub timeout: Duration,
    /// Else the body is counted and dropped.
    pub keep_body: bool,
    /// Those of a redirect (3xx) and those that set a cookie are kept in any case, and with a body those that
    /// describe it.
    pub keep_headers: bool,
    /// A kept body that is larger, compressed or not, is `RESPONSE_TOO_LARGE`; bytes.
    pub max_body_bytes: usize,
    /// When a user wanted it; `None` for now.
    pub due: Option<Elapsed>,
}

impl<'a> Request<'a> {
    /// A `GET` without a body that keeps nothing of the response, with k6's timeout of 60 s.
    pub fn get(target: &'a Target, headers: &'a HeaderMap) -> Self {
        Request {
            method: &Method::GET,
            target,
            headers,
            body: Bytes::new(),
            timeout: Duration::from_secs(60),
            keep_body: false,
            keep_headers: false,
            max_body_bytes: MAX_BODY_BYTES,
            due: None,
        }
    }
}

/// What the request asked to keep of the response; empty where it did not ask, or no response came.
#[derive(Debug, Default)]
pub struct Reply {
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What the body costs, for as long as it is held.
    pub charge: Charge,
}

impl Reply {
    fn pay_for_headers(&mut self, purse: &Purse) -> Result<(), Failure> {
        let size = |(name, value): (&HeaderName, &HeaderValue)| {
            HEADER_BYTES + name.as_str().len() as u64 + value.len() as u64
        };
        let held = self.headers.iter().map(size).sum();
        let failure = Failure { code: ErrorCode::MEMORY_SPENT, unsent: false, unprocessed: false };
        self.charge.add(held, purse).map_err(|_| failure)
    }
}

/// One VU's connections. Dropping it closes them.
#[derive(Debug, Default)]
pub struct Client {
    /// The connection used last comes last.
    kept: Vec<Connection>,
    alarm: Alarm,
}

impl Client {
    pub fn new() -> Self {
        Self::default()
    }

    /// Closes all of them.
    pub fn close(&mut self) {
        self.kept.clear();
    }

    /// Makes one exchange: whatever happens is in the [`Exchange`], with the time it took. An error status
    /// (400 and above) is an error code too, as in k6. After any other error the connection is closed, but
    /// for a stream of HTTP/2 that was reset.
    ///
    /// A kept-alive connection that the server has closed meanwhile is replaced: at once where that is
    /// known before sending, and by one retry within this exchange where it breaks without a byte of a
    /// response and the request may be repeated (Go's rule). A request that an HTTP/2 server says it did not
    /// process is repeated as Go repeats it: up to 7 times, at once, then after 1 s, 2 s, 4 s and so on.
    ///
    /// A kept body is decompressed; that takes no time of the exchange.
    pub async fn exchange(&mut self, dialer: &Dialer, request: Request<'_>) -> (Exchange, Reply) {
        let mut course = Course::begin(dialer.clock(), request.due);
        let deadline = course.deadline(request.timeout);
        let mut idle = self.take_idle(dialer, request.target.origin());
        if idle.is_some() {
            course.reused();
        }
        let mut refusals = 0;
        loop {
            let reused = idle.is_some();
            let mut connection = match idle.take() {
                Some(connection) => connection,
                None => {
                    let origin = request.target.origin();
                    match Box::pin(Connection::dial(dialer, origin, deadline, &mut course)).await {
                        Ok(connection) => connection,
                        Err(code) => return (course.finish(None, Some(code)), Reply::default()),
                    }
                }
            };
            match self.attempt(dialer, &mut connection, &request, deadline, &mut course).await {
                Ok(reply) => {
                    let error = ErrorCode::from_status(course.status);
                    let exchange = course.finish(Some(connection.meter()), error);
                    self.keep(dialer, connection);
                    return decompressed(exchange, reply, &request, dialer);
                }
                Err(failure) if failure.unprocessed && refusals < MAX_REFUSALS => {
                    course.discard(connection.meter());
                    idle = connection.is_reusable().then_some(connection);
                    if let Err(code) = self.back_off(refusals, deadline).await {
                        return (course.finish(None, Some(code)), Reply::default());
                    }
                    if idle.is_some() {
                        course.resumed();
                    }
                    refusals += 1;
                }
                Err(failure) if reused && may_repeat(&failure, &connection, &request) => {
                    course.discard(connection.meter());
                }
                Err(failure) => {
                    let exchange = course.finish(Some(connection.meter()), Some(failure.code));
                    self.keep(dialer, connection);
                    return (exchange, Reply::default());
                }
            }
        }
    }

    async fn attempt(
        &mut self,
        dialer: &Dialer,
        connection: &mut Connection,
        request: &Request<'_>,
        deadline: Instant,
        course: &mut Course,
    ) -> Result<Reply, Failure> {
        let call = Call {
            method: request.method,
            target: request.target,
            headers: request.headers,
            body: &request.body,
            // They say how a body is compressed.
            keep_headers: request.keep_headers || request.keep_body,
        };
        let body = request.keep_body.then(|| Body::new(request.max_body_bytes, dialer.purse()));
        let mut kept = Kept { body, status: 0, headers: HeaderMap::new() };
        let done = connection.exchange(dialer, call, &mut kept, &mut self.alarm, deadline).await;
        course.status = kept.status;
        done?;
        let (body, charge) = kept.body.map(Body::finish).unwrap_or_default();
        let mut reply = Reply { headers: kept.headers, body, charge };
        reply.pay_for_headers(dialer.purse())?;
        Ok(reply)
    }

    /// Waits before a request is made once more, after as many refusals before this one.
    async fn back_off(&mut self, refusals: u32, deadline: Instant) -> Result<(), ErrorCode> {
        let Some(doublings) = refusals.checked_sub(1) else { return Ok(()) };
        let until = Instant::now() + FIRST_BACK_OFF * (1 << doublings);
        poll_fn(|cx| self.alarm.poll(cx, until.min(deadline))).await;
        if until < deadline { Ok(()) } else { Err(ErrorCode::TIMEOUT) }
    }

    /// Takes the connection out, so that an exchange that is dropped half-way drops it too.
    fn take_idle(&mut self, dialer: &Dialer, origin: &Arc<Origin>) -> Option<Connection> {
        let same = |kept: &Connection| Arc::ptr_eq(kept.origin(), origin) || kept.origin() == origin;
        let mut connection = self.kept.remove(self.kept.iter().rposition(same)?);
        connection.is_idle(dialer).then_some(connection)
    }

    fn keep(&mut self, dialer: &Dialer, connection: Connection) {
        if !connection.is_reusable() || dialer.keep_alive() == KeepAlive::Never {
            return;
        }
        if self.kept.len() == MAX_KEPT {
            self.kept.remove(0);
        }
        self.kept.push(connection);
    }
}

/// The body without its codings. One that is not what its headers say fails the exchange, as in k6.
fn decompressed(
    mut exchange: Exchange,
    reply: Reply,
    request: &Request<'_>,
    dialer: &Dialer,
) -> (Exchange, Reply) {
    let plain = Body::new(request.max_body_bytes, dialer.purse());
    match encoding::decompress(&reply.headers, &reply.body, plain) {
        Ok(None) => (exchange, reply),
        Ok(Some(plain)) => {
            let (body, charge) = plain.finish();
            let reply = Reply { headers: reply.headers, body, charge };
            (exchange, reply)
        }
        Err(code) => {
            exchange.error = Some(code);
            (exchange, Reply::default())
        }
    }
}

/// Whether a request that failed on a reused connection is made again on a new one: when none of it was
/// sent, or no byte of a response came and repeating it does no harm. Go's `shouldRetryRequest`.
fn may_repeat(failure: &Failure, connection: &Connection, request: &Request<'_>) -> bool {
    let harmless = matches!(*request.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
        || request.headers.contains_key("idempotency-key")
        || request.headers.contains_key("x-idempotency-key");
    let unanswered = connection.meter().first_read_at().is_none();
    // A stream that was reset says that the connection is alive: what was said of it is believed.
    let broke = failure.code != ErrorCode::TIMEOUT && !connection.is_reusable();
    broke && (failure.unsent || unanswered && harmless)
}

/// What is kept of a response.
struct Kept<'a> {
    status: u16,
    headers: HeaderMap,
    /// `None`: counted and dropped.
    body: Option<Body<'a>>,
}

impl Receive for Kept<'_> {
    fn head(&mut self, status: u16, headers: HeaderMap) -> bool {
        self.status = status;
        self.headers = headers;
        true
    }

    fn body(&mut self, piece: &[u8]) -> Result<(), ErrorCode> {
        self.body.as_mut().map_or(Ok(()), |body| body.extend(piece))
    }
}
