//! The step `websocket` against servers that stream, stay silent, ping, and leave in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::once;
use crate::stage::{HttpServer, Ran, Service, demo_target, reply, run, websocket_server};

type Socket = WebSocketStream<TcpStream>;

/// One session per user; `steps` in flow style.
fn session(server: &Service, steps: &str, rest: &str) -> Ran {
    let flow = format!("- websocket: {{url: '{}/chat', connect_timeout: 30s, flow: [{steps}]}}", server.ws());
    run(&once(&flow, rest))
}

/// The counters of a run: sessions, connection errors, messages sent and received.
fn counts(ran: &Ran) -> [u64; 4] {
    [
        "k6_ws_sessions_total",
        "k6_ws_connection_errors_total",
        "k6_ws_msgs_sent_total",
        "k6_ws_msgs_received_total",
    ]
    .map(|name| ran.count(name, &[("name", "/chat")]))
}

fn samples_of(ran: &Ran, trend: &str) -> u64 {
    ran.count(&format!("k6_{trend}_seconds_count"), &[])
}

/// Reads until the other side leaves.
async fn until_closed(mut socket: Socket) {
    while let Some(Ok(_)) = socket.next().await {}
}

#[test]
fn a_streamed_reply_has_a_first_message_gaps_and_a_whole() {
    let server = websocket_server(async |mut socket: Socket| {
        while let Some(Ok(Message::Text(_))) = socket.next().await {
            for chunk in 0..4 {
                tokio::time::sleep(Duration::from_millis(30)).await;
                socket.send(Message::text(format!("{{\"type\":\"chunk\",\"n\":{chunk}}}"))).await.unwrap();
            }
            socket.send(Message::text("{\"type\":\"done\",\"of\":4}")).await.unwrap();
        }
    });
    let ran = session(
        &server,
        "{repeat: {times: 2, flow: [{send: {json: {n: '{{ vu }}'}}}, \
          {receive: {until: json.type == 'done', record: whole, capture: {of: json.of}, checks: {last: json.of == 4}}}]}}, \
         {check: {captured: of == 4}}",
        "metrics: {whole: {type: trend, time: true}}",
    );
    assert_eq!(counts(&ran), [2, 0, 4, 20]);
    assert_eq!((ran.check("last"), ran.check("captured")), ((4, 0), (2, 0)), "{}", ran.notes());
    assert_eq!(samples_of(&ran, "ws_first_message"), 4, "one per reply");
    assert_eq!(samples_of(&ran, "ws_message_gap"), 16, "between five messages are four gaps");
    assert_eq!(samples_of(&ran, "whole"), 4);
    let stat = |name: &str| ran.last.sum(name, &[]).unwrap();
    // Lower bounds hold on any machine.
    assert!(stat("k6_ws_first_message_min") >= 0.03 && stat("k6_whole_min") >= 0.12);
    assert!(stat("k6_ws_session_duration_min") >= 0.24);
    assert_eq!(ran.last.sum("k6_ws_receive_failed_rate", &[]), Some(0.0));
    assert_eq!(stat("k6_ws_connected"), 0.0);
}

#[test]
fn a_refused_upgrade_is_counted_by_its_status() {
    let target = demo_target(&["refuse-upgrades=503"]);
    let flow = format!(
        "- websocket: {{url: '{}/api/chat', checks: {{upgraded: status == 101}}, flow: [{{send: {{text: hi}}}}]}}\n\
         - http: {{url: '{}/health'}}",
        target.ws(),
        target.http()
    );
    let ran = run(&once(&flow, ""));
    let name = [("name", "/api/chat"), ("error_code", "1503")];
    assert_eq!(ran.count("k6_ws_connection_errors_total", &name), 2);
    assert_eq!(ran.count("k6_ws_sessions_total", &[]), 2, "as in k6 a failed handshake is a session");
    assert_eq!((ran.check("upgraded"), ran.count("k6_ws_msgs_sent_total", &[])), ((0, 2), 0));
    assert_eq!(ran.count("k6_http_reqs_total", &[("status", "200")]), 2, "the iteration goes on");
    assert_eq!(ran.last.sum("k6_ws_connected", &[]), Some(0.0));
}

