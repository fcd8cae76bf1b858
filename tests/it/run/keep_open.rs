//! WebSockets that outlive an iteration, paced messages on them, and messages that nobody asked for.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::once;
use crate::stage::{HttpServer, Ran, Service, demo_target, reply, run, websocket_server};

type Socket = WebSocketStream<TcpStream>;

/// Two users, as many iterations as fit into a second.
fn iterating(server: &Service, keep: bool, flow: &str, between: &str) -> Ran {
    let step = format!("- websocket: {{url: '{}/chat', keep_open: {keep}, flow: [{flow}]}}", server.ws());
    // `once` ends with a sleep of a second: here an iteration is as long as `between`.
    let metrics = "metrics: {latency: {type: trend, time: true}, whole: {type: trend, time: true}}";
    run(&once(&step, metrics).replace("- sleep: 1s", between))
}

async fn echo(mut socket: Socket) {
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() && socket.send(message).await.is_err() {
            return;
        }
    }
}

#[test]
fn a_session_that_is_kept_open_serves_all_iterations_of_its_user() {
    let (tell, goodbyes) = std::sync::mpsc::channel();
    let server = websocket_server(move |mut socket: Socket| {
        let tell = tell.clone();
        async move {
            while let Some(Ok(message)) = socket.next().await {
                match message {
                    Message::Text(text) => socket.send(Message::Text(text)).await.unwrap(),
                    Message::Close(Some(frame)) => tell.send(u16::from(frame.code)).unwrap(),
                    _ => {}
                }
            }
        }
    });
    let ran = iterating(&server, true, "{send: {text: hi}}, {receive: {timeout: 1m}}", "- sleep: 50ms");
    let [iterations, sessions, received] =
        ["k6_iterations_total", "k6_ws_sessions_total", "k6_ws_msgs_received_total"]
            .map(|name| ran.count(name, &[]));
    assert_eq!((sessions, received), (2, iterations), "{}", ran.notes());
    assert!(iterations > 2, "only {iterations} iterations");
    assert_eq!(ran.last.sum("k6_ws_connected", &[]), Some(0.0));
    assert_eq!(ran.count("k6_ws_session_duration_seconds_count", &[]), 2);
    assert!(ran.last.sum("k6_ws_session_duration_min", &[]).unwrap() > 0.5, "as long as its user iterates");
    assert_eq!(ran.count("k6_ws_connection_errors_total", &[]), 0);
    // The server may read it after the run has ended.
    let told = || goodbyes.recv_timeout(Duration::from_secs(60)).ok();
    assert_eq!([told(), told()], [Some(1001); 2], "the server is told that the user goes away");
}

#[test]
fn pings_are_answered_between_iterations_and_while_other_steps_wait() {
    let slow = HttpServer::start(|_| async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        reply(200, "")
    });
    // A client that does not answer leaves the server waiting, and the message never comes.
    let server = websocket_server(async |mut socket: Socket| {
        for number in 0..3 {
            if socket.send(Message::Ping(vec![number].into())).await.is_err() {
                return;
            }
            match socket.next().await {
                Some(Ok(Message::Pong(payload))) => assert_eq!(payload.as_ref(), [number]),
                _ => return,
            }
        }
        let _ = socket.send(Message::text("three pongs")).await;
        echo(socket).await;
    });
    let http = format!("{{http: {{url: '{}/'}}}}", slow.url());
    let receive = "{receive: {timeout: 1m, checks: {all: body == 'three pongs'}}}";
    // While an `http` step waits inside the flow …
    let ran = iterating(&server, false, &format!("{http}, {receive}"), "- sleep: 2s");
    assert_eq!((ran.check("all"), ran.count("k6_http_reqs_total", &[])), ((2, 0), 2), "{}", ran.notes());
    // … and while nothing uses the session: it was answered before the second iteration received it.
    let second = format!("{{if: {{when: iteration == 1, then: [{receive}]}}}}");
    let ran = iterating(&server, true, &second, "- sleep: 600ms");
    assert_eq!((ran.check("all"), ran.count("k6_ws_sessions_total", &[])), ((2, 0), 2), "{}", ran.notes());
}

#[test]
fn a_kept_session_that_the_server_closes_is_counted_and_opened_again() {
    let server = websocket_server(async |mut socket: Socket| {
        if let Some(Ok(message)) = socket.next().await {
            socket.send(message).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            let _ = socket.close(None).await;
            while let Some(Ok(_)) = socket.next().await {}
        }
    });
    let ran = iterating(&server, true, "{send: {text: hi}}, {receive: {timeout: 1m}}", "- sleep: 150ms");
    let [iterations, sessions, lost] =
        ["k6_iterations_total", "k6_ws_sessions_total", "k6_ws_connection_errors_total"]
            .map(|name| ran.count(name, &[]));
    assert!(iterations > 2 && sessions == iterations, "{sessions} sessions, {iterations} iterations");
    // The last two may have ended with their users before the server closed them.
    assert!((sessions - 2..=sessions).contains(&lost), "{lost} of {sessions} lost");
    assert_eq!(ran.last.sum("k6_ws_connected", &[]), Some(0.0));
    assert_eq!(ran.last.sum("k6_ws_receive_failed_rate", &[]), Some(0.0));
}

