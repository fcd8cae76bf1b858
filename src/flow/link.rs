//! What the steps `send`, `receive`, `listen` and `close` talk over: a WebSocket, or a call of gRPC.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::Instant;

use super::{Contract, Ended};
use crate::budget::{Charge, Purse};
use crate::protocol::grpc::{Method, Talk, write_json};
use crate::protocol::websocket::{self, Connection, Incoming, Utf8Bytes};
use crate::sample::ErrorCode;

pub(super) enum Link {
    // Both boxed: a session is moved about.
    WebSocket(Box<Connection>),
    Grpc(Box<Call>),
    /// Taken back by the step that opened it.
    Gone,
}

/// A call, and how its messages are written.
pub(super) struct Call {
    pub(super) talk: Talk,
    pub(super) method: Method,
    pub(super) contract: Arc<Contract>,
    pub(super) purse: Purse,
}

impl Link {
    /// The outer error ends the iteration: the text is no message of the method's.
    pub(super) async fn send(&mut self, text: Utf8Bytes) -> Result<Result<(), ErrorCode>, Ended> {
        match self {
            Link::WebSocket(connection) => Ok(connection.send_text(text).await),
            Link::Grpc(call) => match call.contract.frame(&call.method, &text)? {
                Ok(frame) => Ok(call.talk.send(frame).await),
                Err(code) => Ok(Err(code)),
            },
            Link::Gone => Ok(Err(ErrorCode::GENERIC)),
        }
    }

    pub(super) async fn next(&mut self, deadline: Instant) -> Result<Incoming, ErrorCode> {
        match self {
            Link::WebSocket(connection) => connection.next(deadline).await,
            Link::Grpc(call) => {
                let received = call.talk.next(deadline).await?;
                let json = call.json(received.message)?;
                Ok(Incoming { at: received.at, message: websocket::Message::Binary(json) })
            }
            Link::Gone => Err(ErrorCode::GENERIC),
        }
    }

    pub(super) async fn idle(&mut self, until: Instant) {
        match self {
            Link::WebSocket(connection) => connection.idle(until).await,
            Link::Grpc(call) => call.talk.idle(until).await,
            Link::Gone => tokio::time::sleep_until(until).await,
        }
    }

    pub(super) fn poll_attend(&mut self, cx: &mut Context<'_>) -> Poll<ErrorCode> {
        match self {
            Link::WebSocket(connection) => connection.poll_attend(cx),
            Link::Grpc(call) => call.talk.poll_attend(cx),
            Link::Gone => Poll::Pending,
        }
    }

    /// Says goodbye, if that takes no time.
    pub(super) fn leave(&mut self) {
        if let Link::WebSocket(connection) = self {
            connection.leave();
        }
    }

    /// Sent and received since it was opened.
    pub(super) fn bytes(&self) -> (u64, u64) {
        match self {
            Link::WebSocket(connection) => (connection.bytes_sent(), connection.bytes_received()),
            Link::Grpc(call) => call.talk.bytes(),
            Link::Gone => (0, 0),
        }
    }

    /// The next message that has come in and that nobody has asked for yet.
    pub(super) fn waiting(&mut self) -> Option<Incoming> {
        match self {
            Link::WebSocket(connection) => connection.waiting(),
            // They wait at the server.
            Link::Grpc(_) | Link::Gone => None,
        }
    }

    /// Messages that nobody asked for and that found no room.
    pub(super) fn discarded(&self) -> u64 {
        match self {
            Link::WebSocket(connection) => connection.discarded(),
            // They wait at the server.
            Link::Grpc(_) | Link::Gone => 0,
        }
    }

    /// With which the peer closed it; 0 where it did not.
    pub(super) fn close_code(&self) -> u16 {
        match self {
            Link::WebSocket(connection) => connection.close_code().unwrap_or(0),
            Link::Grpc(_) | Link::Gone => 0,
        }
    }

    /// Whether the peer has said all that it will, and that all is well.
    pub(super) fn ended_well(&self) -> bool {
        match self {
            Link::WebSocket(_) | Link::Gone => false,
            Link::Grpc(call) => call.talk.ended_well(),
        }
    }
}

impl Call {
    fn json(&self, message: Bytes) -> Result<Bytes, ErrorCode> {
        // While it is decoded.
        let mut charge = Charge::default();
        let weight = self.method.weigh(&message)?;
        charge.cover(weight, &self.purse).map_err(|_| ErrorCode::MEMORY_SPENT)?;
        let mut json = Vec::new();
        write_json(&self.method.decode(message)?, &mut json)?;
        Ok(json.into())
    }
}
