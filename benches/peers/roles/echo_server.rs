//! Sends each text message back as it is, and notes how fast connections were opened.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::serving;
use crate::Result;

#[derive(Default)]
struct Seen {
    messages: Cell<u64>,
    open: Cell<u64>,
    /// The most that were open at once, and when that was reached.
    most: Cell<u64>,
    /// The first connection's accept, and the last new maximum of open WebSockets.
    opening: RefCell<Option<(Instant, Instant)>>,
}

pub(super) fn run() -> Result<()> {
    let seen = Rc::new(Seen::default());
    serving::until_told(|listener| serve(listener, Rc::clone(&seen)))?;
    let opened_secs = seen.opening.borrow().map_or(0.0, |(first, last)| (last - first).as_secs_f64());
    println!(
        "{}",
        json!({"count": seen.messages.get(), "open": seen.most.get(), "opened_secs": opened_secs})
    );
    Ok(())
}

async fn serve(listener: TcpListener, seen: Rc<Seen>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        seen.opening.borrow_mut().get_or_insert_with(|| (Instant::now(), Instant::now()));
        let seen = Rc::clone(&seen);
        tokio::task::spawn_local(async move {
            // A user who hangs up in the middle has had enough.
            let _ = echo(stream, &seen).await;
        });
    }
}

async fn echo(stream: TcpStream, seen: &Seen) -> std::result::Result<(), Error> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(1024);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    seen.opened();
    let ended = async {
        while let Some(message) = socket.next().await {
            let message = message?;
            if message.is_text() {
                seen.messages.set(seen.messages.get() + 1);
                socket.send(message).await?;
            }
        }
        Ok(())
    };
    let ended = ended.await;
    seen.open.set(seen.open.get() - 1);
    ended
}

impl Seen {
    fn opened(&self) {
        self.open.set(self.open.get() + 1);
        if self.open.get() > self.most.get() {
            self.most.set(self.open.get());
            if let Some((_, last)) = self.opening.borrow_mut().as_mut() {
                *last = Instant::now();
            }
        }
    }
}
