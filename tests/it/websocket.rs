//! WebSocket sessions against a proper server and against servers that break the rules.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as its test does")]

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue};
use loadgate::protocol::Target;
use loadgate::protocol::websocket::{Connection, Handshake, Message, Opening, connect};
use loadgate::sample::ErrorCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message as Frame};
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::http::{dialer, read_head, serve};

const PATIENCE: Duration = Duration::from_secs(30);

async fn opening(address: SocketAddr, timeout: Duration) -> Opening {
    let target = Target::parse(&format!("ws://{address}/chat")).unwrap();
    let headers = HeaderMap::new();
    let handshake = Handshake { target: &target, headers: &headers, subprotocols: &[], timeout, due: None };
    connect(&dialer(), handshake).await
}

async fn open(address: SocketAddr) -> Connection {
    let opening = opening(address, PATIENCE).await;
    assert_eq!((opening.exchange.status, opening.exchange.error), (101, None));
    opening.connection.ok().unwrap()
}

fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

/// Serves one session by `handler`.
async fn session<F, Done>(handler: F) -> SocketAddr
where
    F: FnOnce(WebSocketStream<TcpStream>) -> Done + Send + 'static,
    Done: Future<Output = ()> + Send + 'static,
{
    let handler = Mutex::new(Some(handler));
    serve(move |_, stream| {
        let handler = handler.lock().unwrap().take();
        async move {
            if let (Some(handler), Ok(socket)) = (handler, accept_async(stream).await) {
                handler(socket).await;
            }
        }
    })
    .await
}

/// Does the handshake by hand and sends `early` in the same packet as the 101, then reads to the end.
async fn raw_session(early: Vec<u8>) -> SocketAddr {
    serve(move |_, mut stream| {
        let early = early.clone();
        async move {
            let accept = accept_key(&read_head(&mut stream).await);
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: keep-alive, Upgrade\r\n\
                 sec-websocket-accept: {accept}\r\n\r\n"
            );
            stream.write_all(&[head.as_bytes(), &early].concat()).await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
    })
    .await
}

fn accept_key(head: &str) -> String {
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
    derive_accept_key(key.as_bytes())
}

/// A server's frame: not masked, one byte of length.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, u8::try_from(payload.len()).unwrap()], payload].concat()
}

#[tokio::test]
async fn messages_go_both_ways_with_the_time_they_came_in() {
    let address = session(|mut socket| async move {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() || message.is_binary() {
                socket.send(message).await.unwrap();
            }
        }
    })
    .await;
    let opening = opening(address, PATIENCE).await;
    assert_eq!((opening.exchange.status, opening.exchange.error), (101, None));
    assert!(!opening.exchange.phases.connecting.is_zero() && !opening.exchange.phases.waiting.is_zero());
    assert_eq!(opening.headers["upgrade"], "websocket");
    assert!(opening.exchange.bytes_sent > 0 && opening.exchange.bytes_received > 0);
    let mut connection = opening.connection.ok().unwrap();
    assert_eq!((connection.bytes_sent(), connection.bytes_received()), (0, 0));

    connection.send_text("hello").await.unwrap();
    let first = connection.next(deadline()).await.unwrap();
    connection.send_binary(Bytes::from_static(b"\0\x01")).await.unwrap();
    let second = connection.next(deadline()).await.unwrap();
    assert_eq!(first.message, Message::Text("hello".into()));
    assert_eq!(second.message, Message::Binary(Bytes::from_static(b"\0\x01")));
    assert!(second.at > first.at && first.at > opening.exchange.finished);
    // 2 bytes of header, and 4 of mask on ours.
    assert_eq!((connection.bytes_sent(), connection.bytes_received()), (11 + 8, 7 + 4));
    assert_eq!(connection.close(1000, "bye", PATIENCE).await, Ok(()));
}

#[tokio::test]
async fn a_message_in_the_same_packet_as_the_handshake_is_not_lost() {
    let mut connection = open(raw_session(frame(0x81, b"early")).await).await;
    assert_eq!(connection.next(deadline()).await.unwrap().message, Message::Text("early".into()));
}

