//! One HTTP/1.1 connection, driven by hyper inside the task that uses it: no task is spawned and no waker
//! passes between two tasks, which is where a third of a small request's time would go.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::unconstrained;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::failure;
use super::target::Origin;
use super::wire::{Meter, Wire};
use crate::sample::ErrorCode;

/// A response's header block may be this large (64 KiB) and hold at most 100 fields, hyper's default.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// A request body is handed over in pieces of this size, so that the write buffer, which is kept, stays small.
const PIECE_BYTES: usize = 16 << 10;

/// A request's body.
#[derive(Debug)]
pub(super) struct Payload(pub(super) Bytes);

impl Body for Payload {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let piece = self.0.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.0.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

/// Why no response came.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: ErrorCode,
    /// Nothing of the request was sent.
    pub(super) unsent: bool,
}

pub(super) struct Http1 {
    origin: Arc<Origin>,
    sender: SendRequest<Payload>,
    /// Boxed: some 1 KiB that would be moved with each exchange.
    connection: Box<Connection<TokioIo<Wire>, Payload>>,
    meter: Rc<Meter>,
    /// The connection's future is done; it must not be polled again.
    ended: bool,
}

impl Http1 {
    pub(super) async fn start(origin: Arc<Origin>, wire: Wire) -> Result<Http1, ErrorCode> {
        let meter = Rc::clone(wire.meter());
        let (sender, connection) = Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .max_header_size(MAX_HEAD_BYTES)
            // One buffer and plain writes: cheaper for small requests than gathering slices.
            .writev(false)
            .handshake(TokioIo::new(wire))
            .await
            .map_err(|error| failure::of_hyper(&error))?;
        Ok(Http1 { origin, sender, connection: Box::new(connection), meter, ended: false })
    }

    pub(super) fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Whether another request can be sent, as far as is known without waiting.
    pub(super) fn is_idle(&mut self) -> bool {
        // Also leaves no waker of ours in hyper's request channel, so that sending a request does not
        // wake the very task that sends it.
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.is_reusable()
    }

    /// Whether the response is through and the connection stays open.
    pub(super) fn is_reusable(&self) -> bool {
        !self.ended && self.sender.is_ready()
    }

    /// Sends a request and waits for the response's head.
    pub(super) async fn head(
        &mut self,
        request: ::http::Request<Payload>,
        alarm: &mut Alarm,
        deadline: Instant,
    ) -> Result<::http::Response<Incoming>, Failure> {
        self.meter.begin();
        // Only `drive` makes the response ready, and it is polled right after: it needs no waker, and must
        // not be held up by the task's cooperative budget, which would wake the waker it does not have.
        let mut response = pin!(unconstrained(self.sender.send_request(request)));
        poll_fn(|cx| {
            self.drive(cx);
            if let Poll::Ready(result) = response.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Poll::Ready(result.map_err(|error| Failure {
                    code: failure::of_hyper(&error),
                    unsent: error.is_canceled(),
                }));
            }
            if self.ended {
                return Poll::Ready(Err(Failure { code: ErrorCode::INCOMPLETE_RESPONSE, unsent: false }));
            }
            alarm.poll(cx, deadline).map(|()| Err(Failure { code: ErrorCode::TIMEOUT, unsent: false }))
        })
        .await
    }

    /// Reads a response's body to its end, handing each piece to `take`.
    pub(super) async fn body(
        &mut self,
        mut body: Incoming,
        mut take: impl FnMut(Bytes) -> Result<(), ErrorCode>,
        alarm: &mut Alarm,
        deadline: Instant,
    ) -> Result<(), ErrorCode> {
        if body.is_end_stream() {
            return Ok(());
        }
        poll_fn(|cx| {
            let mut driven = false;
            loop {
                match Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(Some(Ok(frame))) => {
                        driven = false;
                        // Trailers are read and dropped.
                        if let Ok(piece) = frame.into_data() {
                            take(piece)?;
                        }
                        if body.is_end_stream() {
                            return Poll::Ready(Ok(()));
                        }
                    }
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(failure::of_hyper(&error))),
                    Poll::Ready(None) => return Poll::Ready(Ok(())),
                    Poll::Pending if driven => break,
                    Poll::Pending => {
                        self.drive(cx);
                        driven = true;
                    }
                }
            }
            alarm.poll(cx, deadline).map(|()| Err(ErrorCode::TIMEOUT))
        })
        .await
    }

    /// After a 101: the wire, and what the server already sent in the new protocol.
    pub(super) async fn into_upgraded(mut self) -> (Wire, Bytes) {
        poll_fn(|cx| {
            self.drive(cx);
            if self.ended { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let parts = self.connection.into_parts();
        (parts.io.into_inner(), parts.read_buf)
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        if !self.ended {
            // An error is given to whoever waits for the response or its body; there is nobody else to tell.
            self.ended = Pin::new(&mut *self.connection).poll(cx).is_ready();
        }
    }
}
