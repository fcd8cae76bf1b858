//! One call under way: what of its messages has gone out and come in so far.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request};

use super::framing::Deframer;
use super::status::Status;
use crate::budget::Purse;
use crate::protocol::http2::{Broken, Informational, Work};
use crate::protocol::wire::Meter;
use crate::sample::ErrorCode;
use crate::time::Elapsed;

/// h2 is given messages in pieces of at most this: 64 KiB.
const PIECE_BYTES: usize = 64 << 10;
const STATUS: &str = "grpc-status";

/// What comes of a call, one after the other.
#[derive(Debug)]
pub(super) enum Event {
    /// When it was read from the socket, and the message.
    Message(Elapsed, Bytes),
    Ended(End),
}

/// How a call ended that its server ended.
#[derive(Debug, Default)]
pub(super) struct End {
    /// 0 when no response came.
    pub(super) http_status: u16,
    pub(super) status: Option<Status>,
    /// Why it failed, beside its status.
    pub(super) error: Option<ErrorCode>,
}

pub(super) struct Rpc {
    state: State,
    /// What will be sent first.
    request: Option<Request<()>>,
    sending: Option<SendStream<Bytes>>,
    /// Framed, and not given to h2.
    outbox: VecDeque<Bytes>,
    /// No message will be added.
    closed: bool,
    /// Whether messages are taken; else they wait at the server, once its window is used up.
    pub(super) taking: bool,
    flushed: bool,
    informational: Informational,
    deframer: Deframer,
    piece: Bytes,
    limit: usize,
    purse: Purse,
    /// What came first: metadata.
    pub(super) headers: HeaderMap,
    /// What came last; with the status.
    pub(super) trailers: HeaderMap,
    http_status: u16,
}

enum State {
    Unopened,
    Waiting(ResponseFuture),
    Receiving(RecvStream),
    Ended,
}

impl Rpc {
    /// Messages of at most `limit` bytes are taken.
    pub(super) fn new(request: Request<()>, limit: usize, purse: Purse) -> Self {
        Rpc {
            state: State::Unopened,
            request: Some(request),
            sending: None,
            outbox: VecDeque::new(),
            closed: false,
            taking: true,
            flushed: false,
            informational: Informational::default(),
            deframer: Deframer::new(limit),
            piece: Bytes::new(),
            limit,
            purse,
            headers: HeaderMap::new(),
            trailers: HeaderMap::new(),
            http_status: 0,
        }
    }

    /// Adds a message, framed.
    pub(super) fn push(&mut self, frame: Bytes) {
        self.outbox.push_back(frame);
        self.flushed = false;
    }