async fn check_refused(response: &str, status: u16, code: ErrorCode) {
    let response = response.to_owned();
    let address = serve(move |_, mut stream| {
        let response = response.clone();
        async move {
            let accept = accept_key(&read_head(&mut stream).await);
            let response = response.replace("ACCEPT", &accept);
            let _ = stream.write_all(response.as_bytes()).await;
        }
    })
    .await;
    let opening = opening(address, PATIENCE).await;
    assert_eq!((opening.exchange.status, opening.exchange.error), (status, Some(code)), "{status}");
    assert_eq!(opening.connection.err(), Some(code));
    assert!(status == 0 || opening.headers.contains_key("x-why"));
}

#[tokio::test]
async fn each_refused_handshake_says_why() {
    let upgrade = "HTTP/1.1 101 Switching Protocols\r\nx-why: test\r\nconnection: upgrade\r\n";
    for (response, status, code) in [
        ("HTTP/1.1 403 Forbidden\r\nx-why: test\r\n\r\n", 403, ErrorCode::from_status(403).unwrap()),
        ("HTTP/1.1 503 Busy\r\nx-why: test\r\n\r\n", 503, ErrorCode::from_status(503).unwrap()),
        ("HTTP/1.1 200 OK\r\nx-why: test\r\ncontent-length: 5\r\n\r\n", 200, ErrorCode::UPGRADE_REFUSED),
        ("HTTP/1.1 302 Found\r\nx-why: test\r\n\r\n", 302, ErrorCode::UPGRADE_REFUSED),
        (
            &format!("{upgrade}upgrade: websocket\r\nsec-websocket-accept: AAAA\r\n\r\n"),
            101,
            ErrorCode::UPGRADE_MALFORMED,
        ),
        (&format!("{upgrade}upgrade: websocket\r\n\r\n"), 101, ErrorCode::UPGRADE_MALFORMED),
        (&format!("{upgrade}sec-websocket-accept: ACCEPT\r\n\r\n"), 101, ErrorCode::UPGRADE_MALFORMED),
        (
            &format!(
                "{upgrade}upgrade: websocket\r\nsec-websocket-accept: ACCEPT\r\nsec-websocket-protocol: x\r\n\r\n"
            ),
            101,
            ErrorCode::UPGRADE_MALFORMED,
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, ErrorCode::MALFORMED_RESPONSE),
        ("", 0, ErrorCode::INCOMPLETE_RESPONSE),
    ] {
        check_refused(response, status, code).await;
    }
}

#[tokio::test]
async fn a_handshake_nobody_answers_fails_with_its_cause() {
    let silent = serve(|_, mut stream| async move { while stream.read_u8().await.is_ok() {} }).await;
    let opening_silent = opening(silent, Duration::from_millis(50)).await;
    assert_eq!(opening_silent.exchange.error, Some(ErrorCode::TIMEOUT));
    assert_eq!(opening_silent.connection.err(), Some(ErrorCode::TIMEOUT));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(opening(nobody, PATIENCE).await.exchange.error, Some(ErrorCode::CONNECTION_REFUSED));
}

#[tokio::test]
async fn an_offered_subprotocol_may_be_chosen() {
    let address = serve(|_, mut stream| async move {
        let head = read_head(&mut stream).await;
        assert!(
            head.contains("sec-websocket-protocol: chat.v2\r\nsec-websocket-protocol: chat.v1\r\n"),
            "{head}"
        );
        assert!(head.contains("authorization: Bearer x\r\n"), "{head}");
        let accept = accept_key(&head);
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: {accept}\r\nsec-websocket-protocol: chat.v1\r\n\r\n"
        );
        stream.write_all(response.as_bytes()).await.unwrap();
        let _ = stream.read_u8().await;
    })
    .await;
    let target = Target::parse(&format!("ws://user:secret@{address}/")).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static("Bearer x"));
    let subprotocols = [HeaderValue::from_static("chat.v2"), HeaderValue::from_static("chat.v1")];
    let handshake = Handshake {
        target: &target,
        headers: &headers,
        subprotocols: &subprotocols,
        timeout: PATIENCE,
        due: None,
    };
    let opening = connect(&dialer(), handshake).await;
    assert_eq!(
        (opening.exchange.error, &opening.headers["sec-websocket-protocol"]),
        (None, &HeaderValue::from_static("chat.v1"))
    );
}

