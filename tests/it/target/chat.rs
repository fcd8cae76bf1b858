//! `/api/chat`: streamed replies.

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{Socket, Target, hear, hear_json, patiently, say};

pub(super) const HELLO: &str = r#"{"type":"message","content":"hello"}"#;

/// Hears one reply to its `done`; gives the chunks' indices.
pub(super) async fn hear_reply(socket: &mut Socket) -> Vec<u64> {
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

#[tokio::test]
async fn a_chat_streams_its_reply_in_chunks_and_closes_cleanly() {
    let target = Target::start(&[]).await;
    let mut chat = target.connect("/api/chat").await.unwrap();
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
    let mut chat = target.connect("/api/chat").await.unwrap();
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
    let mut chat = target.connect("/api/chat").await.unwrap();
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
    let mut chat = target.connect("/api/chat").await.unwrap();
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
    let mut chat = target.connect("/api/chat").await.unwrap();
    chat.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(hear(&mut chat).await, Message::Pong("are you there".into()));
    target.stop().await;
}

#[tokio::test]
async fn a_message_too_long_ends_the_chat_with_the_reason() {
    let target = Target::start(&[]).await;
    let mut chat = target.connect("/api/chat").await.unwrap();
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
