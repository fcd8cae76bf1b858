//! A chat backend: each text message is answered by five chunks and `{"type":"done"}`, each a message and a write of its own.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::serving;
use crate::Result;

const CHUNKS: usize = 5;
const CHUNK: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"chunk","content":"a few words of the reply, "}"#);
const DONE: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"done"}"#);

pub(super) fn run(gap_ms: u64) -> Result<()> {
    let messages = Rc::new(Cell::new(0_u64));
    let gap = Duration::from_millis(gap_ms);
    serving::until_told(|listener| serve(listener, gap, Rc::clone(&messages)))?;
    println!("{}", json!({"count": messages.get()}));
    Ok(())
}

async fn serve(listener: TcpListener, gap: Duration, messages: Rc<Cell<u64>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let messages = Rc::clone(&messages);
        tokio::task::spawn_local(async move {
            // A user who hangs up in the middle has had enough.
            let _ = converse(stream, gap, &messages).await;
        });
    }
}

async fn converse(stream: TcpStream, gap: Duration, messages: &Cell<u64>) -> std::result::Result<(), Error> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    while let Some(message) = socket.next().await {
        if !message?.is_text() {
            continue;
        }
        messages.set(messages.get() + 1);
        for _ in 0..CHUNKS {
            socket.send(Message::Text(CHUNK)).await?;
            if !gap.is_zero() {
                tokio::time::sleep(gap).await;
            }
        }
        socket.send(Message::Text(DONE)).await?;
    }
    Ok(())
}
