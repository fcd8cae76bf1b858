//! Servers that break gRPC's rules over sound HTTP/2: each breach has its code, and costs no memory to speak of.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{calls, once};
use crate::stage::{Ran, Service, run};

/// How one request is answered: head, pieces of the body, and what comes last.
struct Breach {
    head: Response<()>,
    pieces: Vec<Bytes>,
    /// Sent over and over after the pieces.
    endless: Option<Bytes>,
    /// `None`: the stream ends without any.
    trailers: Option<HeaderMap>,
}

fn head(content_type: &'static str) -> Response<()> {
    Response::builder().header("content-type", content_type).body(()).unwrap()
}

fn ok() -> Option<HeaderMap> {
    Some(HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from_static("0"))]))
}

fn sound(pieces: &[&'static [u8]]) -> Breach {
    let pieces = pieces.iter().map(|piece| Bytes::from_static(piece)).collect();
    Breach { head: head("application/grpc+proto"), pieces, endless: None, trailers: ok() }
}

/// Answers each request so, on every connection.
fn server(breach: fn() -> Breach) -> Service {
    Service::start(move |listener, stopped| async move {
        let local = tokio::task::LocalSet::new();
        let accept = async {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::task::spawn_local(async move {
                    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
                    while let Some(Ok((_, respond))) = connection.accept().await {
                        tokio::task::spawn_local(answer(respond, breach()));
                    }
                });
            }
        };
        local
            .run_until(async {
                tokio::select! { () = accept => {}, _ = stopped => {} }
            })
            .await;
    })
}

async fn answer(mut respond: h2::server::SendResponse<Bytes>, breach: Breach) {
    let Breach { head, pieces, endless, trailers } = breach;
    let Ok(mut body) = respond.send_response(head, false) else { return };
    for piece in pieces {
        let _ = body.send_data(piece, false);
    }
    let mut left = Bytes::new();
    while let Some(piece) = &endless {
        if left.is_empty() {
            left = piece.clone();
        }
        body.reserve_capacity(left.len());
        match std::future::poll_fn(|cx| body.poll_capacity(cx)).await {
            Some(Ok(room)) => drop(body.send_data(left.split_to(room.min(left.len())), false)),
            _ => return,
        }
    }
    match trailers {
        Some(trailers) => drop(body.send_trailers(trailers)),
        None => drop(body.send_data(Bytes::new(), true)),
    }
}

fn called(breach: fn() -> Breach, method: &str, more: &str) -> Ran {
    let server = server(breach);
    let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/src/target/grpc");
    let file = if method.starts_with("ai") { "ai" } else { "kernel" };
    let flow = format!(
        "- grpc: {{url: 'grpc://{}', method: {method}, proto: '{proto}/{file}.proto', {more}}}",
        server.address
    );
    run(&once(&flow))
}

fn check(breach: fn() -> Breach, status: &str, error_code: &str) {
    let ran = called(breach, "kernel.v1.Kernel/Execute", "timeout: 30s, checks: {seen: json.text == 'a'}");
    assert_eq!(
        calls(&ran, status, error_code),
        1,
        "{status} {error_code}: {:?}",
        ran.last.0.iter().filter(|it| it.0 == "k6_grpc_reqs_total").collect::<Vec<_>>()
    );
    assert_eq!(ran.count("k6_grpc_req_failed_total", &[("condition", "nonzero")]), 1);
}

