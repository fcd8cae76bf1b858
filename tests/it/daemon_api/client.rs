//! A client that sends what a test says, byte by byte.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::stage::Service;

pub(super) struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn check(&self, status: u16) {
        assert_eq!(self.status(), status, "{}{}", self.head, self.text());
    }

    /// In the one shape of refusals; `said` is a part of its message.
    pub(super) fn check_refused(&self, status: u16, kind: &str, said: &str) {
        self.check(status);
        let body = self.json();
        let message = body["error"].as_str().unwrap();
        assert_eq!((&body["status"], &body["errorType"]), (&"error".into(), &kind.into()), "{message}");
        assert!(message.contains(said), "`{said}` is not in `{message}`");
        assert_eq!(body.as_object().unwrap().len(), 3);
    }
}

/// HTTP/1.0, so that the answer ends with the connection and is not chunked. `headers` are whole lines.
pub(super) fn ask(server: &Service, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Length: {length}\r\n", server.address);
    raw(server, &format!("{head}{headers}\r\n{body}"))
}

/// JSON, if anything.
pub(super) fn post(server: &Service, path: &str, headers: &str, body: &str) -> Answer {
    ask(server, "POST", path, &format!("Content-Type: application/json\r\n{headers}"), body)
}

pub(super) fn raw(server: &Service, request: &str) -> Answer {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let split = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let body = answer.split_off(split + 4);
    Answer { head: String::from_utf8(answer).unwrap(), body }
}
