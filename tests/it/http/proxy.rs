//! Proxies: requests forwarded, connections made, and what a proxy refuses.

use std::sync::Mutex;

use loadgate::protocol::websocket::{Handshake, connect};
use tokio::io::copy_bidirectional;

use super::http2::check_phases;
use super::tls::Identity;
use super::*;

type Asked = Arc<Mutex<Vec<String>>>;

/// A proxy that remembers the heads it is sent and connects everything to `origin`: what it was asked for is
/// a name that only it knows. It answers `CONNECT` with `status`.
async fn proxy_to(origin: SocketAddr, status: &'static str) -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    let address = serve(move |_, mut stream| {
        let log = Arc::clone(&log);
        async move {
            let head = read_head(&mut stream).await;
            let connect = head.starts_with("CONNECT ");
            log.lock().unwrap().push(head.clone());
            if connect {
                let answer = format!("HTTP/1.1 {status} Said\r\nx-proxy: yes\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            if connect && status != "200" {
                return;
            }
            let mut onward = TcpStream::connect(origin).await.unwrap();
            if !connect {
                onward.write_all(head.as_bytes()).await.unwrap();
            }
            let _ = copy_bidirectional(&mut stream, &mut onward).await;
        }
    })
    .await;
    (address, asked)
}

fn through(proxy: &str, tls: &TlsOptions) -> Dialer {
    let proxies = Proxies::from_environment(|name| {
        ["HTTP_PROXY", "HTTPS_PROXY"].contains(&name).then(|| proxy.to_owned())
    });
    Dialer::new(Arc::new(Settings { proxies: proxies.unwrap(), ..settings(tls) }), Clock::start())
}

fn insecure() -> TlsOptions {
    TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() }
}

#[tokio::test]
async fn a_plain_request_is_forwarded_in_absolute_form_with_the_proxys_credentials() {
    let (address, asked) = proxy_to(answering(OK).await, "200").await;
    let dialer = through(&format!("http://user:secret@{address}"), &insecure());
    let (target, headers, mut client) =
        (Target::parse("http://shop.test/a?b=1").unwrap(), HeaderMap::new(), Client::new());
    for number in 0..2 {
        let (exchange, _) = client.exchange(&dialer, Request::get(&target, &headers)).await;
        assert_eq!((exchange.status, exchange.error), (200, None));
        assert_eq!(exchange.phases.connecting.is_zero(), number > 0);
    }
    let head = "GET http://shop.test/a?b=1 HTTP/1.1\r\nhost: shop.test\r\n\
                proxy-authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n";
    assert_eq!(*asked.lock().unwrap(), [head]);
}

#[tokio::test]
async fn tls_goes_through_a_tunnel_and_is_checked_against_the_targets_name() {
    let identity = Identity::made_for("shop.test", false);
    let acceptor = identity.acceptor(&["http/1.1"]);
    let origin = serve(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            assert_eq!(stream.get_ref().1.server_name(), Some("shop.test"));
            while let Ok(1..) = stream.read(&mut [0; 4096]).await {
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    let (address, asked) = proxy_to(origin, "200").await;
    let dialer = through(&format!("http://user:secret@{address}"), &identity.trusted());
    let headers = HeaderMap::new();
    let target = Target::parse("https://shop.test/").unwrap();
    let (exchange, _) = Client::new().exchange(&dialer, Request::get(&target, &headers)).await;
    assert_eq!((exchange.status, exchange.error), (200, None));
    assert!(!exchange.phases.connecting.is_zero() && !exchange.phases.tls_handshaking.is_zero());
    check_phases(&exchange);
    let other = Target::parse("https://other.test:8443/").unwrap();
    let (exchange, _) = Client::new().exchange(&dialer, Request::get(&other, &headers)).await;
    assert_eq!(exchange.error, Some(ErrorCode::TLS_WRONG_HOST));

    let head = |authority| {
        let authorization = "proxy-authorization: Basic dXNlcjpzZWNyZXQ=";
        format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n{authorization}\r\n\r\n")
    };
    assert_eq!(*asked.lock().unwrap(), [head("shop.test:443"), head("other.test:8443")]);
}

#[tokio::test]
async fn a_websocket_goes_through_a_tunnel_without_tls_too() {
    let server = serve(|_, stream| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        futures_util::SinkExt::close(&mut socket).await.unwrap();
    })
    .await;
    let (address, asked) = proxy_to(server, "200").await;
    let (target, headers) = (Target::parse("ws://chat.test/room").unwrap(), HeaderMap::new());
    let handshake =
        Handshake { target: &target, headers: &headers, subprotocols: &[], timeout: PATIENCE, due: None };
    let opening = connect(&through(&address.to_string(), &insecure()), handshake).await;
    assert_eq!((opening.exchange.status, opening.exchange.error), (101, None));
    assert_eq!(*asked.lock().unwrap(), ["CONNECT chat.test:80 HTTP/1.1\r\nhost: chat.test:80\r\n\r\n"]);
}

#[tokio::test]
async fn what_a_proxy_does_wrong_is_not_the_targets_failure() {
    let (refusing, _) = proxy_to(answering(OK).await, "407").await;
    let silent = serve(|_, mut stream| async move { while stream.read_u8().await.is_ok() {} }).await;
    let rude = answering_once(&b"SSH-2.0-OpenSSH\r\n"[..]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    for (proxy, url, timeout, code) in [
        (refusing, "https://shop.test/", PATIENCE, ErrorCode::PROXY_REFUSED),
        (rude, "https://shop.test/", PATIENCE, ErrorCode::PROXY_REFUSED),
        (silent, "https://shop.test/", Duration::from_millis(50), ErrorCode::TIMEOUT),
        (nobody, "https://shop.test/", PATIENCE, ErrorCode::PROXY_UNREACHABLE),
        (nobody, "http://shop.test/", PATIENCE, ErrorCode::PROXY_UNREACHABLE),
    ] {
        let (target, headers) = (Target::parse(url).unwrap(), HeaderMap::new());
        let request = Request { timeout, ..Request::get(&target, &headers) };
        let (exchange, _) = Client::new().exchange(&through(&proxy.to_string(), &insecure()), request).await;
        assert_eq!((exchange.status, exchange.error), (0, Some(code)), "{url} by {proxy}");
        check_phases(&exchange);
    }
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_not_reached_through_a_proxy_either() {
    let (address, asked) = proxy_to(answering(OK).await, "200").await;
    let proxies = Proxies::from_environment(|name| (name == "HTTP_PROXY").then(|| address.to_string()));
    let settings = Settings {
        proxies: proxies.unwrap(),
        guard: Guard::new([AllowedTarget::Loopback]),
        ..settings(&insecure())
    };
    let dialer = Dialer::new(Arc::new(settings), Clock::start());
    let (target, headers) = (Target::parse("http://169.254.169.254/").unwrap(), HeaderMap::new());
    let (exchange, _) = Client::new().exchange(&dialer, Request::get(&target, &headers)).await;
    assert_eq!(exchange.error, Some(ErrorCode::BLOCKED_ADDRESS));
    assert!(asked.lock().unwrap().is_empty());
}
