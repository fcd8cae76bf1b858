//! Servers that break the rules, stop or never end.

use super::*;

#[tokio::test]
async fn responses_that_break_the_grammar_are_malformed() {
    for (response, status) in [
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), 0),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok".to_owned(), 0),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n".to_owned(), 200),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nok".to_owned(), 200),
    ] {
        check_failure(answering(response).await, status, ErrorCode::MALFORMED_RESPONSE).await;
    }
}

#[tokio::test]
async fn a_head_above_the_limits_is_too_large() {
    let many: String = (0..257).map(|number| format!("x-{number}: 1\r\n")).collect();
    let long = format!("x: {}\r\n", "a".repeat(70_000));
    for fields in [many, long] {
        let response = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        check_failure(answering(response).await, 0, ErrorCode::RESPONSE_TOO_LARGE).await;
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
