//! The connections that one VU keeps for gRPC, and calls over them whose messages are known beforehand.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, TE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use tokio::time::Instant;

use super::rpc::{End, Event, Rpc};
use super::status::Status;
use super::talk::Talk;
use crate::budget::Purse;
use crate::protocol::alarm::Alarm;
use crate::protocol::course::Course;
use crate::protocol::dial::{DialTimes, Dialer, KeepAlive, Purpose};
use crate::protocol::http2::{Broken, Http2, Pings, is_unprocessed};
use crate::protocol::target::{Origin, Target};
use crate::sample::{ErrorCode, Exchange};
use crate::time::Elapsed;

/// Of a message that comes in, unless the step says otherwise: 4 MiB, as in all of gRPC.
pub const MAX_RECEIVE_BYTES: usize = 4 << 20;
/// Of a message that goes out, unless the step says otherwise: what its length can say.
pub const MAX_SEND_BYTES: usize = u32::MAX as usize;
/// How much may be under way to us: what a stream that nobody reads may make us hold, 1 MiB.
const WINDOW_BYTES: u32 = 1 << 20;
/// Connections one VU keeps; the one that was used longest ago makes room.
const MAX_KEPT: usize = 16;
/// How often a call is made again that certainly was not processed (gRPC's transparent retries).
const MAX_REPEATS: u32 = 1;

/// One call, to be made once.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub target: &'a Target,
    pub path: &'a PathAndQuery,
    /// As [`request_headers`] begins them, with metadata. `host` is the authority, else the target's.
    pub headers: &'a HeaderMap,
    /// Framed.
    pub messages: &'a [Bytes],
    /// For the whole call, connecting included; the server is told of it.
    pub timeout: Duration,
    /// Where a server that says nothing is asked whether it is there.
    pub keep_alive: Option<Pings>,
    /// A message that is larger, compressed or not, is `GRPC_TOO_LARGE`.
    pub max_receive_bytes: usize,
    /// When a user wanted it; `None` for now.
    pub due: Option<Elapsed>,
}

/// How a call ended.
#[derive(Debug)]
pub struct Answer {
    pub exchange: Exchange,
    pub status: Status,
    /// What the server sent first.
    pub headers: HeaderMap,
    /// What it sent last, with `grpc-message`.
    pub trailers: HeaderMap,
    /// How long it took to make a connection, where one was made or tried.
    pub connected: Option<Duration>,
}

/// The headers that each call has, before its metadata.
pub fn request_headers(user_agent: &str, gzip: bool) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-accept-encoding", HeaderValue::from_static("gzip"));
    if gzip {
        headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
    }
    if let Ok(agent) = HeaderValue::from_str(user_agent) {
        headers.insert(http::header::USER_AGENT, agent);
    }
    headers
}

/// One VU's connections. Dropping it closes them.
#[derive(Debug, Default)]
pub struct Client {
    /// The connection used last comes last.
    kept: Vec<Http2>,
    alarm: Alarm,
}

/// A connection that is at hand, and whether it was before.
pub(super) struct Channel {
    pub(super) http2: Http2,
    pub(super) reused: bool,
}

impl Client {
    pub fn new() -> Self {
        Self::default()
    }

    /// Closes all of them.
    pub fn close(&mut self) {
        self.kept.clear();
    }