#[tokio::test]
async fn a_ping_is_answered_while_the_session_is_idle_and_messages_keep_their_time() {
    let (done, ponged) = oneshot::channel();
    let address = session(|mut socket| async move {
        socket.send(Frame::text("while idle")).await.unwrap();
        socket.send(Frame::Ping(Bytes::from_static(b"there?"))).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Frame::Pong(Bytes::from_static(b"there?")));
        done.send(()).unwrap();
        let _ = socket.next().await;
    })
    .await;
    let mut connection = open(address).await;
    tokio::select! {
        () = connection.idle(deadline()) => panic!("no pong was sent"),
        result = ponged => result.unwrap(),
    }
    let idle_until = Instant::now() + Duration::from_millis(20);
    connection.idle(idle_until).await;
    assert!(Instant::now() >= idle_until);
    let first = connection.next(deadline()).await.unwrap();
    assert_eq!(first.message, Message::Text("while idle".into()));
    connection.send_text("next").await.unwrap();
    assert_eq!(connection.discarded(), 0);
}

#[tokio::test]
async fn an_inbox_that_overflows_keeps_the_newest_and_counts_the_rest() {
    let (done, ponged) = oneshot::channel();
    let address = session(|mut socket| async move {
        for number in 0..300 {
            socket.send(Frame::text(number.to_string())).await.unwrap();
        }
        socket.send(Frame::Ping(Bytes::new())).await.unwrap();
        socket.next().await.unwrap().unwrap();
        done.send(()).unwrap();
        let _ = socket.next().await;
    })
    .await;
    let mut connection = open(address).await;
    tokio::select! {
        () = connection.idle(deadline()) => panic!("no pong was sent"),
        result = ponged => result.unwrap(),
    }
    assert_eq!(connection.discarded(), 44);
    for number in 44..300_u32 {
        let incoming = connection.next(deadline()).await.unwrap();
        assert_eq!(incoming.message, Message::Text(number.to_string().into()));
    }
}

#[tokio::test]
async fn a_ping_of_ours_is_timed_and_messages_before_its_pong_are_kept() {
    let address = session(|mut socket| async move {
        let Some(Ok(Frame::Ping(_))) = socket.next().await else { panic!("no ping") };
        // The pong goes out with the next write, after these.
        socket.send(Frame::Pong(Bytes::from_static(b"unasked"))).await.unwrap();
        socket.send(Frame::text("first")).await.unwrap();
        let Some(Ok(Frame::Ping(_))) = socket.next().await else { panic!("no ping") };
        let _ = socket.next().await;
    })
    .await;
    let mut connection = open(address).await;
    // tungstenite's server lets a pong of one's own replace the automatic one.
    assert_eq!(connection.ping(Duration::from_millis(100)).await, Err(ErrorCode::TIMEOUT));
    assert!(connection.ping(PATIENCE).await.unwrap() > Duration::ZERO);
    assert_eq!(connection.next(deadline()).await.unwrap().message, Message::Text("first".into()));
}

#[tokio::test]
async fn a_receive_that_times_out_leaves_the_session_open() {
    let address = session(|mut socket| async move {
        socket.next().await.unwrap().unwrap();
        socket.send(Frame::text("answer")).await.unwrap();
        let _ = socket.next().await;
    })
    .await;
    let mut connection = open(address).await;
    let soon = Instant::now() + Duration::from_millis(20);
    assert_eq!(connection.next(soon).await.err(), Some(ErrorCode::TIMEOUT));
    connection.send_text("question").await.unwrap();
    assert_eq!(connection.next(deadline()).await.unwrap().message, Message::Text("answer".into()));
}

#[tokio::test]
async fn a_close_of_the_server_ends_the_session_with_its_code() {
    let address = session(|mut socket| async move {
        socket.send(Frame::text("last")).await.unwrap();
        let frame = CloseFrame { code: 4001.into(), reason: "enough".into() };
        socket.send(Frame::Close(Some(frame))).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let mut connection = open(address).await;
    assert_eq!(connection.next(deadline()).await.unwrap().message, Message::Text("last".into()));
    for _ in 0..2 {
        assert_eq!(connection.next(deadline()).await.err(), Some(ErrorCode::WEBSOCKET_CLOSED));
    }
    assert_eq!(connection.close_code(), Some(4001));
    assert_eq!(connection.send_text("too late").await, Err(ErrorCode::WEBSOCKET_CLOSED));
    assert_eq!(connection.ping(PATIENCE).await, Err(ErrorCode::WEBSOCKET_CLOSED));
    assert_eq!(connection.close(1000, "", PATIENCE).await, Ok(()));
}

#[tokio::test]
async fn a_close_of_ours_carries_code_and_reason_and_waits_for_the_answer() {
    let (done, closed) = oneshot::channel();
    let address = session(|mut socket| async move {
        socket.send(Frame::text("still coming")).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            if let Frame::Close(frame) = message {
                done.send(frame).unwrap();
                return;
            }
        }
    })
    .await;
    let mut connection = open(address).await;
    let reason = "ä".repeat(100);
    let answered = connection.close(4002, &reason, PATIENCE).await;
    let frame = closed.await.unwrap().unwrap();
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (4002, "ä".repeat(61).as_str()));
    // The server above goes without waiting; whether its answer got out first is up to it.
    assert!(matches!(answered, Ok(()) | Err(ErrorCode::WEBSOCKET_CLOSED)), "{answered:?}");
}

