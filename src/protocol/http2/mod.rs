//! One HTTP/2 connection (RFC 9113), its frames by h2, driven inside the exchange that uses it: there is no
//! task beside it, and while it is idle nobody reads it, as with HTTP/1.1. What came in meanwhile (pings, a
//! GOAWAY, the end) is read before it is used again.
//!
//! One exchange at a time, since a VU makes one at a time. Several at once on one connection are possible:
//! `SendRequest` opens a `Stream` for each, and whoever polls them polls `connection` once per round, in the
//! loop of `Http2::poll`; each `Stream` has its own instants already, while bytes can only be counted for the
//! connection.
//!
//! It is for connections that ALPN agreed upon, and gRPC's, of which it is known. An idle one holds some 36 KiB more than HTTP/1.1's
//! (measured with 500 VUs), most of it h2's buffers; what an ill-behaved server can add is bounded: see `open`.

mod informational;
mod pace;
mod pulse;
mod request;
mod stream;

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::client::{self, SendRequest};
use tokio::time::Instant;

pub(super) use self::informational::Informational;
pub use self::pulse::Pings;
pub(super) use self::stream::Broken;

use self::pace::{Pace, Paced};
use self::pulse::Pulse;
use self::stream::{Request, Stream};
use super::alarm::Alarm;
use super::failure;
use super::http1::{Call, Failure, MAX_HEAD_BYTES, Receive};
use super::target::Origin;
use super::wire::{Meter, Wire};
use crate::sample::ErrorCode;

/// How much of a body may be under way: 4 MiB, as in Go. It costs no memory here, since what came in is taken
/// after each read.
pub(super) const WINDOW_BYTES: u32 = 4 << 20;
/// How much of a request's body h2 keeps until the socket takes it: 64 KiB.
const SEND_BUFFER_BYTES: usize = 64 << 10;
/// After so many reads of up to 2 KiB others get their turn, and the deadline is looked at: what they hold may
/// be thousands of frames, each of which takes its time.
const READS_PER_TURN: usize = 64;
/// A server that says more than this while nobody asked is not asked again; reads of up to 2 KiB.
const MAX_IDLE_READS: usize = 128;

/// What is done over a connection: it gives h2 what it will take, and takes what it has.
pub(super) trait Work {
    type Done;

    /// Ready when there is something for whoever drives the connection.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        sender: &mut SendRequest<Bytes>,
        meter: &Meter,
    ) -> Poll<Result<Self::Done, Broken>>;

    /// The socket has taken all that h2 was given.
    fn flushed(&mut self, meter: &Meter);
}

#[derive(Debug)]
pub(super) struct Http2 {
    origin: Arc<Origin>,
    connection: client::Connection<Paced, Bytes>,
    sender: SendRequest<Bytes>,
    meter: Rc<Meter>,
    pace: Rc<Pace>,
    pulse: Option<Pulse>,
    reusable: bool,
}

impl Http2 {
    /// Over a wire whose TLS handshake agreed on it, with so many bytes of bodies under way. Does not wait for the
    /// server: a response is bounded as HTTP/1.1's is, from the first one on.
    pub(super) async fn open(origin: Arc<Origin>, wire: Wire, window: u32) -> Result<Self, ErrorCode> {
        let (meter, pace) = (Rc::clone(wire.meter()), Rc::new(Pace::default()));
        let (sender, connection) = client::Builder::new()
            .enable_push(false)
            .initial_window_size(window)
            .initial_connection_window_size(window)
            .max_header_list_size(MAX_HEAD_BYTES as u32)
            .max_send_buffer_size(SEND_BUFFER_BYTES)
            .handshake(Paced::new(wire, Rc::clone(&pace)))
            .await
            .map_err(|error| failure::of_http2(&error))?;
        Ok(Http2 { origin, connection, sender, meter, pace, pulse: None, reusable: false })
    }

    pub(super) fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// A call begins, during which the server is asked whether it is there; from the first one on which that was wanted.
    pub(super) fn begin_pings(&mut self, pings: Option<Pings>) {
        let Some(every) = pings else { return };
        match &mut self.pulse {
            Some(pulse) => pulse.begin(every),
            None => self.pulse = self.connection.ping_pong().map(|pings| Pulse::new(pings, every)),
        }
    }

