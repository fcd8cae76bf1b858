//! tungstenite with small read buffers and a task per user, recording nothing: the floor for chat.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::serving;
use crate::{Failure, Result};

const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn run(target: SocketAddr, users: u32, messages: u32) -> Result<()> {
    let answered = Rc::new(Cell::new(0_u64));
    serving::runtime()?.block_on(async {
        let mut conversations = JoinSet::new();
        for user in 0..users {
            let answered = Rc::clone(&answered);
            conversations.spawn_local(async move { converse(target, user, messages, &answered).await });
        }
        while let Some(ended) = conversations.join_next().await {
            ended??;
        }
        Ok::<(), Failure>(())
    })?;
    println!("{}", json!({"exchanges": answered.get()}));
    Ok(())
}

async fn converse(target: SocketAddr, user: u32, messages: u32, answered: &Cell<u64>) -> Result<()> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let (mut socket, _) =
        client_async_with_config(format!("ws://{target}/api/chat"), stream, Some(config)).await?;
    for _ in 0..messages {
        let text = format!(r#"{{"type":"message","content":"hello from {user}"}}"#);
        socket.send(Message::text(text)).await?;
        loop {
            let message = socket.next().await.ok_or("the server hung up")??;
            if message.to_text()?.contains(r#""done""#) {
                break;
            }
        }
        answered.set(answered.get() + 1);
        tokio::time::sleep(PAUSE).await;
    }
    socket.close(None).await?;
    Ok(())
}
