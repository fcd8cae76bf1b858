//! HTTP/2 with servers that offer it, made by h2 itself.

use std::sync::Mutex;

use h2::server::{Connection, SendResponse};
use http::{Response, StatusCode, Version};
use tokio_rustls::server::TlsStream;

use super::tls::Identity;
use super::*;

pub(super) type Stream = TlsStream<TcpStream>;
type Exchanged = (http::Request<h2::RecvStream>, SendResponse<Bytes>);

/// A server whose TLS agrees on HTTP/2; each connection is served by `handler`, which is told how many came
/// before.
pub(super) async fn h2_server<F, Done>(handler: F) -> (SocketAddr, TlsOptions)
where
    F: Fn(usize, Stream) -> Done + Clone + Send + 'static,
    Done: Future<Output = ()> + Send + 'static,
{
    let identity = Identity::made_for("localhost", false);
    let acceptor = identity.acceptor(&["h2", "http/1.1"]);
    let address = serve(move |number, stream| {
        let (acceptor, handler) = (acceptor.clone(), handler.clone());
        async move {
            let stream = acceptor.accept(stream).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            handler(number, stream).await;
        }
    })
    .await;
    (address, identity.trusted())
}

/// As [`h2_server`]; each request is served by `answer`, which is told how many requests came before it on
/// its connection. It says whether the connection goes on.
async fn answering_h2<F, Done>(answer: F) -> (SocketAddr, TlsOptions)
where
    F: Fn(usize, Exchanged) -> Done + Clone + Send + Sync + 'static,
    Done: Future<Output = bool> + Send + 'static,
{
    h2_server(move |_, stream| {
        let answer = answer.clone();
        async move {
            let mut connection: Connection<Stream, Bytes> = h2::server::handshake(stream).await.unwrap();
            let mut requests = 0;
            while let Some(Ok(exchanged)) = connection.accept().await {
                let answered = tokio::spawn(answer(requests, exchanged));
                requests += 1;
                // The connection must be driven while its request is answered.
                tokio::select! {
                    goes_on = answered => if !goes_on.unwrap() { return },
                    _over = std::future::poll_fn(|cx| connection.poll_closed(cx)) => return,
                }
            }
        }
    })
    .await
}

pub(super) fn h2_dialer(tls: &TlsOptions) -> Dialer {
    Dialer::new(Arc::new(settings(tls)), Clock::start())
}

pub(super) fn https(address: SocketAddr) -> Target {
    Target::parse(&format!("https://localhost:{}/path?x=1", address.port())).unwrap()
}

fn respond(mut to: SendResponse<Bytes>, status: StatusCode, body: &'static [u8]) {
    let response = Response::builder().status(status).header("x-a", "1").body(()).unwrap();
    let mut stream = to.send_response(response, body.is_empty()).unwrap();
    if !body.is_empty() {
        stream.send_data(Bytes::from_static(body), true).unwrap();
    }
}

pub(super) fn check_phases(exchange: &Exchange) {
    let whole = exchange.finished.since(exchange.started);
    assert_eq!(whole, exchange.phases.blocked + exchange.phases.duration());
}

#[tokio::test]
async fn requests_share_one_connection_whose_phases_are_reported_once() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let (address, tls) = answering_h2(move |_, (request, to)| {
        let headers: Vec<String> = request.headers().keys().map(ToString::to_string).collect();
        log.lock().unwrap().push((request.version(), request.uri().to_string(), headers));
        async move {
            respond(to, StatusCode::OK, b"hello");
            true
        }
    })
    .await;
    let (dialer, target, mut client) = (h2_dialer(&tls), https(address), Client::new());
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("*/*"));
    headers.insert("connection", HeaderValue::from_static("keep-alive"));
    let request = || Request {
        keep_body: true,
        keep_headers: true,
        timeout: PATIENCE,
        ..Request::get(&target, &headers)
    };
    let (first, reply) = client.exchange(&dialer, request()).await;
    let (second, _) = client.exchange(&dialer, request()).await;

    assert_eq!((first.status, first.error, &reply.body[..]), (200, None, &b"hello"[..]));
    assert_eq!(reply.headers["x-a"], "1");
    assert_eq!((second.status, second.error), (200, None));
    assert!(!first.phases.connecting.is_zero() && !first.phases.tls_handshaking.is_zero());
    assert!(second.phases.blocked.is_zero() && second.phases.tls_handshaking.is_zero());
    for exchange in [first, second] {
        check_phases(&exchange);
        assert!(!exchange.phases.sending.is_zero() && !exchange.phases.waiting.is_zero());
        assert!(exchange.bytes_sent > 0 && exchange.bytes_received > 5);
    }
    assert!(second.bytes_received < first.bytes_received && second.bytes_sent < first.bytes_sent);
    let uri = format!("https://localhost:{}/path?x=1", address.port());
    let asked = (Version::HTTP_2, uri, vec!["accept".to_owned()]);
    assert_eq!(*seen.lock().unwrap(), [asked.clone(), asked]);
}

