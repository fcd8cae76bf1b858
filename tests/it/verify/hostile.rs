//! Databases that mean ill: they end in words, in time, and in bounded memory.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use loadgate::verdict::Verdict;

use super::verified;

/// A server that speaks to one client after the other until it is told to end; returns its address.
fn server(speak: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            speak(stream.unwrap());
        }
    });
    address
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![tag];
    message.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    message.extend(body);
    message
}

/// One column `n` of type int8.
fn row_description() -> Vec<u8> {
    let mut body = vec![0, 1];
    body.extend(b"n\0");
    body.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 8, 255, 255, 255, 255, 0, 0]);
    message(b'T', &body)
}

/// PostgreSQL's protocol up to the statement, whose answer is `answer`.
fn postgres(answer: impl Fn(&mut TcpStream) + Send + 'static) -> SocketAddr {
    server(move |mut stream| {
        let read = |stream: &mut TcpStream, tagged: bool| -> Option<(u8, Vec<u8>)> {
            let mut tag = [0];
            if tagged {
                stream.read_exact(&mut tag).ok()?;
            }
            let mut length = [0; 4];
            stream.read_exact(&mut length).ok()?;
            let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
            stream.read_exact(&mut body).ok()?;
            Some((tag[0], body))
        };
        let ready = message(b'Z', b"I");
        let _startup = read(&mut stream, false);
        stream.write_all(&[message(b'R', &[0; 4]), ready.clone()].concat()).unwrap();
        let mut queries = 0;
        while let Some((tag, _)) = read(&mut stream, true) {
            let said = match tag {
                b'Q' if queries < 2 => {
                    queries += 1;
                    [message(b'C', b"SET\0"), ready.clone()].concat()
                }
                b'Q' => {
                    answer(&mut stream);
                    return;
                }
                b'S' => {
                    [message(b'1', b""), message(b't', &[0, 0]), row_description(), ready.clone()].concat()
                }
                _ => continue,
            };
            // It may have hung up.
            if stream.write_all(&said).is_err() {
                return;
            }
        }
    })
}

fn ask_postgres(address: SocketAddr) -> String {
    let (ran, outcomes) = verified(&format!(
        "- postgres: {{url: 'postgres://canary:canary@{address}/db?sslmode=disable', query: SELECT 1, equals: 1, timeout: 5s}}"
    ));
    assert_eq!(ran.finished.verdict, Verdict::Inconclusive, "{outcomes:?}");
    outcomes[0].clone()
}

fn one() -> Vec<u8> {
    message(b'D', &[0, 1, 0, 0, 0, 1, b'1'])
}

#[test]
fn the_server_of_these_tests_speaks_as_postgresql_does() {
    let address = postgres(|stream| {
        let said = [row_description(), one(), message(b'C', b"SELECT 1\0"), message(b'Z', b"I")];
        stream.write_all(&said.concat()).unwrap();
    });
    let url = format!("postgres://canary@{address}/db?sslmode=disable");
    let (_, outcomes) = verified(&format!("- postgres: {{url: '{url}', query: SELECT 1, equals: 1}}"));
    assert_eq!(outcomes, ["postgres 1: held 1"]);
}

#[test]
fn a_row_that_is_too_short_is_an_error() {
    let address = postgres(|stream| {
        let said = [row_description(), message(b'D', &[0, 0]), message(b'Z', b"I")].concat();
        let _hung_up = stream.write_all(&said);
    });
    assert!(ask_postgres(address).starts_with("postgres 1: unknown "));
}

#[test]
fn rows_without_end_are_not_collected() {
    let address = postgres(|stream| {
        let rows = one().repeat(1000);
        let _hung_up = stream.write_all(&row_description());
        while stream.write_all(&rows).is_ok() {}
    });
    assert!(ask_postgres(address).starts_with("postgres 1: unknown it gives more than 1000 rows"));
}

#[test]
fn a_message_without_end_is_not_held() {
    let address = postgres(|stream| {
        let _hung_up = stream.write_all(&[b'D', 0x7f, 0xff, 0xff, 0xff]);
        let megabyte = vec![0; 1 << 20];
        while stream.write_all(&megabyte).is_ok() {}
    });
    let told = ask_postgres(address);
    assert!(told.ends_with("the answer is longer than 4 MiB: ask for less"), "{told}");
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let address = server(|stream| {
        let mut end = Vec::new();
        let _hung_up = (&stream).read_to_end(&mut end);
    });
    for verify in [
        format!(
            "- postgres: {{url: 'postgres://canary@{address}', query: SELECT 1, equals: 1, timeout: 200ms}}"
        ),
        format!("- redis: {{url: 'redis://{address}', command: [PING], equals: PONG, timeout: 200ms}}"),
        format!("- http: {{url: 'http://{address}', checks: {{up: status == 200}}, timeout: 200ms}}"),
    ] {
        let (ran, outcomes) = verified(&verify);
        assert!(outcomes[0].contains(": unknown "), "{outcomes:?}");
        assert!(outcomes[0].contains("time"), "{outcomes:?}");
        assert_eq!(ran.finished.verdict, Verdict::Inconclusive);
    }
}

#[test]
fn redis_replies_that_never_end_or_lie_about_their_length_are_errors() {
    for reply in [
        &b"$2000000000\r\n"[..],
        b"*2147483647\r\n",
        b"*-7\r\n",
        b"%4611686018427387904\r\n",
        b"*1\r\n*1\r\n*1\r\n",
    ] {
        let address = server(move |mut stream| {
            let mut command = [0; 1024];
            let _read = stream.read(&mut command);
            let _hung_up = stream.write_all(reply);
            let filling = b":1\r\n".repeat(1 << 16);
            while stream.write_all(&filling).is_ok() {}
        });
        let verify =
            format!("- redis: {{url: 'redis://{address}', command: [GET, a], equals: 0, timeout: 1s}}");
        let (ran, outcomes) = verified(&verify);
        let ended = ["unknown ", "failed null"].iter().any(|end| outcomes[0].contains(end));
        assert!(ended, "{outcomes:?}");
        assert_ne!(ran.finished.verdict, Verdict::Passed, "{outcomes:?}");
    }
}
