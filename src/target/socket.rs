//! What all WebSockets of the service have in common: their limits, and how they end.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self};

pub(super) type Socket = WebSocketStream<TcpStream>;

const READ_BUFFER_BYTES: usize = 4096;
const WRITE_BUFFER_BYTES: usize = 1024;
const MAX_WRITE_BUFFER_BYTES: usize = 64 * 1024;
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// How much, and for how long, is read after a goodbye to a message that was too long.
const MAX_LINGER_BYTES: u64 = 4 * 1024 * 1024;
const LINGER: Duration = Duration::from_secs(1);

/// Goes on with `stream`, of which `unread` has been read already.
pub(super) async fn open(stream: TcpStream, unread: Vec<u8>) -> Socket {
    let limits = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    WebSocketStream::from_partially_read(stream, unread, Role::Server, Some(limits)).await
}

/// Says goodbye and waits for the other side's; `serve` bounds how long.
pub(super) async fn close(
    socket: &mut Socket,
    code: CloseCode,
    reason: &str,
) -> Result<(), tungstenite::Error> {
    socket.close(Some(CloseFrame { code, reason: reason.into() })).await?;
    while let Some(frame) = socket.next().await {
        frame?;
    }
    Ok(())
}

/// Says goodbye to who sent more than it may, and reads away what still comes: closed with bytes unread,
/// the socket would be reset, and the other side might never see why.
pub(super) async fn close_too_long(socket: &mut Socket, reason: &str) -> Result<(), tungstenite::Error> {
    close(socket, CloseCode::Size, reason).await?;
    let stream = socket.get_mut();
    stream.shutdown().await?;
    let drained =
        async { tokio::io::copy(&mut stream.take(MAX_LINGER_BYTES), &mut tokio::io::sink()).await.map(drop) };
    tokio::time::timeout(LINGER, drained).await.unwrap_or(Ok(()))?;
    Ok(())
}