    /// No message follows.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.flushed = false;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the socket has taken all that was to be sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.flushed
    }

    pub(super) fn is_opened(&self) -> bool {
        !matches!(self.state, State::Unopened)
    }

    /// 1 is the connection's first; 0 before it is opened.
    pub(super) fn id(&self) -> u32 {
        match &self.state {
            State::Waiting(response) => response.stream_id().as_u32(),
            State::Receiving(body) => body.stream_id().as_u32(),
            State::Unopened | State::Ended => 0,
        }
    }

    /// Gives h2 the messages, as far as it takes them. What fails here is seen by the response.
    fn send(&mut self, cx: &mut Context<'_>) {
        let Some(sending) = &mut self.sending else { return };
        while let Some(frame) = self.outbox.front_mut() {
            sending.reserve_capacity(frame.len().min(PIECE_BYTES));
            let capacity = sending.capacity().min(frame.len());
            if capacity == 0 {
                match sending.poll_capacity(cx) {
                    Poll::Pending => return,
                    Poll::Ready(Some(Ok(_))) => continue,
                    Poll::Ready(Some(Err(_)) | None) => self.sending = None,
                }
                return;
            }
            let piece = frame.split_to(capacity);
            if frame.is_empty() {
                self.outbox.pop_front();
            }
            let last = self.closed && self.outbox.is_empty();
            if sending.send_data(piece, last).is_err() || last {
                self.sending = None;
                return;
            }
        }
        if self.closed {
            let _ = sending.send_data(Bytes::new(), true);
            self.sending = None;
        }
    }

    /// What the head alone says of the end: a status without messages, or no gRPC at all.
    fn end_of_head(&self) -> Option<End> {
        let ended = |status, error| Some(End { http_status: self.http_status, status, error });
        if let Some(status) = self.headers.get(STATUS) {
            return ended(Some(Status::from_header(status)), None);
        }
        if self.http_status != 200 {
            let error = ErrorCode::from_status(self.http_status).unwrap_or(ErrorCode::GRPC_MALFORMED);
            return ended(Some(Status::from_http(self.http_status)), Some(error));
        }
        let is_grpc = self.headers.get(CONTENT_TYPE).is_some_and(|value| {
            value
                .as_bytes()
                .strip_prefix(b"application/grpc")
                .is_some_and(|rest| matches!(rest, [] | [b'+' | b';', ..]))
        });
        if is_grpc { None } else { ended(Some(Status::UNKNOWN), Some(ErrorCode::GRPC_MALFORMED)) }
    }

    fn end(&mut self, trailers: Option<HeaderMap>) -> End {
        self.state = State::Ended;
        self.trailers = trailers.unwrap_or_default();
        let status = self.trailers.get(STATUS).map(Status::from_header);
        let error = match status {
            None => Some(ErrorCode::GRPC_MALFORMED),
            Some(Status::OK) if self.deframer.is_amid() => Some(ErrorCode::GRPC_MALFORMED),
            Some(_) => None,
        };
        End { http_status: self.http_status, status, error }
    }
}

impl Work for Rpc {
    type Done = Event;

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        sender: &mut SendRequest<Bytes>,
        meter: &Meter,
    ) -> Poll<Result<Event, Broken>> {
        if let State::Unopened = self.state {
            ready!(sender.poll_ready(cx))?;
            let Some(request) = self.request.take() else {
                return Poll::Ready(Err(Broken::Code(ErrorCode::GENERIC)));
            };
            let without_messages = self.closed && self.outbox.is_empty();
            let (response, sending) = sender.send_request(request, without_messages)?;
            self.state = State::Waiting(response);
            self.sending = (!without_messages).then_some(sending);
        }
        self.send(cx);
        if let State::Waiting(response) = &mut self.state {
            if !self.informational.take(response, cx) {
                return Poll::Ready(Err(Broken::Code(ErrorCode::GRPC_MALFORMED)));
            }
            let (head, body) = ready!(Pin::new(response).poll(cx))?.into_parts();
            (self.http_status, self.headers) = (head.status.as_u16(), head.headers);
            self.state = State::Receiving(body);
            if let Some(end) = self.end_of_head() {
                self.state = State::Ended;
                self.trailers.clone_from(&self.headers);
                return Poll::Ready(Ok(Event::Ended(end)));
            }
        }
        if !self.taking {
            return Poll::Pending;
        }
        let State::Receiving(body) = &mut self.state else { return Poll::Pending };
        loop {
            if let Some(frame) = self.deframer.next(&mut self.piece, &self.purse).map_err(Broken::Code)? {
                let message = frame.message(&self.headers, self.limit, &self.purse).map_err(Broken::Code)?;
                return Poll::Ready(Ok(Event::Message(meter.read_at(), message)));
            }
            match ready!(body.poll_data(cx)) {
                Some(piece) => {
                    self.piece = piece?;
                    body.flow_control().release_capacity(self.piece.len())?;
                }
                None => {
                    let trailers = ready!(body.poll_trailers(cx))?;
                    return Poll::Ready(Ok(Event::Ended(self.end(trailers))));
                }
            }
        }
    }

    fn flushed(&mut self, _: &Meter) {
        self.flushed = self.is_opened() && self.outbox.is_empty() && (!self.closed || self.sending.is_none());
    }
}
