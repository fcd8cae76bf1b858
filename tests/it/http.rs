//! HTTP exchanges against servers written byte by byte, most of them ill-behaved.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as its test does")]

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use loadgate::protocol::http::{Client, Reply, Request};
use loadgate::protocol::tls::{TlsOptions, client_config};
use loadgate::protocol::{Dialer, HostOverride, Settings, Target};
use loadgate::sample::{ErrorCode, Exchange};
use loadgate::time::Clock;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;

/// Long enough for any machine; where a test expects it to pass, it sets a shorter one.
const PATIENCE: Duration = Duration::from_secs(30);
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

pub(crate) fn settings(tls: &TlsOptions) -> Settings {
    Settings { tls: client_config(tls).unwrap(), hosts: Vec::new(), allow: Arc::new(|_, _| true) }
}

pub(crate) fn dialer() -> Dialer {
    // Any CA will do for plain connections, and the system's take long to read.
    let insecure = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
    Dialer::new(Arc::new(settings(&insecure)), Clock::start())
}

/// Serves each connection by `handler`, which is told how many came before.
pub(crate) async fn serve<F, Done>(handler: F) -> SocketAddr
where
    F: Fn(usize, TcpStream) -> Done + Send + 'static,
    Done: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(handler(number, stream));
        }
    });
    address
}

/// Reads a request's head, to the empty line; empty at the end of the stream.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return String::new(),
        }
    }
    String::from_utf8(head).unwrap()
}

