//! One request and its response: what of them has gone out and come in so far.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::informational::Informational;
use super::{Work, request};
use crate::protocol::http1::{Call, Receive};
use crate::protocol::wire::Meter;
use crate::sample::ErrorCode;
use crate::time::Elapsed;

/// h2 is given a body in pieces of at most this: 64 KiB.
const PIECE_BYTES: usize = 64 << 10;

/// Why a stream ended early.
#[derive(Debug)]
pub(in crate::protocol) enum Broken {
    /// What h2 says of it.
    Http2(h2::Error),
    /// What was received is not to be taken, or what was to be sent cannot be.
    Code(ErrorCode),
}

impl From<h2::Error> for Broken {
    fn from(error: h2::Error) -> Self {
        Broken::Http2(error)
    }
}

/// A request that is under way.
pub(super) struct Request<'a, R> {
    pub(super) stream: Stream,
    pub(super) call: Call<'a>,
    pub(super) receive: &'a mut R,
}

impl<R: Receive> Work for Request<'_, R> {
    type Done = ();

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        sender: &mut SendRequest<Bytes>,
        meter: &Meter,
    ) -> Poll<Result<(), Broken>> {
        self.stream.poll(cx, sender, &self.call, self.receive, meter)
    }

    fn flushed(&mut self, meter: &Meter) {
        if self.stream.written_at.is_none() && self.stream.is_handed_over() {
            self.stream.written_at = meter.written_at();
        }
    }
}

pub(super) struct Stream {
    state: State,
    sending: Option<SendStream<Bytes>>,
    /// What h2 was not given yet.
    body: Bytes,
    informational: Informational,
    pub(super) written_at: Option<Elapsed>,
    pub(super) first_read_at: Option<Elapsed>,
}

enum State {
    Unopened,
    Waiting(ResponseFuture),
    Receiving(RecvStream),
}

impl Stream {
    pub(super) fn new(body: Bytes) -> Self {
        Stream {
            state: State::Unopened,
            sending: None,
            body,
            informational: Informational::default(),
            written_at: None,
            first_read_at: None,
        }
    }

    /// 1 is the connection's first; 0 before it is opened.
    pub(super) fn id(&self) -> u32 {
        match &self.state {
            State::Unopened => 0,
            State::Waiting(response) => response.stream_id().as_u32(),
            State::Receiving(body) => body.stream_id().as_u32(),
        }
    }

    pub(super) fn is_opened(&self) -> bool {
        !matches!(self.state, State::Unopened)
    }

    /// Whether h2 was given the whole request.
    fn is_handed_over(&self) -> bool {
        self.is_opened() && self.sending.is_none()
    }

    /// Gives h2 what it will take, and takes what it has; ready when the response is complete.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        sender: &mut SendRequest<Bytes>,
        call: &Call<'_>,
        receive: &mut impl Receive,
        meter: &Meter,
    ) -> Poll<Result<(), Broken>> {
        if let State::Unopened = self.state {
            ready!(sender.poll_ready(cx))?;
            let request = request::of(call).map_err(Broken::Code)?;
            let (response, sending) = sender.send_request(request, self.body.is_empty())?;
            self.state = State::Waiting(response);
            self.sending = (!self.body.is_empty()).then_some(sending);
        }
        self.send_body(cx);
        if let State::Waiting(response) = &mut self.state {
            if !self.informational.take(response, cx) {
                return Poll::Ready(Err(Broken::Code(ErrorCode::MALFORMED_RESPONSE)));
            }
            let (head, body) = ready!(Pin::new(response).poll(cx))?.into_parts();
            self.first_read_at = Some(meter.read_at());
            let status = head.status.as_u16();
            let wanted =
                call.keep_headers || (300..400).contains(&status) || head.headers.contains_key(SET_COOKIE);
            receive.head(status, if wanted { head.headers } else { HeaderMap::new() });
            self.state = State::Receiving(body);
        }
        let State::Receiving(body) = &mut self.state else { return Poll::Pending };
        while let Some(piece) = ready!(body.poll_data(cx)) {
            let piece = piece?;
            receive.body(&piece).map_err(Broken::Code)?;
            body.flow_control().release_capacity(piece.len())?;
        }
        Poll::Ready(Ok(()))
    }

    /// What fails here is seen by the response, unless it comes all the same: a server may answer and stop
    /// listening.
    fn send_body(&mut self, cx: &mut Context<'_>) {
        while let Some(sending) = &mut self.sending {
            sending.reserve_capacity(self.body.len().min(PIECE_BYTES));
            let capacity = sending.capacity().min(self.body.len());
            if capacity == 0 {
                match sending.poll_capacity(cx) {
                    Poll::Pending => return,
                    Poll::Ready(Some(Ok(_))) => continue,
                    Poll::Ready(Some(Err(_)) | None) => self.sending = None,
                }
                return;
            }
            let piece = self.body.split_to(capacity);
            if sending.send_data(piece, self.body.is_empty()).is_err() || self.body.is_empty() {
                self.sending = None;
            }
        }
    }
}
