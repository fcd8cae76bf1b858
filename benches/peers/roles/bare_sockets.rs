//! tungstenite connections that wait, or that send at a fixed pace and time the echo: the floor for WebSockets.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::serving;
use crate::{Failure, Result};

/// A minute: nothing here takes longer, and a histogram that saturates must know its bound.
const LONGEST_MICROS: u64 = 60_000_000;

struct Load {
    target: SocketAddr,
    echoed: Cell<u64>,
    /// From when a message was due to its echo, in microseconds.
    response: RefCell<Histogram<u64>>,
}

/// `per_sec` messages on each connection, 0 to wait only.
pub(super) fn run(target: SocketAddr, connections: u32, per_sec: u32, secs: f64) -> Result<()> {
    let response = RefCell::new(Histogram::new_with_max(LONGEST_MICROS, 3)?);
    let load = Rc::new(Load { target, echoed: Cell::new(0), response });
    serving::runtime()?.block_on(async {
        let mut sockets = JoinSet::new();
        for _ in 0..connections {
            let load = Rc::clone(&load);
            sockets.spawn_local(async move { load.converse(per_sec, secs).await });
        }
        while let Some(ended) = sockets.join_next().await {
            ended??;
        }
        Ok::<(), Failure>(())
    })?;
    load.print(per_sec);
    Ok(())
}

impl Load {
    async fn converse(&self, per_sec: u32, secs: f64) -> Result<()> {
        let stream = TcpStream::connect(self.target).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let url = format!("ws://{}/", self.target);
        let (mut socket, _) = client_async_with_config(url, stream, Some(config)).await?;
        let start = Instant::now();
        let messages = (f64::from(per_sec) * secs) as u32;
        for i in 0..messages {
            let due = start + Duration::from_secs_f64(f64::from(i) / f64::from(per_sec));
            sleep_until(due).await;
            self.exchange(&mut socket, due).await?;
        }
        sleep_until(start + Duration::from_secs_f64(secs)).await;
        socket.close(None).await?;
        Ok(())
    }

    async fn exchange(&self, socket: &mut WebSocketStream<TcpStream>, due: Instant) -> Result<()> {
        socket.send(Message::text(r#"{"type":"ping","content":"are you there?"}"#)).await?;
        socket.next().await.ok_or("the server hung up")??;
        self.response.borrow_mut().saturating_record(due.elapsed().as_micros() as u64);
        self.echoed.set(self.echoed.get() + 1);
        Ok(())
    }

    fn print(&self, per_sec: u32) {
        let response = self.response.borrow();
        let at = |quantile| response.value_at_quantile(quantile) as f64 / 1000.0;
        let percentiles = (per_sec > 0).then(|| {
            json!({
                "avg": response.mean() / 1000.0, "med": at(0.5),
                "p(90)": at(0.9), "p(95)": at(0.95), "p(99)": at(0.99),
            })
        });
        println!("{}", json!({"exchanges": self.echoed.get(), "response": percentiles}));
    }
}