    /// Makes one call: whatever happens is in the [`Answer`]. Each message that comes in goes to `receive` with
    /// the time at which it did; what that refuses ends the call.
    ///
    /// A connection that the server has closed meanwhile is replaced, and a call that certainly was not processed is
    /// made once more, as gRPC's clients do.
    pub async fn call(
        &mut self,
        dialer: &Dialer,
        call: Call<'_>,
        receive: &mut impl FnMut(Elapsed, Bytes) -> Result<(), ErrorCode>,
    ) -> Answer {
        let mut course = Course::begin(dialer.clock(), call.due);
        let deadline = course.deadline(call.timeout);
        let (mut connected, mut repeats) = (None, 0);
        loop {
            let channel = match self.reach(dialer, &call, deadline, &mut course, &mut connected).await {
                Ok(channel) => channel,
                Err(code) => return Answer::broken(course.finish(None, Some(code)), code, connected),
            };
            let Channel { mut http2, reused } = channel;
            let mut rpc = match call.begin(dialer, deadline) {
                Ok(rpc) => rpc,
                Err(code) => return Answer::broken(course.finish(None, Some(code)), code, connected),
            };
            call.messages.iter().for_each(|message| rpc.push(message.clone()));
            rpc.close();
            http2.meter().begin();
            http2.begin_pings(call.keep_alive);
            let outcome = poll_fn(|cx| {
                loop {
                    match http2.drive(cx, &mut rpc) {
                        Poll::Ready(Ok(Event::Message(at, message))) => {
                            if let Err(code) = receive(at, message) {
                                return Poll::Ready(Err(Broken::Code(code)));
                            }
                        }
                        Poll::Ready(Ok(Event::Ended(end))) => return Poll::Ready(Ok(end)),
                        Poll::Ready(Err(broken)) => return Poll::Ready(Err(broken)),
                        Poll::Pending => {
                            let timeout = Err(Broken::Code(ErrorCode::TIMEOUT));
                            return self.alarm.poll(cx, deadline).map(|()| timeout);
                        }
                    }
                }
            })
            .await;
            let repeatable =
                |broken: &Broken| repeats < MAX_REPEATS && may_repeat(broken, &rpc, &http2, reused);
            match outcome {
                Err(broken) if repeatable(&broken) => {
                    course.discard(http2.meter());
                    repeats += 1;
                }
                outcome => {
                    let answer = conclude(course, &mut http2, rpc, outcome, connected);
                    self.keep(dialer, http2, &answer);
                    return answer;
                }
            }
        }
    }

    /// Begins a call whose messages are sent and received one by one; `messages` go first.
    ///
    /// # Errors
    /// When no connection could be made.
    pub async fn open(&mut self, dialer: &Dialer, call: Call<'_>) -> Result<Talk, Box<Answer>> {
        let mut course = Course::begin(dialer.clock(), call.due);
        let deadline = course.deadline(call.timeout);
        let mut connected = None;
        let reached = self.reach(dialer, &call, deadline, &mut course, &mut connected).await;
        let begun = reached.and_then(|channel| Ok((channel, call.begin(dialer, deadline)?)));
        match begun {
            Ok((Channel { mut http2, .. }, mut rpc)) => {
                call.messages.iter().for_each(|message| rpc.push(message.clone()));
                http2.meter().begin();
                http2.begin_pings(call.keep_alive);
                Ok(Talk::new(http2, rpc, course, deadline, connected, Purse::clone(dialer.purse())))
            }
            Err(code) => Err(Box::new(Answer::broken(course.finish(None, Some(code)), code, connected))),
        }
    }

    /// Takes back the connection of a call that is over.
    pub fn take_back(&mut self, dialer: &Dialer, talk: Talk) -> Answer {
        let (answer, http2) = talk.conclude();
        self.keep(dialer, http2, &answer);
        answer
    }

    /// Takes the connection out, so that a call that is dropped half-way drops it too.
    async fn reach(
        &mut self,
        dialer: &Dialer,
        call: &Call<'_>,
        deadline: Instant,
        course: &mut Course,
        connected: &mut Option<Duration>,
    ) -> Result<Channel, ErrorCode> {
        let origin = call.target.origin();
        let same = |kept: &Http2| Arc::ptr_eq(kept.origin(), origin) || kept.origin() == origin;
        while let Some(at) = self.kept.iter().rposition(same) {
            let mut http2 = self.kept.remove(at);
            if http2.is_idle() {
                course.reused();
                return Ok(Channel { http2, reused: true });
            }
        }
        let mut times = DialTimes::default();
        let made = Box::pin(dial(dialer, origin, deadline, &mut times)).await;
        course.dialed(times, made.is_ok());
        *connected = Some(times.looking_up + times.connecting + times.tls_handshaking);
        made.map(|http2| Channel { http2, reused: false })
    }

    fn keep(&mut self, dialer: &Dialer, mut http2: Http2, answer: &Answer) {
        let sound = match answer.exchange.error {
            // Whatever became of the call, the connection is alive.
            Some(ErrorCode::TIMEOUT) => http2.meter().first_read_at().is_some(),
            Some(ErrorCode::GRPC_MALFORMED | ErrorCode::GRPC_KEEP_ALIVE | ErrorCode::INCOMPLETE_RESPONSE) => {
                false
            }
            _ => true,
        };
        if !sound || !http2.is_open() || dialer.keep_alive() == KeepAlive::Never {
            return;
        }
        if self.kept.len() == MAX_KEPT {
            self.kept.remove(0);
        }
        self.kept.push(http2);
    }
}