    /// Whether the last exchange left the connection fit for another: also one whose stream was reset.
    pub(super) fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// Whether the server still takes requests, as far as is known without waiting.
    pub(super) fn is_idle(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..MAX_IDLE_READS {
            self.pace.allow_one_read();
            if Pin::new(&mut self.connection).poll(&mut context).is_ready() {
                return false;
            }
            if !self.pace.has_read() {
                return self.takes_requests(&mut context);
            }
        }
        false
    }

    /// Sends a request and reads the response to its end.
    pub(super) async fn exchange(
        &mut self,
        call: Call<'_>,
        receive: &mut impl Receive,
        alarm: &mut Alarm,
        deadline: Instant,
    ) -> Result<(), Failure> {
        self.meter.begin();
        self.reusable = false;
        let mut request = Request { stream: Stream::new(call.body.clone()), call, receive };
        let outcome = poll_fn(|cx| match self.drive(cx, &mut request) {
            Poll::Ready(outcome) => Poll::Ready(outcome),
            Poll::Pending => alarm.poll(cx, deadline).map(|()| Err(Broken::Code(ErrorCode::TIMEOUT))),
        })
        .await;
        let stream = request.stream;
        let unsent = !stream.is_opened() || self.meter.written_at().is_none();
        self.meter.set_instants(stream.written_at, stream.first_read_at);
        // A server that did not answer in time, or not as it should, may not answer the next time either.
        self.reusable = match &outcome {
            Ok(()) => true,
            Err(Broken::Http2(error)) => error.is_reset(),
            Err(Broken::Code(_)) => false,
        };
        self.reusable &= self.is_open();
        outcome.map_err(|broken| match broken {
            Broken::Code(code) => Failure { code, unsent, unprocessed: false },
            Broken::Http2(error) => {
                let unprocessed = is_unprocessed(&error, stream.id());
                Failure { code: self.cause(&error), unsent, unprocessed }
            }
        })
    }

    /// Drives the connection and the work until neither can go on without waiting, or others want their turn.
    pub(super) fn drive<W: Work>(
        &mut self,
        cx: &mut Context<'_>,
        work: &mut W,
    ) -> Poll<Result<W::Done, Broken>> {
        for _ in 0..READS_PER_TURN {
            if let Poll::Ready(outcome) = work.poll(cx, &mut self.sender, &self.meter) {
                return Poll::Ready(outcome);
            }
            if self.pulse.as_mut().is_some_and(|pulse| pulse.poll(cx, &self.meter).is_ready()) {
                return Poll::Ready(Err(Broken::Code(ErrorCode::GRPC_KEEP_ALIVE)));
            }
            self.pace.allow_one_read();
            let ended = Pin::new(&mut self.connection).poll(cx);
            if self.pace.is_flushed() {
                work.flushed(&self.meter);
            }
            if let Poll::Ready(ended) = ended {
                // The response may have come whole before the end.
                return match work.poll(cx, &mut self.sender, &self.meter) {
                    Poll::Ready(outcome) => Poll::Ready(outcome),
                    Poll::Pending => Poll::Ready(ended.map_err(Broken::Http2).and_then(|()| Err(closed()))),
                };
            }
            if !self.pace.has_read() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether the server would take one more request, as far as it has said.
    pub(super) fn is_open(&mut self) -> bool {
        self.takes_requests(&mut Context::from_waker(Waker::noop()))
    }

    fn takes_requests(&mut self, cx: &mut Context<'_>) -> bool {
        !matches!(self.sender.poll_ready(cx), Poll::Ready(Err(_)))
    }

    /// A connection that ended after a GOAWAY ended because of it.
    pub(super) fn cause(&mut self, error: &h2::Error) -> ErrorCode {
        let goodbye = match self.sender.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(goodbye)) if error.is_io() && goodbye.is_go_away() => Some(goodbye),
            _ => None,
        };
        failure::of_http2(goodbye.as_ref().unwrap_or(error))
    }
}

fn closed() -> Broken {
    Broken::Code(ErrorCode::INCOMPLETE_RESPONSE)
}

/// Whether the server said that it did nothing about the request. Go's `canRetryError`, and its rule not to
/// repeat the first request of a connection that ended in an error.
pub(super) fn is_unprocessed(error: &h2::Error, stream_id: u32) -> bool {
    if !error.is_remote() {
        return false;
    }
    match error.reason() {
        Some(reason) if error.is_go_away() => reason == h2::Reason::NO_ERROR || stream_id != 1,
        reason => reason == Some(h2::Reason::REFUSED_STREAM),
    }
}
