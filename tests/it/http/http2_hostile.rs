//! HTTP/2 servers that break the rules, written frame by frame.

use super::http2::{Stream, check_phases, h2_dialer, h2_server, https};
use super::*;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200`, in HPACK's static table.
const STATUS_200: &[u8] = &[0x88];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn go_away(last_stream: u32, reason: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last_stream.to_be_bytes(), reason.to_be_bytes()].concat())
}

/// Reads the preface and frames up to the request's, which has no body; says SETTINGS before.
async fn greet(stream: &mut Stream) {
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    stream.read_exact(&mut [0; 24]).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).await.unwrap();
        if head[3] == HEADERS {
            return;
        }
    }
}

/// A server that answers a connection's first request with these frames, and then only listens.
async fn saying(frames: Vec<u8>) -> (SocketAddr, TlsOptions) {
    h2_server(move |_, mut stream| {
        let frames = frames.clone();
        async move {
            greet(&mut stream).await;
            let _ = stream.write_all(&frames).await;
            while let Ok(1..) = stream.read(&mut [0; 1024]).await {}
        }
    })
    .await
}

/// A server that answers with some frames and then with others without end.
async fn never_ending(first: Vec<u8>, again: Vec<u8>) -> (SocketAddr, TlsOptions) {
    h2_server(move |_, mut stream| {
        let (first, again) = (first.clone(), again.repeat(1 + 10_000 / again.len()));
        async move {
            greet(&mut stream).await;
            stream.write_all(&first).await.unwrap();
            while stream.write_all(&again).await.is_ok() {}
        }
    })
    .await
}

async fn get_from((address, tls): (SocketAddr, TlsOptions), timeout: Duration) -> Exchange {
    let (target, headers) = (https(address), HeaderMap::new());
    let request = Request { timeout, keep_body: true, ..Request::get(&target, &headers) };
    let (exchange, _) = Client::new().exchange(&h2_dialer(&tls), request).await;
    check_phases(&exchange);
    exchange
}

async fn check_code(server: (SocketAddr, TlsOptions), status: u16, code: u16) {
    let exchange = get_from(server, PATIENCE).await;
    assert_eq!((exchange.status, exchange.error.map(ErrorCode::number)), (status, Some(code)));
}

#[tokio::test]
async fn a_goodbye_is_told_by_its_reason() {
    // ENHANCE_YOUR_CALM, and a reason that nobody knows.
    check_code(saying(go_away(0, 0xb)).await, 0, 1622).await;
    check_code(saying(go_away(0, 0xbad)).await, 0, 1610).await;
    // It had begun with the request, and never answered.
    let closing = h2_server(|_, mut stream| async move {
        greet(&mut stream).await;
        stream.write_all(&go_away(1, 0)).await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .await;
    check_code(closing, 0, 1611).await;
}

#[tokio::test]
async fn a_request_that_a_goodbye_left_out_is_repeated_on_a_new_connection() {
    let server = h2_server(|number, mut stream| async move {
        greet(&mut stream).await;
        let said =
            if number == 0 { go_away(0, 0) } else { frame(HEADERS, END_STREAM | END_HEADERS, 1, STATUS_200) };
        stream.write_all(&said).await.unwrap();
        while let Ok(1..) = stream.read(&mut [0; 1024]).await {}
    })
    .await;
    let exchange = get_from(server, PATIENCE).await;
    assert_eq!((exchange.status, exchange.error), (200, None));
}

#[tokio::test]
async fn after_a_goodbye_the_response_is_read_and_the_connection_is_not_used_again() {
    let answer = frame(HEADERS, END_STREAM | END_HEADERS, 1, STATUS_200);
    let (address, tls) = saying([go_away(1, 0), answer].concat()).await;
    let (dialer, target, headers, mut client) =
        (h2_dialer(&tls), https(address), HeaderMap::new(), Client::new());
    for _ in 0..2 {
        let (exchange, _) = client.exchange(&dialer, Request::get(&target, &headers)).await;
        assert_eq!((exchange.status, exchange.error), (200, None));
        assert!(!exchange.phases.connecting.is_zero());
    }
}

#[tokio::test]
async fn a_server_that_breaks_the_rules_is_told_by_the_rule() {
    // A stream that was never opened; more than a frame may hold; data before a head.
    check_code(saying(frame(HEADERS, END_HEADERS, 9, STATUS_200)).await, 0, 1652).await;
    check_code(saying(frame(SETTINGS, 0, 0, &[0; 30_000])).await, 0, 1657).await;
    check_code(saying(frame(DATA, 0, 1, b"early")).await, 0, 1652).await;
    check_code(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await, 0, 1657).await;
}

#[tokio::test]
async fn a_head_without_end_or_above_the_limit_is_refused() {
    let begun = frame(HEADERS, 0, 1, STATUS_200);
    let endless = never_ending(begun, frame(CONTINUATION, 0, 1, &[])).await;
    let exchange = get_from(endless, PATIENCE).await;
    assert_eq!(exchange.error.map(ErrorCode::number), Some(1662));

    // One entry of HPACK's table, named 2,000 times: 8 MB in 6 KiB.
    let mut bomb = STATUS_200.to_vec();
    bomb.extend([0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
    bomb.extend([b'y'; 4000]);
    bomb.extend([0xbe; 2000]);
    let exchange = get_from(saying(frame(HEADERS, END_STREAM | END_HEADERS, 1, &bomb)).await, PATIENCE).await;
    assert!(exchange.error.is_some_and(|code| (1630..1665).contains(&code.number())), "{exchange:?}");
}

#[tokio::test]
async fn a_response_that_never_ends_times_out_in_bounded_memory() {
    let head = frame(HEADERS, END_HEADERS, 1, STATUS_200);
    let informational = frame(HEADERS, END_HEADERS, 1, &[0x48, 3, b'1', b'0', b'3']);
    let short = Duration::from_millis(300);
    // A byte at a time; then what belongs to no response at all.
    for (first, again) in [(head.clone(), frame(DATA, 0, 1, b"x")), (Vec::new(), frame(PING, 0, 0, &[7; 8]))]
    {
        let exchange = get_from(never_ending(first, again).await, short).await;
        assert_eq!(exchange.error, Some(ErrorCode::TIMEOUT));
    }
    let exchange = get_from(never_ending(Vec::new(), informational).await, PATIENCE).await;
    assert_eq!(exchange.error, Some(ErrorCode::MALFORMED_RESPONSE));
    // A body that is kept has its limit; the window is opened again and again.
    let exchange = get_from(never_ending(head, frame(DATA, 0, 1, &[b'x'; 16_000])).await, PATIENCE).await;
    assert_eq!((exchange.status, exchange.error), (200, Some(ErrorCode::RESPONSE_TOO_LARGE)));
}