#[tokio::test]
async fn large_bodies_go_both_ways() {
    let (address, tls) = answering_h2(|_, (request, mut to)| async move {
        let mut body = request.into_body();
        let mut stream = to.send_response(Response::new(()), false).unwrap();
        while let Some(piece) = body.data().await {
            let piece = piece.unwrap();
            body.flow_control().release_capacity(piece.len()).unwrap();
            stream.send_data(piece, false).unwrap();
        }
        stream.send_data(Bytes::new(), true).unwrap();
        true
    })
    .await;
    let (dialer, target, headers, mut client) =
        (h2_dialer(&tls), https(address), HeaderMap::new(), Client::new());
    let body: Vec<u8> = (0..6 << 20).map(|byte: u32| (byte % 251) as u8).collect();
    for _ in 0..2 {
        let request = Request {
            method: &Method::POST,
            body: body.clone().into(),
            keep_body: true,
            timeout: PATIENCE,
            ..Request::get(&target, &headers)
        };
        let (exchange, reply) = client.exchange(&dialer, request).await;
        assert_eq!((exchange.status, exchange.error), (200, None));
        assert!(reply.body == body);
        check_phases(&exchange);
    }
}

#[tokio::test]
async fn http2_is_spoken_only_if_both_sides_offer_it() {
    let identity = Identity::made_for("localhost", false);
    for (offered, http2, spoken) in [
        (&["h2", "http/1.1"][..], true, Some("h2")),
        (&["h2", "http/1.1"][..], false, Some("http/1.1")),
        (&["http/1.1"][..], true, Some("http/1.1")),
        (&[][..], true, None),
    ] {
        let acceptor = identity.acceptor(offered);
        let (sent, received) = oneshot::channel();
        let sent = Mutex::new(Some(sent));
        let address = serve(move |_, stream| {
            let (acceptor, sent) = (acceptor.clone(), sent.lock().unwrap().take());
            async move {
                let stream = acceptor.accept(stream).await.unwrap();
                sent.unwrap().send(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)).unwrap();
            }
        })
        .await;
        let tls = TlsOptions { http2, ..identity.trusted() };
        let (target, headers) = (https(address), HeaderMap::new());
        Client::new().exchange(&h2_dialer(&tls), Request::get(&target, &headers)).await;
        assert_eq!(received.await.unwrap().as_deref(), spoken.map(str::as_bytes), "{offered:?} {http2}");
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_fails_its_request_and_not_its_connection() {
    let (address, tls) = answering_h2(|number, (_, mut to)| async move {
        match number {
            0 => to.send_reset(h2::Reason::INTERNAL_ERROR),
            1 => {
                let mut stream = to.send_response(Response::new(()), false).unwrap();
                stream.send_reset(h2::Reason::CANCEL);
            }
            _ => respond(to, StatusCode::SERVICE_UNAVAILABLE, b""),
        }
        true
    })
    .await;
    let (dialer, target, headers, mut client) =
        (h2_dialer(&tls), https(address), HeaderMap::new(), Client::new());
    for (at, code) in [1633, 1639, 1503].into_iter().enumerate() {
        let (exchange, _) = client.exchange(&dialer, Request::get(&target, &headers)).await;
        assert_eq!(exchange.error.map(ErrorCode::number), Some(code));
        assert_eq!(exchange.phases.connecting.is_zero(), at > 0, "{code}");
        check_phases(&exchange);
    }
}

#[tokio::test]
async fn a_refused_stream_is_repeated_at_once_on_the_same_connection_and_then_with_pauses() {
    let (address, tls) = answering_h2(|number, (_, mut to)| async move {
        match number {
            1 => respond(to, StatusCode::OK, b"hello"),
            _ => to.send_reset(h2::Reason::REFUSED_STREAM),
        }
        true
    })
    .await;
    let (dialer, target, headers, mut client) =
        (h2_dialer(&tls), https(address), HeaderMap::new(), Client::new());
    let post = || Request {
        method: &Method::POST,
        body: Bytes::from_static(b"order"),
        ..Request::get(&target, &headers)
    };
    let (exchange, _) = client.exchange(&dialer, post()).await;
    assert_eq!((exchange.status, exchange.error), (200, None));
    check_phases(&exchange);
    let (exchange, _) =
        client.exchange(&dialer, Request { timeout: Duration::from_millis(100), ..post() }).await;
    assert_eq!((exchange.status, exchange.error), (0, Some(ErrorCode::TIMEOUT)));
    check_phases(&exchange);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let (address, tls) = h2_server(move |number, stream| {
        count.store(number + 1, Ordering::SeqCst);
        async move {
            let mut connection: Connection<Stream, Bytes> = h2::server::handshake(stream).await.unwrap();
            let (_, to) = connection.accept().await.unwrap().unwrap();
            respond(to, StatusCode::OK, b"hello");
            // Says goodbye once the response is out, and closes.
            connection.graceful_shutdown();
            assert!(connection.accept().await.is_none());
        }
    })
    .await;
    let (dialer, target, headers, mut client) =
        (h2_dialer(&tls), https(address), HeaderMap::new(), Client::new());
    for number in 1..=3 {
        let (exchange, _) = client.exchange(&dialer, Request::get(&target, &headers)).await;
        assert_eq!((exchange.status, exchange.error), (200, None));
        assert_eq!(connections.load(Ordering::SeqCst), number);
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_times_out_and_is_not_asked_on_that_connection_again() {
    let (address, tls) = answering_h2(|_, exchanged| async move {
        let _held: Exchanged = exchanged;
        std::future::pending().await
    })
    .await;
    let (dialer, target, headers, mut client) =
        (h2_dialer(&tls), https(address), HeaderMap::new(), Client::new());
    for _ in 0..2 {
        let request = Request { timeout: Duration::from_millis(100), ..Request::get(&target, &headers) };
        let (exchange, _) = client.exchange(&dialer, request).await;
        assert_eq!((exchange.status, exchange.error), (0, Some(ErrorCode::TIMEOUT)));
        assert!(!exchange.phases.connecting.is_zero());
        check_phases(&exchange);
    }
}