#[test]
fn every_failed_handshake_says_why() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = HttpServer::start(|asked| async move {
        match asked.path.as_str() {
            "/ok" => reply(200, "a page"),
            "/missing" => reply(404, ""),
            "/key" => b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                        sec-websocket-accept: bm90IHRoZSBrZXk=\r\n\r\n"
                .to_vec(),
            "/garbage" => b"SSH-2.0\r\n\r\n".to_vec(),
            "/closed" => Vec::new(),
            _ => {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Vec::new()
            }
        }
    });
    let step = |url: String| {
        format!("- websocket: {{url: '{url}', connect_timeout: 300ms, flow: [{{sleep: 1h}}]}}\n")
    };
    let cases = [
        ("/ok", "1810"),
        ("/missing", "1404"),
        ("/key", "1811"),
        ("/garbage", "1800"),
        ("/closed", "1801"),
        ("/silent", "1050"),
    ];
    let steps: String = cases.iter().map(|(path, _)| step(format!("{}{path}", server.ws()))).collect();
    let ran = run(&once(&format!("{steps}{}", step(format!("ws://{nobody}/nobody"))), ""));
    let found: Vec<String> = ran
        .last
        .0
        .iter()
        .filter(|(name, ..)| name == "k6_ws_connection_errors_total")
        .map(|(_, labels, value)| {
            format!("{} {} {value}", labels.value("name").unwrap(), labels.value("error_code").unwrap())
        })
        .collect();
    for (path, code) in cases.into_iter().chain([("/nobody", "1212")]) {
        let expected = [("name", path), ("error_code", code)];
        assert_eq!(ran.count("k6_ws_connection_errors_total", &expected), 2, "{path} {code}: {found:#?}");
    }
}

#[test]
fn a_receive_that_waits_in_vain_times_out_and_ends_the_session() {
    let server = websocket_server(until_closed);
    let ran = session(
        &server,
        "{send: {text: hello}}, {receive: {timeout: 200ms, record: whole, checks: {late: error == 1050}}}, {send: {text: never}}",
        "metrics: {whole: {type: trend, time: true}}",
    );
    assert_eq!(counts(&ran), [2, 0, 2, 0]);
    assert_eq!(ran.last.sum("k6_ws_connection_errors_total", &[]).unwrap_or(0.0), 0.0, "no connection broke");
    assert_eq!(ran.last.sum("k6_ws_receive_failed_rate", &[]), Some(1.0));
    assert_eq!(ran.check("late"), (2, 0), "{}", ran.notes());
    assert!(ran.last.sum("k6_whole_min", &[]).unwrap() >= 0.2, "a failure stays in the percentiles");
    assert_eq!(ran.last.sum("k6_ws_connected", &[]), Some(0.0));
    assert_eq!(ran.count("k6_iterations_total", &[]), 2, "the iteration is complete all the same");
}

#[test]
fn a_server_that_closes_in_the_middle_of_a_reply_is_noticed() {
    for gracefully in [true, false] {
        let server = websocket_server(move |mut socket: Socket| async move {
            socket.next().await.unwrap().unwrap();
            socket.send(Message::text("{\"type\":\"chunk\"}")).await.unwrap();
            if gracefully {
                socket.close(None).await.unwrap();
                until_closed(socket).await;
            }
        });
        let ran = session(
            &server,
            "{send: {text: hello}}, {receive: {until: json.type == 'done', timeout: 1h}}, {send: {text: never}}",
            "",
        );
        assert_eq!(counts(&ran), [2, 2, 2, 2], "gracefully: {gracefully}");
        assert_eq!(
            ran.count("k6_ws_connection_errors_total", &[("error_code", "1821")]),
            2,
            "gracefully: {gracefully}"
        );
        assert_eq!(ran.last.sum("k6_ws_receive_failed_rate", &[]), Some(1.0));
        assert_eq!(samples_of(&ran, "ws_first_message"), 2, "what came is counted");
        assert_eq!(ran.last.sum("k6_ws_connected", &[]), Some(0.0));
    }
}

