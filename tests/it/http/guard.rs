//! What the guard refuses is not connected to, over whatever protocol and however it is reached.

use std::sync::Mutex;

use loadgate::protocol::websocket::{Handshake, connect};

use super::*;

/// A server, how often it was connected to, and a dialer that may go to `allowed` only.
async fn stage(allowed: &[&str], hosts: &[(&str, &str)]) -> (SocketAddr, Arc<AtomicUsize>, Dialer) {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let address = serve(move |_, mut stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(OK).await;
        }
    })
    .await;
    (address, connections, guarded(allowed, hosts, Proxies::default()))
}

fn guarded(allowed: &[&str], hosts: &[(&str, &str)], proxies: Proxies) -> Dialer {
    let insecure = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
    let hosts = hosts.iter().map(|(host, address)| HostOverride::parse(host, address).unwrap()).collect();
    let guard = Guard::new(allowed.iter().map(|text| text.parse::<AllowedTarget>().unwrap()));
    Dialer::new(Arc::new(Settings { guard, hosts, proxies, ..settings(&insecure) }), Clock::start())
}

async fn error_of(dialer: &Dialer, url: &str) -> Option<ErrorCode> {
    let (target, headers) = (Target::parse(url).unwrap(), HeaderMap::new());
    if target.is_websocket() {
        let handshake =
            Handshake { target: &target, headers: &headers, subprotocols: &[], timeout: PATIENCE, due: None };
        return connect(dialer, handshake).await.exchange.error;
    }
    let request = Request { timeout: PATIENCE, ..Request::get(&target, &headers) };
    Client::new().exchange(dialer, request).await.0.error
}

#[tokio::test]
async fn nothing_is_connected_to_that_is_not_allowed() {
    const HOST: Option<ErrorCode> = Some(ErrorCode::BLOCKED_HOST);
    const ADDRESS: Option<ErrorCode> = Some(ErrorCode::BLOCKED_ADDRESS);
    // `rebound.test` is what a name looks like whose DNS says 127.0.0.1.
    let hosts = [("rebound.test", "127.0.0.1"), ("mapped.test", "::ffff:127.0.0.1")];
    for scheme in ["http", "https", "ws", "wss"] {
        let (server, connections, dialer) =
            stage(&["rebound.test", "mapped.test", "10.0.0.0/8"], &hosts).await;
        let port = server.port();
        for (host, expected) in [
            ("127.0.0.1", ADDRESS),
            ("[::1]", ADDRESS),
            ("[::ffff:127.0.0.1]", ADDRESS),
            ("2130706433", ADDRESS),
            ("0x7f.1", ADDRESS),
            ("0177.0.0.1", ADDRESS),
            ("127.1", ADDRESS),
            ("rebound.test", ADDRESS),
            ("mapped.test", ADDRESS),
            ("0.0.0.0", ADDRESS),
            ("0", ADDRESS),
            ("[::]", ADDRESS),
            ("169.254.169.254", ADDRESS),
            ("localhost", HOST),
            ("rebound.test@localhost", HOST),
            ("rebound.test:80@localhost", HOST),
        ] {
            let found = error_of(&dialer, &format!("{scheme}://{host}:{port}/")).await;
            assert_eq!(found, expected, "{scheme}://{host}");
        }
        assert_eq!(connections.load(Ordering::SeqCst), 0, "{scheme}");
    }
}

#[tokio::test]
async fn what_is_allowed_is_connected_to() {
    let (server, connections, dialer) = stage(&["localhost"], &[("shop.test", "127.0.0.1")]).await;
    for host in ["127.0.0.1", "localhost", "shop.test", "2130706433"] {
        assert_eq!(error_of(&dialer, &format!("http://{host}:{}/", server.port())).await, None, "{host}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_proxy_is_not_asked_for_what_is_not_allowed() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let proxy = serve(move |_, mut stream| {
        let log = Arc::clone(&log);
        async move {
            let head = read_head(&mut stream).await;
            log.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
            let _ = stream.write_all(OK).await;
        }
    })
    .await;
    let proxies = Proxies::from_environment(|name| {
        ["HTTP_PROXY", "HTTPS_PROXY"].contains(&name).then(|| proxy.to_string())
    });
    let dialer = guarded(&["shop.test", "10.0.0.0/8"], &[], proxies.unwrap());
    for (url, expected) in [
        ("http://evil.test/", ErrorCode::BLOCKED_HOST),
        ("https://evil.test/", ErrorCode::BLOCKED_HOST),
        ("ws://evil.test/", ErrorCode::BLOCKED_HOST),
        ("http://169.254.169.254/", ErrorCode::BLOCKED_ADDRESS),
        ("http://2852039166/", ErrorCode::BLOCKED_ADDRESS),
        ("https://metadata.google.internal/", ErrorCode::BLOCKED_ADDRESS),
        ("http://11.0.0.1/", ErrorCode::BLOCKED_ADDRESS),
    ] {
        assert_eq!(error_of(&dialer, url).await, Some(expected), "{url}");
    }
    assert_eq!(error_of(&dialer, "http://shop.test/").await, None);
    assert_eq!(*asked.lock().unwrap(), ["GET http://shop.test/ HTTP/1.1"]);
}