#[test]
fn paced_messages_are_all_sent_and_timed_from_when_they_were_due() {
    let server = websocket_server(echo);
    let ran = iterating(
        &server,
        false,
        "{repeat: {every: 10ms, for: 1s, flow: [{send: {text: hi}}, {receive: {timeout: 1m, record: whole}}]}}",
        "- sleep: 2s",
    );
    let [sent, received] =
        ["k6_ws_msgs_sent_total", "k6_ws_msgs_received_total"].map(|name| ran.count(name, &[]));
    assert_eq!([sent, received], [200, 200]);
    assert_eq!(ran.count("k6_round_lag_seconds_count", &[]), 200);
    // The server falls behind: the tenth echo comes 200 ms after its message was due.
    let server = websocket_server(async |mut socket: Socket| {
        while let Some(Ok(message)) = socket.next().await {
            tokio::time::sleep(Duration::from_millis(30)).await;
            if message.is_text() && socket.send(message).await.is_err() {
                return;
            }
        }
    });
    let ran = iterating(
        &server,
        false,
        "{repeat: {every: 10ms, times: 10, flow: [{send: {text: hi}}, {receive: {timeout: 1m, record: whole}}]}}",
        "- sleep: 2s",
    );
    let longest = |name: &str| ran.last.sum(&format!("k6_{name}_max"), &[]).unwrap();
    assert!(longest("whole") >= 0.2 && longest("ws_first_message") >= 0.2, "{}", longest("whole"));
}

#[test]
fn each_message_that_comes_is_listened_to() {
    let server = websocket_server(async |mut socket: Socket| {
        let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        socket.send(Message::text("{\"type\":\"hello\"}")).await.unwrap();
        // The fourth comes twice, the sixth not at all.
        for seq in [1, 2, 3, 4, 4, 5, 7] {
            let event = format!("{{\"type\":\"event\",\"seq\":{seq},\"sent_ms\":{}}}", now());
            socket.send(Message::text(event)).await.unwrap();
        }
        socket.send(Message::text("{\"type\":\"end\"}")).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    });
    let ran = iterating(
        &server,
        false,
        // What came while nobody listened is timed from when it came all the same.
        "{set: {last: '0'}}, {sleep: 300ms}, \
         {listen: {for: 1m, when: json.type == 'event', until: json.type == 'end', \
           checks: {in order: json.seq == last + 1}, record: {latency: received_ms - json.sent_ms}, \
           capture: {last: json.seq}}}, \
         {check: {all: last == 7}}, {listen: {for: 50ms, checks: {none: false}}}",
        "- sleep: 2s",
    );
    assert_eq!((ran.check("in order"), ran.check("all")), ((2 * 5, 2 * 2), (2, 0)), "{}", ran.notes());
    assert_eq!(ran.check("none"), (0, 0));
    assert_eq!(ran.count("k6_ws_msgs_received_total", &[]), 2 * 9);
    assert_eq!(ran.count("k6_latency_seconds_count", &[]), 2 * 7);
    let latest = ran.last.sum("k6_latency_max", &[]).unwrap();
    assert!(latest < 0.3, "a message waited for is no late message: {latest}");
}

#[test]
fn a_peer_that_closes_says_why_and_leaves_no_time_that_flatters() {
    use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
    let server = websocket_server(async |mut socket: Socket| {
        let frame = CloseFrame { code: CloseCode::Restart, reason: "soon back".into() };
        socket.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    });
    let ran = iterating(
        &server,
        false,
        "{receive: {timeout: 1m, record: whole, checks: {restarts: status == 1012, closed: error == 1821}}}",
        "- sleep: 2s",
    );
    assert_eq!((ran.check("restarts"), ran.check("closed")), ((2, 0), (2, 0)), "{}", ran.notes());
    assert_eq!(ran.count("k6_whole_seconds_count", &[]), 0, "no reply came, and no time is one");
    assert_eq!(ran.last.sum("k6_ws_receive_failed_rate", &[]), Some(1.0));
}

#[test]
fn subscriptions_of_the_demo_target_are_timed_and_their_events_followed_without_a_gap() {
    let target = demo_target(&[]);
    let flow = format!(
        "- websocket:\n    \
             url: '{}/ws'\n    \
             keep_open: true\n    \
             flow:\n      \
               - send: {{json: {{type: subscribe, id: '{{{{ iteration }}}}', filter: {{chains: [ethereum]}}}}}}\n      \
               - receive: {{until: json.type == 'subscribed', timeout: 1m, record: whole, capture: {{mine: json.subscription}}}}\n      \
               - receive: {{until: json.type == 'event', timeout: 1m, capture: {{last: json.seq}}}}\n      \
               - listen: {{for: 300ms, when: json.type == 'event', checks: {{in order: json.seq == last + 1}}, \
                   record: {{latency: received_ms - json.timestamp}}, capture: {{last: json.seq}}}}\n      \
               - send: {{json: {{type: unsubscribe, id: 0, subscription: '{{{{ mine }}}}'}}}}\n      \
               - receive: {{until: json.type == 'unsubscribed', timeout: 1m}}",
        target.ws()
    );
    let metrics = "metrics: {latency: {type: trend, time: true}, whole: {type: trend, time: true}}";
    let ran = run(&once(&flow, metrics).replace("- sleep: 1s", "- sleep: 50ms"));
    let iterations = ran.count("k6_iterations_total", &[]);
    assert!(iterations >= 4, "{iterations} iterations: {}", ran.notes());
    assert_eq!(ran.count("k6_ws_sessions_total", &[]), 2, "{}", ran.notes());
    assert_eq!(ran.count("k6_whole_seconds_count", &[]), iterations);
    let (held, failed) = ran.check("in order");
    assert!(held > 0 && failed == 0, "{held} in order, {failed} not: {}", ran.notes());
    assert_eq!(ran.count("k6_latency_seconds_count", &[]), held);
    assert!(ran.last.sum("k6_latency_min", &[]).unwrap() >= -0.001, "no event comes before it was sent");
    assert_eq!(ran.count("k6_iteration_errors_total", &[]), 0, "{}", ran.notes());
}
