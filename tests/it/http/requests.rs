//! What is sent, and what is kept of the answer.

use super::*;

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
    assert_eq!((exchange.status, exchange.error), (200, Some(ErrorCode::RESPONSE_TOO_LARGE)));
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
