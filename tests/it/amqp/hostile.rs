//! Servers that are none, or break the rules.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::{errors, failed, iterations};
use crate::stage::run;

/// Says `says` to whoever connects, once it has said something itself, and hangs up.
fn saying(says: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("amqp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut header = [0; 8];
            if stream.read_exact(&mut header).is_ok() {
                // It may have hung up already.
                let _ = stream.write_all(&says);
            }
        }
    });
    url
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 0, 0][..], &(payload.len() as u32).to_be_bytes(), payload, &[0xce]].concat()
}

fn table(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32).to_be_bytes(), content].concat()
}

/// `connection.start` with such properties.
fn start(properties: &[u8]) -> Vec<u8> {
    frame(1, &[&[0, 10, 0, 10, 0, 9][..], properties, &table(b"PLAIN"), &table(b"en_US")].concat())
}

#[test]
fn a_server_that_breaks_the_rules_is_told_by_its_number() {
    let mut nested = Vec::new();
    for _ in 0..500 {
        nested = [b"\x01nF", table(&nested).as_slice()].concat();
    }
    for (says, code) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "1890"),
        // It speaks AMQP 1.0 only.
        (b"AMQP\0\x01\0\0".to_vec(), "1890"),
        // It hangs up.
        (Vec::new(), "1890"),
        (frame(8, b""), "1890"),
        (start(&table(&nested)), "1909"),
        // A frame of 4 GiB.
        (vec![1, 0, 0, 0xff, 0xff, 0xff, 0xff], "1909"),
        (frame(1, &[0, 10, 0, 10, 0]), "1909"),
        // What only clients say.
        (frame(1, &[0, 20, 0, 10, 0]), "1909"),
        // It knows only a mechanism that we do not.
        (
            frame(
                1,
                &[&[0, 10, 0, 10, 0, 9][..], &table(b""), &table(b"X-OTHER"), &table(b"en_US")].concat(),
            ),
            "1890",
        ),
        // Closed while we say who we are.
        ([start(&table(b"")), frame(1, &[0, 10, 0, 50, 0x01, 0x93, 1, b'x', 0, 10, 0, 11])].concat(), "1891"),
    ] {
        let shown = says.iter().take(12).copied().collect::<Vec<u8>>();
        let flow = format!("{{amqp: {{url: '{}', publish: {{routing_key: q}}}}}}", saying(says));
        let ran = run(&iterations(1, &flow));
        assert_eq!((errors(&ran), failed(&ran)), (vec![(code.to_owned(), 1)], (1, 0)), "{shown:?}");
    }
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_forever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("amqp://{}", listener.local_addr().unwrap());
    let flow = format!("{{amqp: {{url: '{url}', connect_timeout: 200ms, publish: {{routing_key: q}}}}}}");
    assert_eq!(errors(&run(&iterations(1, &flow))), [("1211".to_owned(), 1)]);
}
