//! One HTTP/1.1 connection. Our own and not hyper's, because hyper's holds some 30 KiB while it is idle
//! (two buffers and a channel of 32 requests) and wants a task of its own: here an idle connection is its
//! socket and some 100 bytes, and an exchange is one future that borrows its worker thread's buffers.

mod framing;
mod head;
mod receive;

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

pub(super) use self::head::MAX_HEAD_BYTES;
pub(super) use self::receive::Receive;
use self::receive::Receiving;
use super::alarm::Alarm;
use super::failure;
use super::proxy::Proxy;
use super::target::{Origin, Target};
use super::wire::{Meter, Wire};
use crate::sample::ErrorCode;

/// A read takes at most this much: 64 KiB.
const READ_BYTES: usize = 64 << 10;
/// A request body up to this size goes out in one write with its head.
const SMALL_BODY_BYTES: usize = 16 << 10;

/// The buffers of one worker thread. They are borrowed within one poll and never across an await: what is
/// left of a message then is copied to its connection.
#[derive(Debug)]
pub(super) struct Scratch {
    read: RefCell<Box<[u8]>>,
    write: RefCell<Vec<u8>>,
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch { read: RefCell::new(vec![0; READ_BYTES].into()), write: RefCell::default() }
    }
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    pub(super) target: &'a Target,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Bytes,
    pub(super) keep_headers: bool,
}

/// Why an exchange ended early.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) code: ErrorCode,
    /// Nothing of the request was sent.
    pub(super) unsent: bool,
    /// The server said that it did nothing about the request, so that it may be made again.
    pub(super) unprocessed: bool,
}

#[derive(Debug)]
pub(super) struct Http1 {
    origin: Arc<Origin>,
    wire: Wire,
    /// What the wire leads to instead of the origin.
    proxy: Option<Arc<Proxy>>,
    reusable: bool,
    /// What came after a 101.
    early: Vec<u8>,
}

impl Http1 {
    /// `proxy` is what the wire leads to, where it forwards requests to the origin.
    pub(super) fn new(origin: Arc<Origin>, wire: Wire, proxy: Option<Arc<Proxy>>) -> Self {
        Http1 { origin, wire, proxy, reusable: false, early: Vec::new() }
    }

    pub(super) fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    pub(super) fn meter(&self) -> &Meter {
        self.wire.meter()
    }

    /// Whether the last exchange left the connection fit for another.
    pub(super) fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// Whether the server has neither closed the connection nor said anything since the last exchange, as
    /// far as is known without waiting.
    pub(super) fn is_idle(&mut self, scratch: &Scratch) -> bool {
        let mut buffer = scratch.read.borrow_mut();
        let mut buffer = ReadBuf::new(&mut buffer);
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut self.wire).poll_read(&mut context, &mut buffer).is_pending()
    }

    /// Sends a request and reads the response to its end.
    pub(super) async fn exchange(
        &mut self,
        call: Call<'_>,
        receive: &mut impl Receive,
        scratch: &Scratch,
        alarm: &mut Alarm,
        deadline: Instant,
    ) -> Result<(), Failure> {
        self.wire.meter().begin();
        self.reusable = false;
        let mut sending = Sending::Head;
        let mut receiving = Receiving::default();
        let mut write_failure = None;
        let outcome = poll_fn(|cx| {
            if write_failure.is_none()
                && let Poll::Ready(Err(code)) = self.poll_send(cx, call, &mut sending, scratch)
            {
                // It may have answered before it stopped listening.
                write_failure = Some(code);
            }
            match self.poll_receive(cx, call, &mut receiving, receive, scratch) {
                Poll::Ready(result) => Poll::Ready(result),
                Poll::Pending => alarm.poll(cx, deadline).map(|()| Err(ErrorCode::TIMEOUT)),
            }
        })
        .await;
        let unsent = self.meter().written_at().is_none();
        let answered = receiving.is_answered();
        outcome.map_err(|code| {
            let code = write_failure.filter(|_| !answered).unwrap_or(code);
            Failure { code, unsent, unprocessed: false }
        })?;
        self.reusable &= matches!(sending, Sending::Done) && !head::asks_to_close(call.headers);
        Ok(())
    }

    /// After a 101: the wire, and what the server already sent in the new protocol.
    pub(super) fn into_upgraded(self) -> (Wire, Vec<u8>) {
        (self.wire, self.early)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        call: Call<'_>,
        sending: &mut Sending,
        scratch: &Scratch,
    ) -> Poll<Result<(), ErrorCode>> {
        loop {
            match sending {
                Sending::Head => {
                    let mut out = scratch.write.borrow_mut();
                    out.clear();
                    head::write(&call, self.proxy.as_deref(), &mut out);
                    let with_body = call.body.len() <= SMALL_BODY_BYTES;
                    if with_body {
                        out.extend_from_slice(call.body);
                    }
                    let body_from = if with_body { call.body.len() } else { 0 };
                    *sending = match self.poll_write(cx, &out) {
                        Poll::Ready(written) if written? == out.len() => Sending::Body { from: body_from },
                        Poll::Ready(written) => Sending::Rest { rest: out[written?..].into(), body_from },
                        Poll::Pending => Sending::Rest { rest: out.as_slice().into(), body_from },
                    };
                }
                Sending::Rest { rest, body_from } => {
                    let written = ready!(self.poll_write(cx, rest))?;
                    rest.drain(..written);
                    if rest.is_empty() {
                        *sending = Sending::Body { from: *body_from };
                    }
                }
                Sending::Body { from } if *from < call.body.len() => {
                    *from += ready!(self.poll_write(cx, &call.body[*from..]))?;
                }
                Sending::Body { .. } => {
                    ready!(Pin::new(&mut self.wire).poll_flush(cx))
                        .map_err(|error| failure::of_io(&error))?;
                    *sending = Sending::Done;
                }
                Sending::Done => return Poll::Ready(Ok(())),
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, ErrorCode>> {
        match ready!(Pin::new(&mut self.wire).poll_write(cx, bytes)) {
            Ok(0) => Poll::Ready(Err(ErrorCode::TCP_BROKEN_PIPE)),
            Ok(written) => Poll::Ready(Ok(written)),
            Err(error) => Poll::Ready(Err(failure::of_io(&error))),
        }
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        call: Call<'_>,
        receiving: &mut Receiving,
        receive: &mut impl Receive,
        scratch: &Scratch,
    ) -> Poll<Result<(), ErrorCode>> {
        let mut buffer = scratch.read.borrow_mut();
        loop {
            let mut buffer = ReadBuf::new(&mut buffer);
            ready!(Pin::new(&mut self.wire).poll_read(cx, &mut buffer))
                .map_err(|error| failure::of_io(&error))?;
            let bytes = buffer.filled();
            if bytes.is_empty() {
                return Poll::Ready(receiving.end());
            }
            if let Some(rest) = receiving.read(bytes, call, receive)? {
                // Bytes nobody asked for belong to the next protocol, or to no request of ours.
                self.reusable = receiving.keep_alive() && rest == 0;
                self.early = bytes[bytes.len() - rest..].to_vec();
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// How much of the request is sent.
enum Sending {
    Head,
    /// The socket did not take the first write as a whole.
    Rest {
        rest: Vec<u8>,
        body_from: usize,
    },
    /// Of a large body, from here; then the flush.
    Body {
        from: usize,
    },
    Done,
}