#[test]
fn pings_of_the_server_are_answered_while_a_user_sleeps() {
    let pongs = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&pongs);
    let server = websocket_server(move |mut socket: Socket| {
        let pongs = Arc::clone(&counted);
        async move {
            for number in 0..3 {
                socket.send(Message::Ping(vec![number].into())).await.unwrap();
                // A client that does not answer leaves the server, and the test, waiting.
                match socket.next().await {
                    Some(Ok(Message::Pong(payload))) => assert_eq!(payload.as_ref(), [number]),
                    other => panic!("expected a pong, got {other:?}"),
                }
                pongs.fetch_add(1, Ordering::SeqCst);
            }
            socket.send(Message::text("three pongs")).await.unwrap();
            until_closed(socket).await;
        }
    });
    let ran = session(
        &server,
        "{sleep: 500ms}, {receive: {timeout: 1m, checks: {all: body == 'three pongs'}}}",
        "",
    );
    assert_eq!(pongs.load(Ordering::SeqCst), 6);
    assert_eq!((ran.check("all"), counts(&ran)), ((2, 0), [2, 0, 0, 2]));
}

#[test]
fn our_own_pings_are_timed() {
    let server = websocket_server(until_closed);
    let ran = session(&server, "{ping: {timeout: 1m}}, {ping: {}}, {close: {code: 3001, reason: done}}", "");
    assert_eq!((samples_of(&ran, "ws_ping"), counts(&ran)), (4, [2, 0, 0, 0]));
    assert_eq!(ran.last.sum("k6_ws_connected", &[]), Some(0.0));
}

#[test]
fn the_server_sees_a_proper_close_at_the_end_of_the_flow() {
    let closes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&closes);
    let server = websocket_server(move |mut socket: Socket| {
        let closes = Arc::clone(&counted);
        async move {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Close(Some(frame)) = message {
                    closes.fetch_add(u64::from(u16::from(frame.code)), Ordering::SeqCst);
                }
            }
        }
    });
    let ran = session(&server, "{send: {text: hello}}", "");
    assert_eq!(counts(&ran), [2, 0, 2, 0]);
    drop(server);
    assert_eq!(closes.load(Ordering::SeqCst), 2 * 1000);
}

#[test]
fn a_session_that_the_end_of_the_run_cuts_off_is_no_longer_open() {
    let server = websocket_server(until_closed);
    let flow = format!("- websocket: {{url: '{}/chat', flow: [{{sleep: 1h}}]}}", server.ws());
    let ran = run(&once(&flow, "").replace("graceful_stop: 60s", "graceful_stop: 0s"));
    assert_eq!(ran.last.sum("k6_ws_connected", &[]), Some(0.0));
    assert_eq!(samples_of(&ran, "ws_session_duration"), 2);
    assert_eq!(ran.count("k6_interrupted_iterations_total", &[]), 2);
}

#[test]
fn frames_that_break_the_protocol_are_counted_as_such() {
    let server = websocket_server(async |mut socket: Socket| {
        use tokio::io::AsyncWriteExt as _;
        socket.next().await.unwrap().unwrap();
        // A reserved opcode.
        socket.get_mut().write_all(&[0x83, 0x00]).await.unwrap();
        until_closed(socket).await;
    });
    let ran = session(&server, "{send: {text: hello}}, {receive: {timeout: 1m}}", "");
    assert_eq!(ran.count("k6_ws_connection_errors_total", &[("error_code", "1820")]), 2);
}

#[test]
fn messages_that_nobody_receives_are_kept_up_to_a_limit_and_counted_beyond() {
    let server = websocket_server(async |mut socket: Socket| {
        for _ in 0..300 {
            socket.feed(Message::text("x")).await.unwrap();
        }
        socket.flush().await.unwrap();
        socket.send(Message::Ping(vec![1].into())).await.unwrap();
        until_closed(socket).await;
    });
    // The inbox holds 256. A pong to our ping says that all the others have come in.
    let ran = session(&server, "{ping: {timeout: 1m}}, {sleep: 300ms}, {receive: {timeout: 1m}}", "");
    assert_eq!(ran.count("k6_ws_msgs_discarded_total", &[]), 2 * 44);
}
