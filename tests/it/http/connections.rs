//! Connections: how they are made, kept, replaced and closed.

use super::*;

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
