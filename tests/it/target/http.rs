//! What it answers over plain HTTP, and what it counts.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{Target, hear, patiently};

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
async fn stopping_ends_idle_busy_and_stalled_connections() {
    let target = Target::start(&[]).await;
    let mut idle = TcpStream::connect(target.address).await.unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: target\r\n\r\n").await.unwrap();
    let mut chat = target.connect("/api/chat").await.unwrap();
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
