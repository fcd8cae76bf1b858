//! WebSocket sessions (RFC 6455): the handshake over [`http1`](super::http1), frames by tungstenite, driven
//! inside the task that uses the connection.

mod handshake;
mod inbox;
mod intake;

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite;
use tungstenite::protocol::frame::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

pub use handshake::{Handshake, Opening, connect};
pub use tungstenite::Utf8Bytes;

use self::intake::Intake;
use super::alarm::Alarm;
use super::failure;
use super::wire::Wire;
use crate::budget::Purse;
use crate::sample::ErrorCode;
use crate::time::{Clock, Elapsed};

/// 4 KiB: tungstenite's default of 128 KiB costs 19 times the memory and four fifths of the throughput.
const READ_BUFFER_BYTES: usize = 4 << 10;
/// A message, and each frame of it, that comes in may be this large: 1 MiB.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// A message that goes out, with what the peer did not take yet before it, may be this large: 16 MiB.
pub const MAX_SEND_BYTES: usize = 16 << 20;
/// A peer that takes nothing for this long will not take it at all.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// RFC 6455, section 5.5: a control frame's 125 bytes, less the code.
const MAX_REASON_BYTES: usize = 123;

/// A data message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    Text(Utf8Bytes),
    Binary(Bytes),
}

impl Message {
    /// In bytes, without the frame's header.
    pub fn len(&self) -> usize {
        match self {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A data message and when it came in: when it was read from the socket, not when somebody asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    pub at: Elapsed,
    pub message: Message,
}

/// An open session. Dropping it closes the socket without a closing handshake.
///
/// All waiting is done by [`next`](Self::next), [`idle`](Self::idle), [`ping`](Self::ping) and
/// [`close`](Self::close); each of them answers the peer's pings meanwhile. All may be dropped at any await
/// without losing a message; a send that is dropped may leave its message half-sent, so the session should
/// be dropped with it.
pub struct Connection {
    wire: Wire,
    /// Came in with the handshake, and is read first.
    early: Bytes,
    context: WebSocketContext,
    intake: Intake,
    alarm: Alarm,
    clock: Clock,
    pings: u64,
    ended: Option<ErrorCode>,
    close_code: Option<u16>,
}

impl Connection {
    /// Over a wire whose handshake is done; `early` is what came in with it.
    fn open(wire: Wire, early: Vec<u8>, clock: Clock, purse: Purse) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_SEND_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        Connection {
            wire,
            early: early.into(),
            // Not from what was partially read: tungstenite then forgets the size of its read buffer, and once that
            // is used up reads each message in two pieces.
            context: WebSocketContext::new(Role::Client, Some(config)),
            intake: Intake::new(purse),
            alarm: Alarm::default(),
            clock,
            pings: 0,
            ended: None,
            close_code: None,
        }
    }

    /// Sends a text message; done when the socket has taken it. A peer that takes nothing for 60 s is
    /// `TIMEOUT`, a session that is over `WEBSOCKET_CLOSED` (or how it broke), a message above
    /// [`MAX_SEND_BYTES`] `WEBSOCKET_PROTOCOL`.
    pub async fn send_text(&mut self, text: impl Into<Utf8Bytes>) -> Result<(), ErrorCode> {
        self.send(tungstenite::Message::Text(text.into()), None).await
    }

    /// As [`send_text`](Self::send_text), for a binary message.
    pub async fn send_binary(&mut self, bytes: impl Into<Bytes>) -> Result<(), ErrorCode> {
        self.send(tungstenite::Message::Binary(bytes.into()), None).await
    }

    /// The next data message, in the order of arrival; those that came in while idle first. `TIMEOUT` at
    /// the deadline, after which the session goes on; `WEBSOCKET_CLOSED` or how it broke once it is over.
    pub async fn next(&mut self, deadline: Instant) -> Result<Incoming, ErrorCode> {
        if let Some(incoming) = self.intake.take() {
            return Ok(incoming);
        }
        poll_fn(|cx| match self.poll_message(cx) {
            Poll::Ready(result) => {
                self.intake.handed_over();
                Poll::Ready(result)
            }
            Poll::Pending => self.alarm.poll(cx, deadline).map(|()| Err(ErrorCode::TIMEOUT)),
        })
        .await
    }

    /// Waits until `until`, and keeps reading: pings are answered, and messages wait in a bounded inbox (256
    /// messages, 1 MiB, and what the budget has room for; the oldest makes room and is counted) with the time
    /// at which they came in. A session that ends meanwhile is noticed by whatever uses it next.
    pub async fn idle(&mut self, until: Instant) {
        poll_fn(|cx| {
            self.fill_inbox(cx);
            self.alarm.poll(cx, until)
        })
        .await;
    }

    /// Reads for nobody, as [`idle`](Self::idle) does, and is ready when the session is over, with how it
    /// ended. The task is woken for whatever comes in.
    pub fn poll_attend(&mut self, cx: &mut Context<'_>) -> Poll<ErrorCode> {
        self.fill_inbox(cx);
        self.ended.map_or(Poll::Pending, Poll::Ready)
    }

    /// Says that we go away (1001), if the socket takes it at once. For a session that is about to be dropped.
    pub fn leave(&mut self) {
        if self.ended.is_none() && self.context.can_write() {
            let frame = CloseFrame { code: CloseCode::Away, reason: Utf8Bytes::default() };
            let Connection { wire, early, intake, .. } = self;
            let mut pipe = Pipe { wire, early, intake, cx: &mut Context::from_waker(Waker::noop()) };
            // Writing flushes what is left of earlier messages first, so that no frame is torn.
            let _ = self.context.write(&mut pipe, tungstenite::Message::Close(Some(frame)));
            let _ = self.context.flush(&mut pipe);
        }
    }

    /// Sends a ping and waits for its pong: the time between them. Messages that come in first wait in the
    /// inbox.
    pub async fn ping(&mut self, timeout: Duration) -> Result<Duration, ErrorCode> {
        let deadline = Instant::now() + timeout;
        self.pings += 1;
        let payload = Bytes::copy_from_slice(&self.pings.to_be_bytes());
        let sent_at = self.clock.now();
        self.send(tungstenite::Message::Ping(payload.clone()), Some(deadline)).await?;
        poll_fn(|cx| {
            while let Poll::Ready(result) = self.poll_frame(cx) {
                match result {
                    Ok(Frame::Pong(echoed)) if echoed == payload => {
                        return Poll::Ready(Ok(self.wire.meter().read_at().since(sent_at)));
                    }
                    Ok(Frame::Pong(_)) => {}
                    Ok(Frame::Data(message)) => self.stow(message),
                    Err(code) => return Poll::Ready(Err(code)),
                }
            }
            self.alarm.poll(cx, deadline).map(|()| Err(ErrorCode::TIMEOUT))
        })
        .await
    }

    /// Closes with a closing handshake: done when the peer has answered it, `TIMEOUT` if it does not.
    /// Messages still coming in are dropped. Codes that may be sent are those of RFC 6455, section 7.4; a
    /// reason is cut to 123 bytes. Fine on a session that the peer has closed properly.
    pub async fn close(&mut self, code: u16, reason: &str, timeout: Duration) -> Result<(), ErrorCode> {
        let deadline = Instant::now() + timeout;
        if self.ended.is_none() {
            let frame = CloseFrame { code: code.into(), reason: cut(reason).into() };
            // An error here is seen again below, unless the peer closes properly all the same.
            let _ = self.send(tungstenite::Message::Close(Some(frame)), Some(deadline)).await;
        }
        poll_fn(|cx| {
            while self.ended.is_none() {
                if self.poll_frame(cx).is_pending() {
                    return self.alarm.poll(cx, deadline).map(|()| Err(ErrorCode::TIMEOUT));
                }
            }
            Poll::Ready(match (self.close_code, self.ended) {
                (None, Some(code)) => Err(code),
                _ => Ok(()),
            })
        })
        .await
    }

    /// Bytes sent since the handshake.
    pub fn bytes_sent(&self) -> u64 {
        self.wire.meter().bytes_sent()
    }

    /// Bytes received since the handshake.
    pub fn bytes_received(&self) -> u64 {
        self.wire.meter().bytes_received()
    }

    /// The next message that came in while idle, if there is one.
    pub fn waiting(&mut self) -> Option<Incoming> {
        self.intake.take()
    }

    /// Messages that the inbox had no room for.
    pub fn discarded(&self) -> u64 {
        self.intake.discarded()
    }

    /// The code of the peer's close frame, once it came; 1005 if it held none.
    pub fn close_code(&self) -> Option<u16> {
        self.close_code
    }

    /// The deadline counts once the peer takes nothing; `None` is [`SEND_TIMEOUT`] from then on.
    async fn send(
        &mut self,
        message: tungstenite::Message,
        mut deadline: Option<Instant>,
    ) -> Result<(), ErrorCode> {
        if let Some(code) = self.ended {
            return Err(code);
        }
        let mut message = Some(message);
        poll_fn(|cx| {
            let Connection { wire, early, context, intake, .. } = self;
            let mut pipe = Pipe { wire, early, intake, cx };
            let written = match message.take() {
                Some(message) => context.write(&mut pipe, message).and_then(|()| context.flush(&mut pipe)),
                None => context.flush(&mut pipe),
            };
            match written {
                Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Over from our side: the peer's half of the closing handshake is still to come.
                Err(tungstenite::Error::ConnectionClosed) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(failure::of_websocket(&error))),
                Ok(()) => return Poll::Ready(Ok(())),
            }
            // A peer that waits until we take what it sent must not wait for ever.
            self.fill_inbox(cx);
            if let Some(code) = self.ended {
                return Poll::Ready(Err(code));
            }
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + SEND_TIMEOUT);
            self.alarm.poll(cx, deadline).map(|()| Err(ErrorCode::TIMEOUT))
        })
        .await
    }

    fn fill_inbox(&mut self, cx: &mut Context<'_>) {
        while self.ended.is_none() {
            match self.poll_message(cx) {
                Poll::Ready(Ok(incoming)) => self.intake.stow(incoming),
                Poll::Ready(Err(_)) | Poll::Pending => return,
            }
        }
    }

    fn stow(&mut self, message: Message) {
        let at = self.wire.meter().read_at();
        self.intake.stow(Incoming { at, message });
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, ErrorCode>> {
        loop {
            if let Frame::Data(message) = ready!(self.poll_frame(cx))? {
                return Poll::Ready(Ok(Incoming { at: self.wire.meter().read_at(), message }));
            }
        }
    }

    /// A data message or a pong; pings are answered, and what ends the session is remembered.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, ErrorCode>> {
        loop {
            if let Some(code) = self.ended {
                return Poll::Ready(Err(code));
            }
            let Connection { wire, early, context, intake, .. } = self;
            match context.read(&mut Pipe { wire, early, intake, cx }) {
                Ok(tungstenite::Message::Text(text)) => {
                    intake.message();
                    return Poll::Ready(Ok(Frame::Data(Message::Text(text))));
                }
                Ok(tungstenite::Message::Binary(bytes)) => {
                    intake.message();
                    return Poll::Ready(Ok(Frame::Data(Message::Binary(bytes))));
                }
                Ok(tungstenite::Message::Pong(payload)) => {
                    intake.control(payload.len());
                    return Poll::Ready(Ok(Frame::Pong(payload)));
                }
                // The next read sends the pong.
                Ok(tungstenite::Message::Ping(payload)) => intake.control(payload.len()),
                // Never given to those who read messages.
                Ok(tungstenite::Message::Frame(_)) => {}
                Ok(tungstenite::Message::Close(frame)) => {
                    self.close_code = Some(frame.map_or(1005, |frame| frame.code.into()));
                    self.ended = Some(ErrorCode::WEBSOCKET_CLOSED);
                    // The answer to it: sent if the socket takes it, the session is over either way.
                    let _ = context.flush(&mut Pipe { wire, early, intake, cx });
                }
                Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Poll::Pending;
                }
                Err(error) => self.ended = Some(failure::of_websocket(&error)),
            }
        }
    }
}

/// A reason that fits into a close frame.
fn cut(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_REASON_BYTES);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

enum Frame {
    Data(Message),
    Pong(Bytes),
}

/// The wire as tungstenite wants it: blocking calls that say `WouldBlock`, the task being woken for it.
struct Pipe<'a, 'b> {
    wire: &'a mut Wire,
    early: &'a mut Bytes,
    intake: &'a mut Intake,
    cx: &'a mut Context<'b>,
}

impl Read for Pipe<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.early.is_empty() {
            let early = self.early.split_to(buffer.len().min(self.early.len()));
            buffer[..early.len()].copy_from_slice(&early);
            self.intake.read(early.len())?;
            return Ok(early.len());
        }
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut *self.wire).poll_read(self.cx, &mut buffer) {
            Poll::Ready(result) => {
                result?;
                let read = buffer.filled().len();
                self.intake.read(read)?;
                Ok(read)
            }
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Pipe<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match Pin::new(&mut *self.wire).poll_write(self.cx, bytes) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match Pin::new(&mut *self.wire).poll_flush(self.cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}