#[test]
fn each_breach_has_its_status_and_its_code() {
    // A message of 4 GiB, of which nothing comes.
    check(|| sound(&[&[0, 255, 255, 255, 255, 1]]), "RESOURCE_EXHAUSTED", "1882");
    // A flag that is none, and one for a coding that was not named.
    check(|| sound(&[&[7, 0, 0, 0, 0]]), "INTERNAL", "1880");
    check(|| sound(&[&[1, 0, 0, 0, 1, 0]]), "INTERNAL", "1883");
    // Field 1 is a text: here with a length beyond the message, as a number, and not in UTF-8.
    check(|| sound(&[&[0, 0, 0, 0, 3, 0x0a, 9, b'a']]), "INTERNAL", "1881");
    check(|| sound(&[&[0, 0, 0, 0, 2, 0x08, 1]]), "INTERNAL", "1881");
    check(|| sound(&[&[0, 0, 0, 0, 3, 0x0a, 1, 0xff]]), "INTERNAL", "1881");
    // No message, two, and one that is cut off.
    check(|| sound(&[]), "INTERNAL", "1884");
    check(|| sound(&[&[0; 5], &[0; 5]]), "INTERNAL", "1884");
    check(|| sound(&[&[0, 0, 0, 0, 9, 1]]), "INTERNAL", "1880");
    // No status, one that gRPC does not know, and no gRPC at all.
    check(|| Breach { trailers: None, ..sound(&[&[0; 5]]) }, "INTERNAL", "1880");
    check(
        || Breach {
            trailers: Some(HeaderMap::from_iter([(
                "grpc-status".parse().unwrap(),
                HeaderValue::from_static("77"),
            )])),
            ..sound(&[])
        },
        "UNKNOWN",
        "1862",
    );
    check(|| Breach { head: head("text/html"), ..sound(&[b"<html>"]) }, "UNKNOWN", "1880");
    check(
        || Breach {
            head: Response::builder().status(503).header("content-type", "text/plain").body(()).unwrap(),
            ..sound(&[b"overloaded"])
        },
        "UNAVAILABLE",
        "1503",
    );
}

#[test]
fn a_stream_without_end_ends_at_the_deadline_and_is_not_held() {
    let ran = called(
        || Breach { endless: Some(Bytes::from_static(&[0; 16_000])), ..sound(&[]) },
        "ai.v1.AI/Generate",
        "timeout: 1s",
    );
    assert_eq!(calls(&ran, "DEADLINE_EXCEEDED", "1050"), 1);
    assert!(ran.count("k6_grpc_streams_msgs_received_total", &[]) > 1_000);
}

#[test]
fn a_stream_without_end_that_a_step_reads_ends_at_what_may_be_kept() {
    // `{index: 1}` over and over: some 40 bytes each once they are JSON.
    let ran = called(
        || Breach { endless: Some(Bytes::from([0, 0, 0, 0, 2, 0x08, 1].repeat(2_000))), ..sound(&[]) },
        "ai.v1.AI/Generate",
        "timeout: 60s, checks: {seen: json}",
    );
    assert_eq!(calls(&ran, "RESOURCE_EXHAUSTED", "1805"), 1);
}

/// Takes all that is sent and says nothing but that it speaks HTTP/2; how many pings came.
fn deaf() -> (Service, Arc<AtomicU32>) {
    const PREFACE_BYTES: usize = 24;
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const PING: u8 = 6;
    let pings = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&pings);
    let service = Service::start(move |listener, stopped| async move {
        let accept = async {
            while let Ok((mut stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    stream.write_all(&SETTINGS).await?;
                    stream.read_exact(&mut [0; PREFACE_BYTES]).await?;
                    loop {
                        let mut head = [0; 9];
                        stream.read_exact(&mut head).await?;
                        let [a, b, c, kind, ..] = head;
                        let length = u32::from_be_bytes([0, a, b, c]);
                        stream.read_exact(&mut vec![0; length as usize]).await?;
                        seen.fetch_add(u32::from(kind == PING), SeqCst);
                    }
                    #[expect(unreachable_code, reason = "says what the errors are")]
                    std::io::Result::Ok(())
                });
            }
        };
        tokio::select! { () = accept => {}, _ = stopped => {} }
    });
    (service, pings)
}

#[test]
fn a_server_that_answers_no_ping_is_given_up_long_before_the_deadline() {
    let (server, pings) = deaf();
    let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/src/target/grpc/kernel.proto");
    let pinged = |method: &str, flow: &str| {
        run(&once(&format!(
            "- grpc: {{url: 'grpc://{}', method: {method}, proto: '{proto}', timeout: 100s, keep_alive: 50ms, \
             keep_alive_timeout: 100ms{flow}}}",
            server.address
        )))
    };
    let ran = pinged("kernel.v1.Kernel/Execute", "");
    assert_eq!(calls(&ran, "UNAVAILABLE", "1886"), 1);
    assert_eq!(pings.load(SeqCst), 1);
    // In a flow, too, where nobody waits for a message.
    let ran = pinged("kernel.v1.Kernel/Echo", ", flow: [{send: {json: {}}}, {sleep: 90s}]");
    assert_eq!(calls(&ran, "UNAVAILABLE", "1886"), 1);
    assert_eq!(pings.load(SeqCst), 2);
}