/// A server that answers each request on each connection with the same bytes, then waits for the next one.
async fn answering(response: impl Into<Bytes>) -> SocketAddr {
    let response = response.into();
    serve(move |_, mut stream| {
        let response = response.clone();
        async move {
            while !read_head(&mut stream).await.is_empty() {
                if stream.write_all(&response).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

/// A server that answers the first request with these bytes and closes.
async fn answering_once(response: impl Into<Bytes>) -> SocketAddr {
    let response = response.into();
    serve(move |_, mut stream| {
        let response = response.clone();
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(&response).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

fn target(address: SocketAddr) -> Target {
    Target::parse(&format!("http://{address}/path?x=1")).unwrap()
}

async fn get_kept(client: &mut Client, target: &Target) -> (Exchange, Reply) {
    let headers = HeaderMap::new();
    let request =
        Request { keep_body: true, keep_headers: true, timeout: PATIENCE, ..Request::get(target, &headers) };
    client.exchange(&dialer(), request).await
}

async fn get(target: &Target, timeout: Duration) -> Exchange {
    let headers = HeaderMap::new();
    let request = Request { timeout, ..Request::get(target, &headers) };
    Client::new().exchange(&dialer(), request).await.0
}

async fn check_failure(address: SocketAddr, status: u16, code: ErrorCode) {
    let exchange = get(&target(address), PATIENCE).await;
    assert_eq!((exchange.status, exchange.error), (status, Some(code)));
    assert_eq!(
        exchange.finished.since(exchange.started),
        exchange.phases.blocked + exchange.phases.duration()
    );
}

#[tokio::test]
async fn a_connection_is_made_once_and_its_phases_are_reported_once() {
    let (count, seen) = (Arc::new(AtomicUsize::new(0)), HeaderMap::new());
    let counter = Arc::clone(&count);
    let address = serve(move |number, mut stream| {
        counter.store(number + 1, Ordering::SeqCst);
        async move {
            while !read_head(&mut stream).await.is_empty() {
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    let (dialer, target, mut client) = (dialer(), target(address), Client::new());
    let (first, _) = client.exchange(&dialer, Request::get(&target, &seen)).await;
    // Another `Target` of the same origin, as a URL that is made anew for each request gives.
    let again = Target::parse(&format!("http://{address}/other")).unwrap();
    let (second, _) = client.exchange(&dialer, Request::get(&again, &seen)).await;

    assert_eq!((first.status, first.error, second.status, second.error), (200, None, 200, None));
    assert!(!first.phases.connecting.is_zero() && first.phases.blocked >= first.phases.connecting);
    assert!(second.phases.blocked.is_zero() && second.phases.connecting.is_zero());
    for exchange in [first, second] {
        assert_eq!(exchange.due, exchange.started);
        assert!(exchange.phases.tls_handshaking.is_zero());
        assert!(!exchange.phases.sending.is_zero() && !exchange.phases.waiting.is_zero());
        let whole = exchange.finished.since(exchange.started);
        assert_eq!(whole, exchange.phases.blocked + exchange.phases.duration());
        assert_eq!(exchange.bytes_received, OK.len() as u64);
    }
    assert_eq!(first.bytes_sent, format!("GET /path?x=1 HTTP/1.1\r\nhost: {address}\r\n\r\n").len() as u64);
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_is_written_with_host_first_and_the_length_of_its_body() {
    let (sent, received) = oneshot::channel();
    let sent = std::sync::Mutex::new(Some(sent));
    let address = serve(move |_, mut stream| {
        let sent = sent.lock().unwrap().take().unwrap();
        async move {
            let head = read_head(&mut stream).await;
            let mut body = vec![0; 1 << 20];
            stream.read_exact(&mut body).await.unwrap();
            sent.send((head, body)).unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let target = Target::parse(&format!("http://user:secret@{address}/order")).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/plain"));
    headers.insert("content-length", HeaderValue::from_static("7"));
    let body: Vec<u8> = (0..1 << 20).map(|byte: u32| byte as u8).collect();
    let request =
        Request { method: &Method::POST, body: body.clone().into(), ..Request::get(&target, &headers) };
    let (exchange, _) = Client::new().exchange(&dialer(), request).await;

    assert_eq!((exchange.status, exchange.error), (204, None));
    let (head, came) = received.await.unwrap();
    assert_eq!(
        head,
        format!(
            "POST /order HTTP/1.1\r\nhost: {address}\r\ncontent-type: text/plain\r\n\
             authorization: Basic dXNlcjpzZWNyZXQ=\r\ncontent-length: 1048576\r\n\r\n"
        )
    );
    assert!(came == body);
}

#[tokio::test]
async fn a_post_without_a_body_says_so() {
    let (sent, received) = oneshot::channel();
    let sent = std::sync::Mutex::new(Some(sent));
    let address = serve(move |_, mut stream| {
        let sent = sent.lock().unwrap().take().unwrap();
        async move {
            sent.send(read_head(&mut stream).await).unwrap();
            stream.write_all(OK).await.unwrap();
        }
    })
    .await;
    let (target, headers) = (target(address), HeaderMap::new());
    let request = Request { method: &Method::POST, ..Request::get(&target, &headers) };
    assert_eq!(Client::new().exchange(&dialer(), request).await.0.error, None);
    assert!(received.await.unwrap().contains("content-length: 0\r\n"));
}

#[tokio::test]
async fn bodies_are_kept_where_asked_and_dropped_elsewhere() {
    let mut response = b"HTTP/1.1 200 OK\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let mut whole = Vec::new();
    for number in 0..200_u32 {
        let piece = vec![number as u8; 5000];
        response.extend(format!("{:x}\r\n", piece.len()).bytes().chain(piece.iter().copied()));
        response.extend(b"\r\n");
        whole.extend(piece);
    }
    response.extend(b"0\r\n\r\n");
    let address = answering(response.clone()).await;
    let (target, headers, mut client) = (target(address), HeaderMap::new(), Client::new());
    for _ in 0..2 {
        let (exchange, reply) = get_kept(&mut client, &target).await;
        assert_eq!((exchange.error, exchange.bytes_received), (None, response.len() as u64));
        assert_eq!(reply.headers["x-a"], "1");
        assert!(reply.body == whole);
    }
    let (exchange, reply) = client.exchange(&dialer(), Request::get(&target, &headers)).await;
    assert_eq!((exchange.error, exchange.phases.connecting), (None, Duration::ZERO));
    assert!(reply.body.is_empty() && reply.headers.is_empty());

    let limited =
        Request { keep_body: true, max_body_bytes: whole.len() - 1, ..Request::get(&target, &headers) };
    let (exchange, reply) = client.exchange(&dialer(), limited).await;
    assert_eq!((exchange.status, exchange.error), (200, Some(ErrorCode::MALFORMED_RESPONSE)));
    assert!(reply.body.is_empty());
}

#[tokio::test]
async fn informational_responses_are_skipped_and_responses_without_a_body_end_at_once() {
    let interim = answering([b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", OK].concat()).await;
    let (exchange, reply) = get_kept(&mut Client::new(), &target(interim)).await;
    assert_eq!((exchange.status, exchange.error, &reply.body[..]), (200, None, &b"ok"[..]));

    let address = answering(&b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"[..]).await;
    let (target, headers, mut client) = (target(address), HeaderMap::new(), Client::new());
    for _ in 0..2 {
        let request = Request { method: &Method::HEAD, ..Request::get(&target, &headers) };
        let (exchange, _) = client.exchange(&dialer(), request).await;
        assert_eq!((exchange.status, exchange.error), (200, None));
    }
}

#[tokio::test]
async fn redirects_are_for_the_caller_and_error_statuses_are_error_codes() {
    let address = answering(&b"HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n"[..]).await;
    let (exchange, reply) = get_kept(&mut Client::new(), &target(address)).await;
    assert_eq!((exchange.status, exchange.error), (302, None));
    assert_eq!(reply.headers["location"], "/b");

    let address = answering(&b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy"[..]).await;
    let (exchange, reply) = get_kept(&mut Client::new(), &target(address)).await;
    assert_eq!((exchange.status, exchange.error), (503, ErrorCode::from_status(503)));
    assert_eq!(&reply.body[..], b"busy");
}

#[tokio::test]
async fn a_connection_the_server_closed_while_idle_is_replaced() {
    let address = answering_once(OK).await;
    let (target, mut client) = (target(address), Client::new());
    for _ in 0..5 {
        let (exchange, _) = get_kept(&mut client, &target).await;
        assert_eq!((exchange.status, exchange.error), (200, None));
        assert!(!exchange.phases.connecting.is_zero());
    }
}

#[tokio::test]
async fn a_response_that_closes_is_believed() {
    let close = &b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"[..];
    // It does not close, so a second request on it would be answered.
    let address = answering(close).await;
    let (target, mut client) = (target(address), Client::new());
    for _ in 0..2 {
        let (exchange, _) = get_kept(&mut client, &target).await;
        assert!(exchange.error.is_none() && !exchange.phases.connecting.is_zero());
    }
}

/// The first connection answers once and breaks on its second request; those after it answer.
async fn breaking_on_reuse() -> SocketAddr {
    serve(|number, mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(OK).await.unwrap();
        while !read_head(&mut stream).await.is_empty() && number > 0 {
            stream.write_all(OK).await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn a_reused_connection_that_breaks_is_replaced_once_for_a_request_that_may_be_repeated() {
    let (target, headers) = (target(breaking_on_reuse().await), HeaderMap::new());
    let (dialer, mut client) = (dialer(), Client::new());
    for _ in 0..2 {
        let (exchange, _) = client.exchange(&dialer, Request::get(&target, &headers)).await;
        assert_eq!((exchange.status, exchange.error), (200, None));
        let whole = exchange.finished.since(exchange.started);
        assert_eq!(whole, exchange.phases.blocked + exchange.phases.duration());
    }
    let (exchange, _) = client.exchange(&dialer, Request::get(&target, &headers)).await;
    assert!(exchange.phases.connecting.is_zero());
}

#[tokio::test]
async fn a_post_that_may_have_arrived_is_not_repeated() {
    let (target, headers) = (target(breaking_on_reuse().await), HeaderMap::new());
    let (dialer, mut client) = (dialer(), Client::new());
    let post = || Request { method: &Method::POST, ..Request::get(&target, &headers) };
    assert_eq!(client.exchange(&dialer, post()).await.0.error, None);
    let (exchange, _) = client.exchange(&dialer, post()).await;
    assert_eq!((exchange.status, exchange.error), (0, Some(ErrorCode::INCOMPLETE_RESPONSE)));
    assert_eq!(client.exchange(&dialer, post()).await.0.error, None);
}

#[tokio::test]
async fn what_goes_wrong_before_a_connection_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    check_failure(nobody, 0, ErrorCode::CONNECTION_REFUSED).await;

    let unknown = Target::parse("http://no-such-host.invalid/").unwrap();
    let exchange = get(&unknown, PATIENCE).await;
    // A machine without any resolver says "try again".
    assert!(matches!(exchange.error, Some(ErrorCode::DNS_NO_SUCH_HOST | ErrorCode::DNS)), "{exchange:?}");
    assert!(exchange.phases.blocked >= exchange.phases.looking_up && !exchange.phases.looking_up.is_zero());
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_not_connected_to() {
    let address = answering(OK).await;
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let insecure = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
    let mut settings = settings(&insecure);
    settings.hosts = vec![HostOverride::parse("shop.test", "::ffff:127.0.0.1").unwrap()];
    settings.allow = Arc::new(move |host, ip| {
        log.lock().unwrap().push(format!("{host} {ip}"));
        false
    });
    let dialer = Dialer::new(Arc::new(settings), Clock::start());
    let (target, headers) =
        (Target::parse(&format!("http://shop.test:{}/", address.port())).unwrap(), HeaderMap::new());
    let (exchange, _) = Client::new().exchange(&dialer, Request::get(&target, &headers)).await;
    assert_eq!(exchange.error, Some(ErrorCode::BLOCKED_ADDRESS));
    assert_eq!(*asked.lock().unwrap(), ["shop.test 127.0.0.1"]);
}

#[tokio::test]
async fn a_host_override_keeps_the_host_header() {
    let (sent, received) = oneshot::channel();
    let sent = std::sync::Mutex::new(Some(sent));
    let address = serve(move |_, mut stream| {
        let sent = sent.lock().unwrap().take().unwrap();
        async move {
            sent.send(read_head(&mut stream).await).unwrap();
            stream.write_all(OK).await.unwrap();
        }
    })
    .await;
    let mut settings = settings(&TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() });
    settings.hosts = vec![HostOverride::parse("shop.test", &address.to_string()).unwrap()];
    let dialer = Dialer::new(Arc::new(settings), Clock::start());
    let (target, headers) = (Target::parse("http://shop.test/").unwrap(), HeaderMap::new());
    let (exchange, _) = Client::new().exchange(&dialer, Request::get(&target, &headers)).await;
    assert_eq!(exchange.error, None);
    assert!(received.await.unwrap().contains("host: shop.test\r\n"));
}

#[tokio::test]
async fn responses_that_break_the_grammar_or_a_limit_are_malformed() {
    let many: String = (0..257).map(|number| format!("x-{number}: 1\r\n")).collect();
    for (response, status) in [
        (format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(70_000)), 0),
        (format!("HTTP/1.1 200 OK\r\n{many}\r\n"), 0),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), 0),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok".to_owned(), 0),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n".to_owned(), 200),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nok".to_owned(), 200),
    ] {
        check_failure(answering(response).await, status, ErrorCode::MALFORMED_RESPONSE).await;
    }
}

#[tokio::test]
async fn a_connection_that_ends_before_the_response_does_is_incomplete() {
    for (response, status) in [
        ("", 0),
        ("HTTP/1.1 200 OK\r\ncontent-le", 0),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok", 200),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", 200),
    ] {
        check_failure(answering_once(response).await, status, ErrorCode::INCOMPLETE_RESPONSE).await;
    }
    let reset = serve(|_, mut stream| async move {
        read_head(&mut stream).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    check_failure(reset, 0, ErrorCode::CONNECTION_RESET).await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_times_out() {
    let address = serve(|_, mut stream| async move { while stream.read_u8().await.is_ok() {} }).await;
    let exchange = get(&target(address), Duration::from_millis(50)).await;
    assert_eq!((exchange.status, exchange.error), (0, Some(ErrorCode::TIMEOUT)));
    assert!(exchange.phases.waiting + exchange.phases.blocked >= Duration::from_millis(40));
}

#[tokio::test]
async fn an_endless_body_times_out() {
    let address = serve(|_, mut stream| async move {
        read_head(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n";
        let _ = stream.write_all(head).await;
        let noise = vec![b'x'; 1 << 16];
        while stream.write_all(&noise).await.is_ok() {}
    })
    .await;
    let exchange = get(&target(address), Duration::from_millis(200)).await;
    assert_eq!((exchange.status, exchange.error), (200, Some(ErrorCode::TIMEOUT)));
    assert!(exchange.bytes_received > 1 << 16 && !exchange.phases.receiving.is_zero());
}

#[tokio::test]
async fn endless_informational_responses_are_malformed() {
    let address = serve(|_, mut stream| async move {
        read_head(&mut stream).await;
        let noise = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
        while stream.write_all(&noise).await.is_ok() {}
    })
    .await;
    check_failure(address, 0, ErrorCode::MALFORMED_RESPONSE).await;
}

#[tokio::test]
async fn a_server_that_accepts_nobody_is_a_dial_timeout() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut crowd = Vec::new();
    // Fills the queue of connections nobody accepts; the one that does not get in ends the filling.
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await
    {
        crowd.push(stream.unwrap());
    }
    let exchange = get(&target(address), Duration::from_millis(50)).await;
    assert_eq!((exchange.status, exchange.error), (0, Some(ErrorCode::DIAL_TIMEOUT)));
    assert!(!exchange.phases.connecting.is_zero() && exchange.phases.duration().is_zero());
}

#[tokio::test]
async fn an_exchange_that_is_dropped_closes_its_connection() {
    let (sent, received) = oneshot::channel();
    let sent = std::sync::Mutex::new(Some(sent));
    let address = serve(move |_, mut stream| {
        let sent = sent.lock().unwrap().take().unwrap();
        async move {
            read_head(&mut stream).await;
            sent.send(stream.read(&mut [0; 16]).await.unwrap()).unwrap();
        }
    })
    .await;
    let (target, headers, dialer) = (target(address), HeaderMap::new(), Rc::new(dialer()));
    let mut client = Client::new();
    let cut_off = tokio::time::timeout(
        Duration::from_millis(50),
        client.exchange(&dialer, Request::get(&target, &headers)),
    );
    assert!(cut_off.await.is_err());
    assert_eq!(received.await.unwrap(), 0);
}

/// A TLS server with a self-signed certificate for `name`; gives the certificate as PEM.
async fn tls_server(name: &str, is_ca: bool) -> (SocketAddr, Vec<u8>) {
    let signing_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
    if is_ca {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    let certificate = params.self_signed(&signing_key).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let address = serve(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut buffer = [0; 4096];
            while let Ok(1..) = stream.read(&mut buffer).await {
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    (address, certificate.pem().into_bytes())
}

async fn get_tls(port: u16, options: TlsOptions) -> (Exchange, Exchange) {
    let dialer = Dialer::new(Arc::new(settings(&options)), Clock::start());
    let (target, headers) = (Target::parse(&format!("https://localhost:{port}/")).unwrap(), HeaderMap::new());
    let mut client = Client::new();
    let (first, _) = client.exchange(&dialer, Request::get(&target, &headers)).await;
    let (second, _) = client.exchange(&dialer, Request::get(&target, &headers)).await;
    (first, second)
}

#[tokio::test]
async fn a_certificate_is_checked_against_its_authority_and_its_name() {
    let (address, own_ca) = tls_server("localhost", false).await;
    let trusting = TlsOptions { ca_pem: Some(own_ca.clone()), ..TlsOptions::default() };
    let (first, second) = get_tls(address.port(), trusting).await;
    assert_eq!((first.status, first.error, second.error), (200, None, None));
    assert!(!first.phases.tls_handshaking.is_zero() && second.phases.tls_handshaking.is_zero());
    assert!(second.phases.connecting.is_zero());
    // k6 counts below TLS: the handshake and the records' own bytes are in it.
    assert!(first.bytes_received > second.bytes_received && second.bytes_received > OK.len() as u64);

    let (other, other_ca) = tls_server("elsewhere.test", false).await;
    let (first, _) =
        get_tls(address.port(), TlsOptions { ca_pem: Some(other_ca.clone()), ..TlsOptions::default() }).await;
    assert_eq!((first.status, first.error), (0, Some(ErrorCode::TLS_UNKNOWN_AUTHORITY)));
    assert!(!first.phases.tls_handshaking.is_zero());

    let (first, _) =
        get_tls(other.port(), TlsOptions { ca_pem: Some(other_ca), ..TlsOptions::default() }).await;
    assert_eq!((first.status, first.error), (0, Some(ErrorCode::TLS_WRONG_HOST)));

    // What `openssl req -x509` makes, given as the CA or not.
    let (self_made, itself) = tls_server("localhost", true).await;
    let (first, _) =
        get_tls(self_made.port(), TlsOptions { ca_pem: Some(own_ca), ..TlsOptions::default() }).await;
    assert_eq!((first.status, first.error), (0, Some(ErrorCode::TLS_UNKNOWN_AUTHORITY)));
    let (first, _) =
        get_tls(self_made.port(), TlsOptions { ca_pem: Some(itself), ..TlsOptions::default() }).await;
    assert_eq!((first.status, first.error), (200, None));

    for address in [other, self_made] {
        let insecure = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
        let (first, second) = get_tls(address.port(), insecure).await;
        assert_eq!((first.status, first.error, second.error), (200, None, None));
    }
}

#[tokio::test]
async fn a_server_without_tls_fails_the_tls_handshake() {
    let address = serve(|_, mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let insecure = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
    assert_eq!(get_tls(address.port(), insecure).await.0.error, Some(ErrorCode::TLS));
}
