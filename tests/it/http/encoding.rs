//! Compressed responses: kept bodies are plain, bytes are those of the wire.

use loadgate::protocol::encoding::{Encoding, compress};

use super::*;

async fn encoded(name: &str, body: Vec<u8>) -> (Target, usize) {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: {name}\r\ncontent-length: {}\r\n\r\n", body.len());
    let response = [head.into_bytes(), body].concat();
    let length = response.len();
    (target(answering(response).await), length)
}

#[tokio::test]
async fn a_kept_body_is_decompressed_and_its_bytes_are_those_of_the_wire() {
    let plain = b"a body that is sent again and again ".repeat(500);
    for (name, encoding) in Encoding::ALL {
        let (target, length) = encoded(name, compress(&[encoding], &plain).unwrap()).await;
        let mut client = Client::new();
        let (exchange, reply) = get_kept(&mut client, &target).await;
        assert_eq!((exchange.status, exchange.error), (200, None), "{name}");
        assert!(reply.body == plain && reply.headers["content-encoding"] == name, "{name}");
        assert_eq!(exchange.bytes_received, length as u64, "{name}");
        // A body that is not kept is not decompressed either.
        let headers = HeaderMap::new();
        let (exchange, reply) = client.exchange(&dialer(), Request::get(&target, &headers)).await;
        assert_eq!((exchange.error, exchange.bytes_received), (None, length as u64), "{name}");
        assert!(reply.body.is_empty() && exchange.phases.connecting.is_zero(), "{name}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_its_encoding_says_fails_and_its_connection_goes_on() {
    let (target, _) = encoded("gzip", b"not gzip at all".to_vec()).await;
    let mut client = Client::new();
    for number in 0..2 {
        let (exchange, reply) = get_kept(&mut client, &target).await;
        assert_eq!((exchange.status, exchange.error), (200, Some(ErrorCode::DECOMPRESSION)));
        assert!(reply.body.is_empty());
        assert_eq!(exchange.phases.connecting.is_zero(), number > 0);
    }
}

#[tokio::test]
async fn the_limit_of_a_kept_body_is_that_of_the_plain_one() {
    let bomb = compress(&[Encoding::Gzip], &vec![0; 64 << 20]).unwrap();
    assert!(bomb.len() < 100 << 10);
    let (target, _) = encoded("gzip", bomb).await;
    let (exchange, reply) = get_kept(&mut Client::new(), &target).await;
    assert_eq!((exchange.status, exchange.error), (200, Some(ErrorCode::RESPONSE_TOO_LARGE)));
    assert!(reply.body.is_empty());
}
