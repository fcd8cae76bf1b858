//! `/events/live`: a WebSocket that is sent each event that `/events` takes, as one JSON object.
//!
//! First comes `{"type":"listening"}`: what is taken from then on is sent. Whoever is too slow loses the oldest, which is
//! counted.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

use super::super::Backend;
use super::super::socket::{self, Socket};

/// Events that wait for a slow listener.
const MAX_WAITING: usize = 4096;

const LISTENING: &str = r#"{"type":"listening"}"#;

/// The events on their way to all listeners.
pub(in super::super) struct Live {
    events: broadcast::Sender<Utf8Bytes>,
    /// Frames with an event handed to a connection.
    pub(in super::super) delivered: AtomicU64,
    /// Events that a listener was too slow for.
    pub(in super::super) missed: AtomicU64,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            events: broadcast::Sender::new(MAX_WAITING),
            delivered: AtomicU64::new(0),
            missed: AtomicU64::new(0),
        }
    }
}

impl Live {
    /// `event` is made only where somebody listens.
    pub(super) fn send(&self, event: impl FnOnce() -> String) {
        if self.events.receiver_count() > 0 {
            // Fails when the last listener has just gone, and then nobody misses anything.
            let _ = self.events.send(event().into());
        }
    }
}

/// Talks on `stream`, of which `unread` has been read already, until either side closes or `stop` is cancelled.
pub(in super::super) async fn serve(
    stream: TcpStream,
    unread: Vec<u8>,
    backend: &Backend,
    stop: &CancellationToken,
) {
    let mut socket = socket::open(stream, unread).await;
    if let Err(error) = talk(&mut socket, backend, stop).await {
        tracing::debug!(%error, "connection to /events/live ended");
    }
}

async fn talk(
    socket: &mut Socket,
    backend: &Backend,
    stop: &CancellationToken,
) -> Result<(), tungstenite::Error> {
    let live = &backend.broker.live;
    let mut events = live.events.subscribe();
    socket.send(Message::text(LISTENING)).await?;
    let stopped = stop.cancelled();
    tokio::pin!(stopped);
    loop {
        backend.faults.wait_out_stall().await;
        tokio::select! {
            () = &mut stopped => {
                return socket::close(socket, CloseCode::Away, "the service is stopping").await;
            }
            event = events.recv() => match event {
                Ok(_) if backend.faults.drops_this_event() => {}
                Ok(event) => {
                    socket.send(Message::Text(event)).await?;
                    live.delivered.fetch_add(1, Ordering::Relaxed);
                }
                Err(RecvError::Lagged(events)) => drop(live.missed.fetch_add(events, Ordering::Relaxed)),
                Err(RecvError::Closed) => return Ok(()),
            },
            frame = socket.next() => match frame {
                // Nothing is asked of it. Pings and the closing handshake are answered by tungstenite on the next read.
                Some(Ok(_)) => {}
                Some(Err(tungstenite::Error::Capacity(error))) => {
                    return socket::close_too_long(socket, &error.to_string()).await;
                }
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}