async fn dial(
    dialer: &Dialer,
    origin: &Arc<Origin>,
    deadline: Instant,
    times: &mut DialTimes,
) -> Result<Http2, ErrorCode> {
    let dialed = dialer.dial(origin, Purpose::Grpc, deadline, times).await?;
    Http2::open(Arc::clone(origin), dialed.wire, WINDOW_BYTES).await
}

impl Call<'_> {
    fn begin(&self, dialer: &Dialer, deadline: Instant) -> Result<Rpc, ErrorCode> {
        let authority = self.headers.get(HOST).unwrap_or(self.target.origin().host_header());
        let uri = Uri::builder()
            .scheme(if self.target.origin().secure() { "https" } else { "http" })
            .authority(authority.as_bytes())
            .path_and_query(self.path.clone())
            .build()
            .map_err(|_| ErrorCode::INVALID_URL)?;
        let mut headers = self.headers.clone();
        headers.remove(HOST);
        headers.insert("grpc-timeout", timeout(deadline.saturating_duration_since(Instant::now())));
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = headers;
        Ok(Rpc::new(request, self.max_receive_bytes, Purse::clone(dialer.purse())))
    }
}

/// At most eight digits and a unit.
fn timeout(left: Duration) -> HeaderValue {
    let units = [(left.as_micros(), "u"), (left.as_millis(), "m"), (left.as_secs().into(), "S")];
    let found = units.into_iter().find(|(amount, _)| *amount <= 99_999_999);
    let text = found.map_or("99999999S".to_owned(), |(amount, unit)| format!("{}{unit}", amount.max(1)));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("1S"))
}

/// Whether the server certainly did nothing about it.
fn may_repeat(broken: &Broken, rpc: &Rpc, http2: &Http2, reused: bool) -> bool {
    match broken {
        Broken::Code(ErrorCode::TIMEOUT) => false,
        Broken::Http2(error) if is_unprocessed(error, rpc.id()) => true,
        _ => reused && (!rpc.is_opened() || http2.meter().written_at().is_none()),
    }
}

pub(super) fn conclude(
    course: Course,
    http2: &mut Http2,
    rpc: Rpc,
    outcome: Result<End, Broken>,
    connected: Option<Duration>,
) -> Answer {
    let end = outcome.unwrap_or_else(|broken| {
        let code = match broken {
            Broken::Code(code) => code,
            Broken::Http2(error) => http2.cause(&error),
        };
        End { http_status: 0, status: None, error: Some(code) }
    });
    let status = match (end.status, end.error) {
        (Some(status), _) => status,
        (None, Some(error)) => Status::from_error(error),
        (None, None) => Status::UNKNOWN,
    };
    // A message that is cut off is no success, whatever came after it.
    let status = match end.error {
        Some(error) if status == Status::OK => Status::from_error(error),
        _ => status,
    };
    let mut exchange = course.finish(Some(http2.meter()), end.error.or(status.error()));
    exchange.status = end.http_status;
    Answer { exchange, status, headers: rpc.headers, trailers: rpc.trailers, connected }
}

impl Answer {
    fn broken(exchange: Exchange, code: ErrorCode, connected: Option<Duration>) -> Self {
        Answer {
            exchange,
            status: Status::from_error(code),
            headers: HeaderMap::new(),
            trailers: HeaderMap::new(),
            connected,
        }
    }

    /// It failed all the same: what it was answered with is not what it should be.
    pub fn refuse(&mut self, code: ErrorCode) {
        self.exchange.error = Some(code);
        self.status = Status::from_error(code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_the_time_that_is_left_in_at_most_eight_digits() {
        for (left, header) in [
            (Duration::from_micros(1500), "1500u"),
            (Duration::from_secs(10), "10000000u"),
            (Duration::from_secs(3600), "3600000m"),
            (Duration::from_secs(200_000), "200000S"),
            (Duration::ZERO, "1u"),
            (Duration::MAX, "99999999S"),
        ] {
            assert_eq!(timeout(left), header, "{left:?}");
        }
    }
}
