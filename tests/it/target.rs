//! The demo target over real sockets, by clients that share no code with it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests: a panic is the failure")]

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use loadgate::target::{Fault, TargetConfig, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// For what must happen but says not when; a bound on the test, not on the service.
const PATIENCE: Duration = Duration::from_secs(30);

struct Target {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Target {
    async fn start(faults: &[&str]) -> Self {
        let faults: Vec<Fault> = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let config = TargetConfig {
            faults,
            chunk_gap: Duration::ZERO..=Duration::from_millis(1),
            ..TargetConfig::default()
        };
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

    async fn connect(&self) -> Result<WebSocketStream<TcpStream>, tungstenite::Error> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let url = format!("ws://{}/api/chat", self.address);
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
}

async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("the target kept us waiting")
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: impl Into<String>) {
    socket.send(Message::text(message.into())).await.unwrap();
}

async fn hear(socket: &mut WebSocketStream<TcpStream>) -> Message {
    patiently(socket.next()).await.unwrap().unwrap()
}

async fn hear_json(socket: &mut WebSocketStream<TcpStream>) -> Value {
    serde_json::from_str(hear(socket).await.to_text().unwrap()).unwrap()
}

/// Hears one reply to its `done`; gives the chunks' indices.
async fn hear_reply(socket: &mut WebSocketStream<TcpStream>) -> Vec<u64> {
    let mut indices = Vec::new();
    loop {
        let frame = hear_json(socket).await;
        if frame == json!({"type": "done"}) {
            return indices;
        }
        assert_eq!(frame["type"], "chunk", "{frame}");
        assert!(frame["content"].as_str().is_some_and(|text| !text.is_empty()), "{frame}");
        indices.push(frame["index"].as_u64().unwrap());
    }
}

const HELLO: &str = r#"{"type":"message","content":"hello"}"#;

#[tokio::test]
async fn health_and_readiness_are_ok_until_the_fault_says_otherwise() {
    let target = Target::start(&[]).await;
    for path in ["/health", "/ready"] {
        let reply = target.get(path).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"status":"ok"}"#));
        assert!(reply.head.contains("content-type: application/json"), "{}", reply.head);
    }
    target.fault(json!({"fault": "unhealthy"})).await;
    assert_eq!(target.get("/health").await.status, 503);
    assert_eq!(target.get("/ready").await.status, 503);
    target.stop().await;
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_allowed_are_told_apart() {
    let target = Target::start(&[]).await;
    assert_eq!(target.get("/nothing").await.status, 404);
    let reply = target.ask("POST", "/health", "").await;
    assert_eq!(reply.status, 405);
    assert!(reply.head.contains("allow: get, head"), "{}", reply.head);
    assert_eq!(target.ask("PUT", "/faults", "").await.status, 405);
    assert_eq!(target.ask("HEAD", "/health", "").await.body, "");
    target.stop().await;
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let target = Target::start(&[]).await;
    let request = "GET /health HTTP/1.1\r\nhost: target\r\n";
    let reply = target.send(&format!("{request}\r\n{request}connection: close\r\n\r\n")).await;
    assert_eq!(reply.body.matches("HTTP/1.1 200").count() + 1, 2);
    target.stop().await;
}

#[tokio::test]
async fn the_metrics_page_passes_promtool() {
    let target = Target::start(&[]).await;
    target.get("/health").await;
    let reply = target.get("/metrics").await;
    assert!(reply.head.contains("content-type: text/plain; version=0.0.4"), "{}", reply.head);
    for name in ["process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"] {
        assert!(target.metric(name).await >= 0.0);
    }
    target.stop().await;

    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!("skipped: promtool is not on PATH, so the page was not checked by it");
        return;
    };
    promtool.stdin.take().unwrap().write_all(reply.body.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{complaints}\n{}", reply.body);
}

#[tokio::test]
async fn requests_are_counted_by_path_and_status_from_zero() {
    let target = Target::start(&["errors=0.5"]).await;
    let ok = r#"backend_http_requests_total{path="/health",status="200"}"#;
    let failed = r#"backend_http_requests_total{path="/health",status="500"}"#;
    assert_eq!((target.metric(ok).await, target.metric(failed).await), (0.0, 0.0));
    for _ in 0..4 {
        target.get("/health").await;
    }
    assert_eq!((target.metric(ok).await, target.metric(failed).await), (2.0, 2.0));
    for path in ["/a", "/b", "/c", "/d"] {
        target.get(path).await;
    }
    let other = r#"backend_http_requests_total{path="other",status="404"}"#;
    assert_eq!(target.metric(other).await, 2.0);
    target.stop().await;
}

#[tokio::test]
async fn the_loop_ticks_and_its_intervals_are_counted() {
    let target = Target::start(&[]).await;
    target.metric_until("backend_loop_ticks_total", |ticks| ticks >= 3.0).await;
    let interval = "backend_loop_tick_duration_seconds";
    target.metric_until(&format!("{interval}_count"), |count| count >= 2.0).await;
    assert!(target.metric(&format!("{interval}_sum")).await > 0.0);
    assert!(target.metric("backend_loop_hz").await > 0.0);
    target.stop().await;
}

#[tokio::test]
async fn a_slow_loop_and_a_stalled_loop_show_in_the_gauge() {
    let target = Target::start(&[]).await;
    target.fault(json!({"fault": "slow-loop", "value": 20})).await;
    target.metric_until("backend_loop_hz", |hz| hz < 50.0).await;
    target.fault(json!({"fault": "stalled-loop"})).await;
    target.metric_until("backend_loop_hz", |hz| hz == 0.0).await;
    let ticks = target.metric("backend_loop_ticks_total").await;
    assert_eq!(target.metric("backend_loop_ticks_total").await, ticks);
    target.ask("DELETE", "/faults", "").await;
    target.metric_until("backend_loop_hz", |hz| hz > 0.0).await;
    target.stop().await;
}

#[tokio::test]
async fn a_chat_streams_its_reply_in_chunks_and_closes_cleanly() {
    let target = Target::start(&[]).await;
    let mut chat = target.connect().await.unwrap();
    say(&mut chat, HELLO).await;
    assert_eq!(hear_reply(&mut chat).await, [0, 1, 2, 3, 4]);
    assert_eq!(target.metric("backend_chat_connections").await, 1.0);
    assert_eq!(target.metric("backend_chat_messages_total").await, 1.0);

    chat.close(None).await.unwrap();
    assert!(matches!(hear(&mut chat).await, Message::Close(_)));
    assert!(patiently(chat.next()).await.is_none(), "the target ends the connection after the handshake");
    target.metric_until("backend_chat_connections", |open| open == 0.0).await;
    target.stop().await;
}

#[tokio::test]
async fn messages_sent_together_are_answered_in_turn() {
    let target = Target::start(&[]).await;
    let mut chat = target.connect().await.unwrap();
    for _ in 0..3 {
        say(&mut chat, HELLO).await;
    }
    for _ in 0..3 {
        assert_eq!(hear_reply(&mut chat).await, [0, 1, 2, 3, 4]);
    }
    target.stop().await;
}

#[tokio::test]
async fn messages_beyond_what_may_wait_are_refused() {
    let target = Target::start(&[]).await;
    let mut chat = target.connect().await.unwrap();
    target.fault(json!({"fault": "latency", "value": "1h"})).await;
    for _ in 0..17 {
        say(&mut chat, HELLO).await;
    }
    let refused = hear_json(&mut chat).await;
    assert_eq!(refused, json!({"type": "error", "message": "too many messages are waiting for a reply"}));
    target.stop().await;
}

#[tokio::test]
async fn what_is_not_a_message_gets_an_error_and_the_chat_goes_on() {
    let target = Target::start(&[]).await;
    let mut chat = target.connect().await.unwrap();
    for wrong in ["nonsense", "{}", r#"{"type":"shout","content":"x"}"#, r#"{"type":"message","content":1}"#]
    {
        say(&mut chat, wrong).await;
        assert_eq!(hear_json(&mut chat).await["type"], "error", "{wrong}");
    }
    chat.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(hear_json(&mut chat).await["type"], "error");
    say(&mut chat, HELLO).await;
    assert_eq!(hear_reply(&mut chat).await.len(), 5);
    target.stop().await;
}

#[tokio::test]
async fn a_ping_is_answered() {
    let target = Target::start(&[]).await;
    let mut chat = target.connect().await.unwrap();
    chat.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(hear(&mut chat).await, Message::Pong("are you there".into()));
    target.stop().await;
}

#[tokio::test]
async fn a_message_too_long_ends_the_chat_with_the_reason() {
    let target = Target::start(&[]).await;
    let mut chat = target.connect().await.unwrap();
    say(&mut chat, "x".repeat(100_000)).await;
    match hear(&mut chat).await {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Size),
        frame => panic!("expected a close frame, got {frame:?}"),
    }
    target.stop().await;
}

#[tokio::test]
async fn what_does_not_ask_for_a_websocket_properly_is_told_so() {
    let target = Target::start(&[]).await;
    let reply = target.get("/api/chat").await;
    assert_eq!(reply.status, 426);
    assert!(reply.head.contains("upgrade: websocket"), "{}", reply.head);
    let upgrade = "GET /api/chat HTTP/1.1\r\nhost: target\r\nconnection: upgrade\r\nupgrade: websocket\r\n";
    let old = target.send(&format!("{upgrade}sec-websocket-version: 8\r\nconnection: close\r\n\r\n")).await;
    assert_eq!(old.status, 426);
    assert!(old.head.contains("sec-websocket-version: 13"), "{}", old.head);
    let no_key =
        target.send(&format!("{upgrade}sec-websocket-version: 13\r\nconnection: close\r\n\r\n")).await;
    assert_eq!(no_key.status, 400);
    target.stop().await;
}

#[tokio::test]
async fn refused_upgrades_carry_the_status_asked_for() {
    let target = Target::start(&["refuse-upgrades"]).await;
    let refused = async || match target.connect().await {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("expected a refusal, got {other:?}"),
    };
    assert_eq!(refused().await, 503);
    target.fault(json!({"fault": "refuse-upgrades", "value": "429"})).await;
    assert_eq!(refused().await, 429);
    target.fault(json!({"fault": "refuse-upgrades", "off": true})).await;
    assert!(target.connect().await.is_ok());
    target.stop().await;
}

#[tokio::test]
async fn latency_delays_answers_and_first_chunks_but_not_the_way_to_clear_it() {
    let target = Target::start(&["latency=150ms"]).await;
    let asked = Instant::now();
    assert_eq!(target.get("/health").await.status, 200);
    assert!(asked.elapsed() >= Duration::from_millis(150));

    let mut chat = target.connect().await.unwrap();
    let said = Instant::now();
    say(&mut chat, HELLO).await;
    hear(&mut chat).await;
    assert!(said.elapsed() >= Duration::from_millis(150));

    target.fault(json!({"fault": "latency", "value": "1h"})).await;
    let cleared = target.fault(json!({"fault": "latency", "off": true})).await;
    assert_eq!(cleared.json()["active"], json!([]));
    assert_eq!(target.get("/health").await.status, 200);
    target.stop().await;
}

#[tokio::test]
async fn a_stall_holds_answers_and_chunks_until_it_ends() {
    let target = Target::start(&[]).await;
    let mut chat = target.connect().await.unwrap();
    target.fault(json!({"fault": "stall", "value": "1h/1h"})).await;
    say(&mut chat, HELLO).await;
    let mut health = Box::pin(target.get("/health"));
    let a_while = Duration::from_millis(100);
    assert!(tokio::time::timeout(a_while, &mut health).await.is_err(), "a stalled service answered");
    assert!(tokio::time::timeout(a_while, chat.next()).await.is_err(), "a stalled chat spoke");
    target.ask("DELETE", "/faults", "").await;
    assert_eq!(health.await.status, 200);
    assert_eq!(hear_reply(&mut chat).await.len(), 5);
    target.stop().await;
}

#[tokio::test]
async fn errors_fail_their_share_evenly_and_leave_scrapes_alone() {
    let target = Target::start(&["errors"]).await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(target.get("/health").await.status);
        assert_eq!(target.get("/metrics").await.status, 200);
    }
    let failed: Vec<usize> = (0..20).filter(|index| statuses[*index] == 500).collect();
    assert_eq!(failed, [9, 19]);
    target.stop().await;
}

#[tokio::test]
async fn faults_are_listed_set_and_cleared() {
    let target = Target::start(&["latency=1ms"]).await;
    let listed = target.get("/faults").await.json();
    assert_eq!(listed["active"], json!([{"fault": "latency", "value": "1ms"}]));
    assert_eq!(listed["available"].as_array().unwrap().len(), 7);

    let set = target.fault(json!({"fault": "unhealthy"})).await.json();
    assert_eq!(set["active"][1], json!({"fault": "unhealthy", "value": null}));
    let unknown = target.fault(json!({"fault": "gremlins"})).await;
    assert_eq!(unknown.status, 400);
    let message = unknown.json()["error"].as_str().unwrap().to_owned();
    assert!(message.contains("unknown fault `gremlins`") && message.contains("stall[=DURATION[/EVERY]]"));
    assert_eq!(target.ask("POST", "/faults", &" ".repeat(5000)).await.status, 413);

    let cleared = target.ask("DELETE", "/faults", "").await.json();
    assert_eq!(cleared["active"], json!([]));
    target.stop().await;
}

#[tokio::test]
async fn stopping_ends_idle_busy_and_stalled_connections() {
    let target = Target::start(&[]).await;
    let mut idle = TcpStream::connect(target.address).await.unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: target\r\n\r\n").await.unwrap();
    let mut chat = target.connect().await.unwrap();
    target.metric_until("backend_chat_connections", |open| open == 1.0).await;
    target.fault(json!({"fault": "latency", "value": "1h"})).await;
    let mut waiting = TcpStream::connect(target.address).await.unwrap();
    waiting.write_all(b"GET /health HTTP/1.1\r\nhost: target\r\n\r\n").await.unwrap();

    target.stop().await;
    match hear(&mut chat).await {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Away),
        frame => panic!("expected a close frame, got {frame:?}"),
    }
    let mut answer = String::new();
    patiently(idle.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut nothing = Vec::new();
    // Ended with an orderly close or a reset; either way without an answer.
    drop(patiently(waiting.read_to_end(&mut nothing)).await);
    assert!(nothing.is_empty());
}
