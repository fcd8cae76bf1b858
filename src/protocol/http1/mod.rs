//! One HTTP/1.1 connection. Our own and not hyper's, because hyper's holds some 30 KiB while it is idle
//! (two buffers and a channel of 32 requests) and wants a task of its own: here an idle connection is its
//! socket and some 100 bytes, and an exchange is one future that borrows its worker thread's buffers.

mod framing;
mod head;

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use self::framing::Framing;
use super::alarm::Alarm;
use super::failure;
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

/// Takes what comes back.
pub(super) trait Receive {
    /// The final response's head; the headers are empty unless the call keeps them. Whether its body is
    /// wanted.
    fn head(&mut self, status: u16, headers: HeaderMap) -> bool;
    /// A piece of the body; an error ends the exchange.
    fn body(&mut self, piece: &[u8]) -> Result<(), ErrorCode>;
}

/// Why an exchange ended early.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) code: ErrorCode,
    /// Nothing of the request was sent.
    pub(super) unsent: bool,
}

#[derive(Debug)]
pub(super) struct Http1 {
    origin: Arc<Origin>,
    wire: Wire,
    reusable: bool,
    /// What came after a 101.
    early: Vec<u8>,
}

impl Http1 {
    pub(super) fn new(origin: Arc<Origin>, wire: Wire) -> Self {
        Http1 { origin, wire, reusable: false, early: Vec::new() }
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
        let mut receiving = Receiving::Head { partial: Vec::new() };
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
        let answered = matches!(receiving, Receiving::Body { .. });
        outcome
            .map_err(|code| Failure { code: write_failure.filter(|_| !answered).unwrap_or(code), unsent })?;
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
                    head::write(&call, &mut out);
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

/// How much of the response has come.
enum Receiving {
    Head { partial: Vec<u8> },
    Body { framing: Framing, keep_alive: bool },
}

impl Receiving {
    /// How many of `bytes` are left once the response is complete; nothing if it is not.
    fn read(
        &mut self,
        mut bytes: &[u8],
        call: Call<'_>,
        receive: &mut impl Receive,
    ) -> Result<Option<usize>, ErrorCode> {
        while let Receiving::Head { partial } = self {
            let before = partial.len();
            // Most heads come in one piece, which is parsed where it is.
            let whole = if partial.is_empty() {
                bytes
            } else {
                partial.extend_from_slice(bytes);
                // Without this, a head that comes byte by byte would be parsed as often.
                if !may_end_head(&partial[before.saturating_sub(3)..]) && partial.len() < head::MAX_HEAD_BYTES
                {
                    return Ok(None);
                }
                partial.as_slice()
            };
            let Some((head, length)) = head::parse(whole, call.method, call.keep_headers)? else {
                if before == 0 {
                    *partial = bytes.to_vec();
                }
                return Ok(None);
            };
            bytes = &bytes[length - before..];
            if (100..200).contains(&head.status) && head.status != 101 {
                partial.clear();
                if bytes.is_empty() {
                    return Ok(None);
                }
                continue;
            }
            let wanted = receive.head(head.status, head.headers);
            let framing = if wanted { head.framing } else { Framing::Done };
            *self = Receiving::Body { framing, keep_alive: head.keep_alive && wanted };
        }
        let Receiving::Body { framing, .. } = self else { return Ok(None) };
        let read = framing.read(bytes, |piece| receive.body(piece))?;
        Ok((*framing == Framing::Done).then_some(bytes.len() - read))
    }

    /// The connection has ended.
    fn end(&self) -> Result<(), ErrorCode> {
        match self {
            Receiving::Body { framing, .. } if framing.ends_with_connection() => Ok(()),
            _ => Err(ErrorCode::INCOMPLETE_RESPONSE),
        }
    }

    fn keep_alive(&self) -> bool {
        matches!(self, Receiving::Body { keep_alive: true, .. })
    }
}

/// Whether an empty line, with or without its carriage return, is among `bytes`.
fn may_end_head(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|triple| triple == b"\n\r\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Default, PartialEq, Debug)]
    struct Heard {
        status: u16,
        headers: usize,
        body: Vec<u8>,
    }

    impl Receive for Heard {
        fn head(&mut self, status: u16, headers: HeaderMap) -> bool {
            self.status = status;
            self.headers = headers.len();
            true
        }

        fn body(&mut self, piece: &[u8]) -> Result<(), ErrorCode> {
            self.body.extend_from_slice(piece);
            Ok(())
        }
    }

    /// What is heard of `bytes` that come in pieces of `size`, and how many are left after the response.
    fn hear(bytes: &[u8], size: usize) -> (Heard, Result<Option<usize>, ErrorCode>) {
        let target = Target::parse("http://host/").unwrap();
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let call = Call {
            method: &Method::GET,
            target: &target,
            headers: &headers,
            body: &body,
            keep_headers: true,
        };
        let mut receiving = Receiving::Head { partial: Vec::new() };
        let mut heard = Heard::default();
        let mut unread = bytes.len();
        for piece in bytes.chunks(size) {
            unread -= piece.len();
            match receiving.read(piece, call, &mut heard) {
                Ok(None) => {}
                Ok(Some(rest)) => return (heard, Ok(Some(unread + rest))),
                Err(code) => return (heard, Err(code)),
            }
        }
        (heard, Ok(None))
    }

    const RESPONSE: &str = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n\
        HTTP/1.1 200 OK\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nrest";

    #[test]
    fn a_response_is_the_same_in_pieces_of_any_size() {
        for size in 1..=RESPONSE.len() {
            let (heard, left) = hear(RESPONSE.as_bytes(), size);
            assert_eq!(heard, Heard { status: 200, headers: 2, body: b"hello".to_vec() }, "pieces of {size}");
            assert_eq!(left, Ok(Some(4)), "pieces of {size}");
        }
    }

    #[test]
    fn an_endless_head_is_malformed_in_pieces_of_any_size() {
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(head::MAX_HEAD_BYTES));
        for size in [1000, endless.len()] {
            assert_eq!(hear(endless.as_bytes(), size).1, Err(ErrorCode::MALFORMED_RESPONSE));
        }
    }

    proptest! {
        #[test]
        fn a_garbled_response_is_read_or_refused(
            at in 0..RESPONSE.len(),
            garbage in proptest::collection::vec(any::<u8>(), 0..8),
            size in 1_usize..200,
        ) {
            let mut bytes = RESPONSE.as_bytes().to_vec();
            let end = (at + garbage.len()).min(bytes.len());
            bytes.splice(at..end, garbage);
            let (_, left) = hear(&bytes, size);
            prop_assert!(left.is_err() || left.is_ok_and(|left| left.is_none_or(|left| left <= bytes.len())));
        }
    }
}
