//! Faults, from the command line and from `/faults`.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::json;
use tokio_tungstenite::tungstenite;

use super::chat::{HELLO, hear_reply};
use super::{Target, hear, say};

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
async fn refused_upgrades_carry_the_status_asked_for() {
    let target = Target::start(&["refuse-upgrades"]).await;
    let refused = async || match target.connect("/api/chat").await {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("expected a refusal, got {other:?}"),
    };
    assert_eq!(refused().await, 503);
    target.fault(json!({"fault": "refuse-upgrades", "value": "429"})).await;
    assert_eq!(refused().await, 429);
    target.fault(json!({"fault": "refuse-upgrades", "off": true})).await;
    assert!(target.connect("/api/chat").await.is_ok());
    target.stop().await;
}

#[tokio::test]
async fn latency_delays_answers_and_first_chunks_but_not_the_way_to_clear_it() {
    let target = Target::start(&["latency=150ms"]).await;
    let asked = Instant::now();
    assert_eq!(target.get("/health").await.status, 200);
    assert!(asked.elapsed() >= Duration::from_millis(150));

    let mut chat = target.connect("/api/chat").await.unwrap();
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
    let mut chat = target.connect("/api/chat").await.unwrap();
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
    assert_eq!(listed["available"].as_array().unwrap().len(), 10);

    let set = target.fault(json!({"fault": "unhealthy"})).await.json();
    assert_eq!(set["active"][1], json!({"fault": "unhealthy", "value": null}));
    let unknown = target.fault(json!({"fault": "gremlins"})).await;
    assert_eq!(unknown.status, 400);
    let message = unknown.json()["error"].as_str().unwrap().to_owned();
    assert!(message.contains("unknown fault `gremlins`") && message.contains("stall[=DURATION[/EVERY]]"));
    assert_eq!(target.ask("POST", "/faults", &" ".repeat(70_000)).await.status, 413);

    let cleared = target.ask("DELETE", "/faults", "").await.json();
    assert_eq!(cleared["active"], json!([]));
    target.stop().await;
}
