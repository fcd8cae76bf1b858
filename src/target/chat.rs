//! `/api/chat`: a WebSocket that answers each message with a streamed reply.
//!
//! In: `{"type":"message","content":"…"}`. Out: `{"type":"chunk","index":0,"content":"…"}` a number of
//! times, then `{"type":"done"}`; `{"type":"error","message":"…"}` for what is not a message. Messages that
//! arrive while a reply streams are answered in turn. Made to be cheap: the frames of a reply are written
//! down once for all connections, and a chat holds one timer and 4 KiB of read buffer.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

use super::Backend;
use super::socket::{self, Socket};

/// Messages waiting for their reply, the one being answered included; more are refused.
const MAX_WAITING: usize = 16;

/// What a reply says, over and over until it has its number of chunks.
const WORDS: [&str; 5] = ["Thank you ", "for your message; ", "the loop ", "is holding ", "its rate."];

/// What replies look like: made once, shared by all chats.
pub(super) struct Script {
    chunks: Vec<Utf8Bytes>,
    gap: RangeInclusive<Duration>,
}

impl Script {
    pub(super) fn new(chunks: usize, gap: RangeInclusive<Duration>) -> Self {
        let chunks = WORDS.iter().cycle().take(chunks).enumerate();
        let chunks = chunks.map(|(index, words)| {
            json!({ "type": "chunk", "index": index, "content": words }).to_string().into()
        });
        Self { chunks: chunks.collect(), gap }
    }

    fn draw_gap(&self) -> Duration {
        let span = self.gap.end().saturating_sub(*self.gap.start());
        *self.gap.start() + span.mul_f64(fastrand::f64())
    }
}

/// What a client may send. Checked, not used: every reply says the same.
#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(rename = "type")]
    _kind: Kind,
    #[serde(borrow, rename = "content")]
    _content: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Message,
}

/// Talks on `stream`, of which `unread` has been read already, until either side closes or `stop` is cancelled.
pub(super) async fn serve(stream: TcpStream, unread: Vec<u8>, backend: &Backend, stop: &CancellationToken) {
    let _open = backend.traffic.open_chat();
    let socket = socket::open(stream, unread).await;
    let mut chat = Chat { socket, backend, waiting: 0, next_chunk: 0 };
    if let Err(error) = chat.talk(stop).await {
        tracing::debug!(%error, "chat ended");
    }
}

struct Chat<'a> {
    socket: Socket,
    backend: &'a Backend,
    /// Messages not fully answered; the oldest is the one being answered.
    waiting: usize,
    next_chunk: usize,
}

impl Chat<'_> {
    async fn talk(&mut self, stop: &CancellationToken) -> Result<(), tungstenite::Error> {
        let timer = tokio::time::sleep(Duration::ZERO);
        let stopped = stop.cancelled();
        tokio::pin!(timer, stopped);
        loop {
            self.backend.faults.wait_out_stall().await;
            tokio::select! {
                () = &mut stopped => {
                    return socket::close(&mut self.socket, CloseCode::Away, "the service is stopping").await;
                }
                () = &mut timer, if self.waiting > 0 => self.stream_next(timer.as_mut()).await?,
                frame = self.socket.next() => match frame {
                    Some(Ok(frame)) => self.receive(frame, timer.as_mut()).await?,
                    Some(Err(tungstenite::Error::Capacity(error))) => {
                        return socket::close_too_long(&mut self.socket, &error.to_string()).await;
                    }
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                },
            }
        }
    }

    /// Pings and the closing handshake are answered by tungstenite on the next read.
    async fn receive(&mut self, frame: Message, timer: Pin<&mut Sleep>) -> Result<(), tungstenite::Error> {
        let text = match frame {
            Message::Text(text) => text,
            Message::Binary(_) => return self.refuse("expected a text message").await,
            Message::Close(_) => {
                self.waiting = 0;
                return Ok(());
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
        };
        match serde_json::from_str::<Incoming<'_>>(&text) {
            Ok(_) if self.waiting >= MAX_WAITING => {
                self.refuse("too many messages are waiting for a reply").await
            }
            Ok(_) => {
                self.backend.traffic.count_message();
                self.waiting += 1;
                if self.waiting == 1 {
                    self.begin_reply(timer);
                }
                Ok(())
            }
            Err(error) => {
                self.refuse(&format!("expected {{\"type\":\"message\",\"content\":TEXT}}: {error}")).await
            }
        }
    }

    fn begin_reply(&mut self, timer: Pin<&mut Sleep>) {
        self.next_chunk = 0;
        timer.reset(Instant::now() + self.backend.faults.latency() + self.backend.script.draw_gap());
    }

    /// Sends the chunk that is due; the last one together with `done`.
    async fn stream_next(&mut self, timer: Pin<&mut Sleep>) -> Result<(), tungstenite::Error> {
        let script = &self.backend.script;
        if let Some(chunk) = script.chunks.get(self.next_chunk) {
            self.socket.feed(Message::Text(chunk.clone())).await?;
        }
        self.next_chunk += 1;
        if self.next_chunk < script.chunks.len() {
            timer.reset(Instant::now() + script.draw_gap());
        } else {
            self.socket.feed(Message::Text(Utf8Bytes::from_static(r#"{"type":"done"}"#))).await?;
            self.waiting -= 1;
            if self.waiting > 0 {
                self.begin_reply(timer);
            }
        }
        self.socket.flush().await
    }

    async fn refuse(&mut self, reason: &str) -> Result<(), tungstenite::Error> {
        let message = json!({ "type": "error", "message": reason }).to_string();
        self.socket.send(Message::text(message)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_has_as_many_chunks_as_asked_for() {
        let script = Script::new(7, Duration::ZERO..=Duration::ZERO);
        assert_eq!(script.chunks.len(), 7);
        assert_eq!(script.chunks[6].as_str(), r#"{"type":"chunk","index":6,"content":"for your message; "}"#);
    }

    #[test]
    fn a_gap_lies_within_its_range_even_if_the_range_is_backwards() {
        let (low, high) = (Duration::from_millis(15), Duration::from_millis(20));
        let script = Script::new(1, low..=high);
        assert!((0..1000).all(|_| (low..=high).contains(&script.draw_gap())));
        let backwards = Script::new(1, RangeInclusive::new(high, low));
        assert_eq!(backwards.draw_gap(), high);
    }

    #[test]
    fn a_message_may_carry_escapes_and_further_fields() {
        let text = r#"{"content":"a\nb","type":"message","id":7}"#;
        assert!(serde_json::from_str::<Incoming<'_>>(text).is_ok());
        assert!(serde_json::from_str::<Incoming<'_>>(r#"{"type":"message"}"#).is_err());
        assert!(serde_json::from_str::<Incoming<'_>>(r#"{"type":"subscribe","content":""}"#).is_err());
    }
}