#[tokio::test]
async fn a_close_that_is_not_answered_is_bounded() {
    let mut connection = open(raw_session(Vec::new()).await).await;
    assert_eq!(connection.close(1000, "", Duration::from_millis(50)).await, Err(ErrorCode::TIMEOUT));
}

#[tokio::test]
async fn a_connection_that_just_ends_is_closed_without_a_code() {
    let address = session(|mut socket| async move {
        let _ = socket.get_mut().shutdown().await;
    })
    .await;
    let mut connection = open(address).await;
    // It is noticed while idle, and told by what comes after.
    connection.idle(Instant::now() + Duration::from_millis(20)).await;
    assert_eq!(connection.next(deadline()).await.err(), Some(ErrorCode::WEBSOCKET_CLOSED));
    assert_eq!(connection.close_code(), None);
    assert_eq!(connection.close(1000, "", PATIENCE).await, Err(ErrorCode::WEBSOCKET_CLOSED));
}

#[tokio::test]
async fn frames_that_break_the_protocol_or_a_limit_end_the_session() {
    let two_mib = [&[0x82, 127][..], &(2_u64 << 20).to_be_bytes()].concat();
    let masked = [&[0x81, 0x80 | 2][..], &[1, 2, 3, 4], &[b'h' ^ 1, b'i' ^ 2]].concat();
    let mut fragments = Vec::new();
    for number in 0..20_u8 {
        let length = 60_000_u16.to_be_bytes();
        fragments.extend([if number == 0 { 0x02 } else { 0x00 }, 126, length[0], length[1]]);
        fragments.extend(vec![0; 60_000]);
    }
    let (large, broken) = (ErrorCode::WEBSOCKET_TOO_LARGE, ErrorCode::WEBSOCKET_PROTOCOL);
    for (name, bytes, code) in [
        ("frame of 2 MiB", two_mib, large),
        ("fragments of more than 1 MiB", fragments, large),
        ("masked frame", masked, broken),
        ("text that is not UTF-8", frame(0x81, &[0xff, 0xfe]), broken),
        ("reserved bit", frame(0xc1, b"x"), broken),
        ("unknown opcode", frame(0x83, b"x"), broken),
        ("continuation of nothing", frame(0x80, b"x"), broken),
        ("fragmented ping", frame(0x09, b"x"), broken),
    ] {
        let mut connection = open(raw_session(bytes).await).await;
        assert_eq!(connection.next(deadline()).await.err(), Some(code), "{name}");
        assert_eq!(connection.next(deadline()).await.err(), Some(code), "{name}");
    }
}

#[tokio::test]
async fn two_peers_that_send_at_once_do_not_wait_for_each_other() {
    const SIZE: usize = 12 << 20;
    let (done, arrived) = oneshot::channel();
    let done = Mutex::new(Some(done));
    let address = serve(move |_, stream| {
        let done = done.lock().unwrap().take().unwrap();
        async move {
            let config = WebSocketConfig::default().max_frame_size(None).max_message_size(None);
            let socket = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await;
            let mut socket = socket.unwrap();
            for _ in 0..SIZE / (64 << 10) {
                socket.send(Frame::binary(vec![0; 64 << 10])).await.unwrap();
            }
            let came: Option<Result<Frame, tungstenite::Error>> = socket.next().await;
            done.send(came.unwrap().unwrap().len()).unwrap();
        }
    })
    .await;
    let mut connection = open(address).await;
    connection.send_binary(vec![1; SIZE]).await.unwrap();
    assert_eq!(arrived.await.unwrap(), SIZE);
    assert_eq!(connection.send_binary(vec![1; 17 << 20]).await, Err(ErrorCode::WEBSOCKET_PROTOCOL));
}
