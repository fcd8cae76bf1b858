//! HTTP requests of one VU, over its own kept-alive connections (k6's model).
//!
//! Only HTTP/1.1 so far. Another version is another kind of kept connection beside `Http1`: something that
//! is idle or not, makes an exchange, and has a meter.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::course::Course;
use super::dial::{DialTimes, Dialer};
use super::http1::{Call, Failure, Http1, Receive};
use super::target::{Origin, Target};
use crate::sample::{ErrorCode, Exchange};
use crate::time::Elapsed;

/// A kept body may be this large (10 MiB) unless the request says otherwise.
pub const MAX_BODY_BYTES: usize = 10 << 20;
/// Connections one VU keeps; the one that was used longest ago makes room.
const MAX_KEPT: usize = 16;

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
    /// Those of a redirect (3xx) and those that set a cookie are kept in any case.
    pub keep_headers: bool,
    /// A kept body that is larger is `MALFORMED_RESPONSE`; bytes.
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
}

/// One VU's connections. Dropping it closes them.
#[derive(Debug, Default)]
pub struct Client {
    /// The connection used last comes last.
    kept: Vec<Http1>,
    alarm: Alarm,
}

impl Client {
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one exchange: whatever happens is in the [`Exchange`], with the time it took. An error status
    /// (400 and above) is an error code too, as in k6. After any other error the connection is closed.
    ///
    /// A kept-alive connection that the server has closed meanwhile is replaced: at once where that is
    /// known before sending, and by one retry within this exchange where it breaks without a byte of a
    /// response and the request may be repeated (Go's rule).
    pub async fn exchange(&mut self, dialer: &Dialer, request: Request<'_>) -> (Exchange, Reply) {
        let mut course = Course::begin(dialer.clock(), request.due);
        let deadline = course.deadline(request.timeout);
        let mut idle = self.take_idle(dialer, request.target.origin());
        loop {
            let reused = idle.is_some();
            let mut connection = match idle.take() {
                Some(connection) => {
                    course.reused();
                    connection
                }
                None => match Box::pin(dial(dialer, request.target.origin(), deadline, &mut course)).await {
                    Ok(connection) => connection,
                    Err(code) => return (course.finish(None, Some(code)), Reply::default()),
                },
            };
            match self.attempt(dialer, &mut connection, &request, deadline, &mut course).await {
                Ok(reply) => {
                    let error = ErrorCode::from_status(course.status);
                    let exchange = course.finish(Some(connection.meter()), error);
                    self.keep(connection);
                    return (exchange, reply);
                }
                Err(failure) if reused && may_repeat(&failure, &connection, &request) => {
                    course.discard(connection.meter());
                }
                Err(failure) => {
                    let exchange = course.finish(Some(connection.meter()), Some(failure.code));
                    return (exchange, Reply::default());
                }
            }
        }
    }

    async fn attempt(
        &mut self,
        dialer: &Dialer,
        connection: &mut Http1,
        request: &Request<'_>,
        deadline: Instant,
        course: &mut Course,
    ) -> Result<Reply, Failure> {
        let call = Call {
            method: request.method,
            target: request.target,
            headers: request.headers,
            body: &request.body,
            keep_headers: request.keep_headers,
        };
        let mut kept =
            Kept { keep_body: request.keep_body, limit: request.max_body_bytes, ..Kept::default() };
        let done = connection.exchange(call, &mut kept, dialer.scratch(), &mut self.alarm, deadline).await;
        course.status = kept.status;
        done?;
        Ok(Reply { headers: kept.headers, body: kept.body.into() })
    }

    /// Takes the connection out, so that an exchange that is dropped half-way drops it too.
    fn take_idle(&mut self, dialer: &Dialer, origin: &Arc<Origin>) -> Option<Http1> {
        let same = |kept: &Http1| Arc::ptr_eq(kept.origin(), origin) || kept.origin() == origin;
        let mut connection = self.kept.remove(self.kept.iter().rposition(same)?);
        connection.is_idle(dialer.scratch()).then_some(connection)
    }

    fn keep(&mut self, connection: Http1) {
        if !connection.is_reusable() {
            return;
        }
        if self.kept.len() == MAX_KEPT {
            self.kept.remove(0);
        }
        self.kept.push(connection);
    }
}

async fn dial(
    dialer: &Dialer,
    origin: &Arc<Origin>,
    deadline: Instant,
    course: &mut Course,
) -> Result<Http1, ErrorCode> {
    let mut times = DialTimes::default();
    let wire = dialer.dial(origin, deadline, &mut times).await;
    course.dialed(times, wire.is_ok());
    Ok(Http1::new(Arc::clone(origin), wire?))
}

/// Whether a request that failed on a reused connection is made again on a new one: when none of it was
/// sent, or no byte of a response came and repeating it does no harm. Go's `shouldRetryRequest`.
fn may_repeat(failure: &Failure, connection: &Http1, request: &Request<'_>) -> bool {
    let harmless = matches!(*request.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
        || request.headers.contains_key("idempotency-key")
        || request.headers.contains_key("x-idempotency-key");
    let unanswered = connection.meter().first_read_at().is_none();
    failure.code != ErrorCode::TIMEOUT && (failure.unsent || unanswered && harmless)
}

/// What is kept of a response.
#[derive(Default)]
struct Kept {
    keep_body: bool,
    limit: usize,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Receive for Kept {
    fn head(&mut self, status: u16, headers: HeaderMap) -> bool {
        self.status = status;
        self.headers = headers;
        true
    }

    fn body(&mut self, piece: &[u8]) -> Result<(), ErrorCode> {
        if !self.keep_body {
            return Ok(());
        }
        if self.body.len() + piece.len() > self.limit {
            return Err(ErrorCode::MALFORMED_RESPONSE);
        }
        self.body.extend_from_slice(piece);
        Ok(())
    }
}
