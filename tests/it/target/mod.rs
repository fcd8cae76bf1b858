//! The demo target over real sockets, by clients that share no code with it.

mod broker;
mod chat;
mod faults;
mod http;
mod pulse;
mod sale;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use loadgate::target::{Fault, TargetConfig, serve};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

type Socket = WebSocketStream<TcpStream>;

/// For what must happen but says not when; a bound on the test, not on the service.
const PATIENCE: Duration = Duration::from_secs(30);

/// Replies and events come as fast as they can.
fn quick() -> TargetConfig {
    TargetConfig {
        chunk_gap: Duration::ZERO..=Duration::from_millis(1),
        events_per_sec: 1000,
        ..TargetConfig::default()
    }
}

struct Target {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Target {
    async fn start(faults: &[&str]) -> Self {
        let faults: Vec<Fault> = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        Self::with(TargetConfig { faults, ..quick() }).await
    }

    async fn with(config: TargetConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(serve(listener, config, async { drop(stopped.await) }));
        Self { address, stop, served }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        patiently(self.served).await.unwrap().unwrap();
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        let head = format!("host: target\r\nconnection: close\r\ncontent-length: {}", body.len());
        self.send(&format!("{method} {path} HTTP/1.1\r\n{head}\r\n\r\n{body}")).await
    }

    /// A POST with further headers, each a whole line with its end.
    async fn post(&self, path: &str, headers: &str, body: &str) -> Reply {
        let length = body.len();
        let head = format!("host: target\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}");
        self.send(&format!("POST {path} HTTP/1.1\r\n{head}\r\n{body}")).await
    }

    async fn send(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        patiently(stream.read_to_string(&mut text)).await.unwrap();
        Reply::parse(&text)
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "").await
    }

    async fn fault(&self, body: Value) -> Reply {
        self.ask("POST", "/faults", &body.to_string()).await
    }

    /// The value of one series on `/metrics`.
    async fn metric(&self, series: &str) -> f64 {
        let page = self.get("/metrics").await.body;
        let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in\n{page}")).parse().unwrap()
    }

    /// Scrapes until the series' value is as wanted.
    async fn metric_until(&self, series: &str, wanted: impl Fn(f64) -> bool) {
        patiently(async { while !wanted(self.metric(series).await) {} }).await;
    }

    async fn connect(&self, path: &str) -> Result<Socket, tungstenite::Error> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let url = format!("ws://{}{path}", self.address);
        patiently(client_async(url, stream)).await.map(|(socket, _)| socket)
    }
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("the target kept us waiting"))
}

async fn say(socket: &mut Socket, message: impl Into<String>) {
    socket.send(Message::text(message.into())).await.unwrap();
}

async fn hear(socket: &mut Socket) -> Message {
    patiently(socket.next()).await.unwrap().unwrap()
}

async fn hear_json(socket: &mut Socket) -> Value {
    serde_json::from_str(hear(socket).await.to_text().unwrap()).unwrap()
}
