//! `--http-debug`: each request and its response, written to the log without their secrets.
//!
//! The request is what the step asked for, with the headers that every request gets; its framing
//! (`Content-Length`, chunks) is left out. WebSocket handshakes are not shown, as in k6.

mod redact;

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, StatusCode};
use redact::Redactor;

use super::Worker;
use crate::protocol::http::{Reply, Request};
use crate::sample::Exchange;
use crate::template::Scope;

/// Bytes of a body that are shown, after its secrets are gone.
const MAX_SHOWN_BYTES: usize = 4096;

/// How much of each exchange is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpDebug {
    Headers,
    /// Bodies too. They are kept for that: one above the limit of kept bodies is an error of the exchange.
    Full,
}

/// An exchange whose request was shown.
#[derive(Debug)]
pub(super) struct Shown {
    bodies: bool,
    id: u32,
    scenario: String,
    vu: u64,
    iteration: u64,
    redactor: Redactor,
}

/// Shows the request and has its response kept; nothing where nobody asked.
pub(super) fn show_request(
    worker: &Worker,
    scope: &Scope<'_>,
    request: &mut Request<'_>,
) -> Option<Box<Shown>> {
    let debug = worker.http_debug?;
    let shown = Shown {
        bodies: debug == HttpDebug::Full,
        id: fastrand::u32(..),
        scenario: scope.scenario.to_owned(),
        vu: scope.vu,
        iteration: scope.iteration,
        redactor: Redactor::new(scope.vars, scope.locals),
    };
    request.keep_headers = true;
    request.keep_body |= shown.bodies;
    shown.tell(&shown.request(request));
    Some(Box::new(shown))
}

pub(super) fn show_response(shown: Option<Box<Shown>>, exchange: &Exchange, reply: &Reply) {
    if let Some(shown) = shown {
        shown.tell(&shown.response(exchange, reply));
    }
}

impl Shown {
    fn tell(&self, text: &str) {
        let Shown { id, scenario, vu, iteration, .. } = self;
        tracing::info!(
            source = "http-debug",
            scenario,
            vu,
            iteration,
            request = format!("{id:08x}"),
            "{text}"
        );
    }

    fn request(&self, request: &Request<'_>) -> String {
        let path = self.redactor.text(request.target.path_and_query());
        let mut text = format!("Request:\n{} {path}\n", request.method);
        if !request.headers.contains_key(HOST) {
            self.header("host", request.target.origin().host_header().as_bytes(), &mut text);
        }
        if request.target.has_credentials() && !request.headers.contains_key(AUTHORIZATION) {
            self.header(AUTHORIZATION.as_str(), b"of the URL", &mut text);
        }
        self.headers(request.headers, &mut text);
        self.body(&request.body, &mut text);
        text
    }

    fn response(&self, exchange: &Exchange, reply: &Reply) -> String {
        let mut text = match exchange.status {
            0 => "No response:".to_owned(),
            status => {
                let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
                format!("Response:\n{status} {}", reason.unwrap_or_default())
            }
        };
        // An error status is no error of the exchange, and was said.
        if let Some(error) = exchange.error.filter(|error| !error.is_status()) {
            let _ = write!(text, " {} (error code {})", error.describe(), error.number());
        }
        text.push('\n');
        self.headers(&reply.headers, &mut text);
        self.body(&reply.body, &mut text);
        text
    }

    fn headers(&self, headers: &HeaderMap, text: &mut String) {
        for (name, value) in headers {
            self.header(name.as_str(), value.as_bytes(), text);
        }
    }

    fn header(&self, name: &str, value: &[u8], text: &mut String) {
        let value = self.redactor.header(name, &String::from_utf8_lossy(value));
        let _ = writeln!(text, "{name}: {}", printable(&value));
    }

    fn body(&self, body: &Bytes, text: &mut String) {
        if !self.bodies || body.is_empty() {
            return;
        }
        let Ok(plain) = std::str::from_utf8(body) else {
            let _ = writeln!(text, "\n<{} bytes that are no text>", body.len());
            return;
        };
        // Cut only afterwards: half a secret would not be recognised.
        let shown = printable(&self.redactor.body(plain));
        let mut ends = (0..=MAX_SHOWN_BYTES.min(shown.len())).rev();
        let end = ends.find(|end| shown.is_char_boundary(*end)).unwrap_or_default();
        let _ = writeln!(text, "\n{}", &shown[..end]);
        if end < shown.len() {
            let _ = writeln!(text, "<and {} bytes more>", shown.len() - end);
        }
    }
}

/// What a target sends must not move the terminal's cursor.
fn printable(text: &str) -> String {
    let fit = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    let kept = text.chars().filter(|c| *c != '\r');
    kept.map(|c| if fit(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method};

    use super::*;
    use crate::protocol::Target;
    use crate::sample::ErrorCode;
    use crate::template::{Locals, Value};
    use crate::time::Elapsed;

    fn shown(bodies: bool) -> Shown {
        let redactor = Redactor::new(&Value::from_pairs([("API_KEY", "canary-var")]), &Locals::new());
        Shown { bodies, id: 1, scenario: "s".to_owned(), vu: 1, iteration: 0, redactor }
    }

    fn answered(status: u16, error: Option<ErrorCode>) -> Exchange {
        let now = Elapsed::ZERO;
        let phases = Default::default();
        Exchange {
            due: now,
            started: now,
            finished: now,
            phases,
            status,
            error,
            bytes_sent: 0,
            bytes_received: 0,
        }
    }

    #[test]
    fn a_request_is_shown_without_its_secrets() {
        let target = Target::parse("http://user:canary-pass@host/a?token=canary-query&x=1").unwrap();
        let headers: HeaderMap = [("cookie", "a=canary-cookie"), ("x-request", "of canary-var")]
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .into_iter()
            .collect();
        let mut request = Request::get(&target, &headers);
        let body = Bytes::from_static(br#"{"password":"canary-field","n":1}"#);
        (request.method, request.body) = (&Method::POST, body);
        let expected = "Request:\nPOST /a?token=[redacted]&x=1\nhost: host\nauthorization: [redacted]\n\
            cookie: a=[redacted]\nx-request: of [redacted]\n";
        assert_eq!(shown(false).request(&request), expected);
        let expected = format!("{expected}\n{{\"password\":\"[redacted]\",\"n\":1}}\n");
        assert_eq!(shown(true).request(&request), expected);
    }

    #[test]
    fn a_response_is_shown_up_to_a_limit_and_a_failure_with_its_cause() {
        let reply = |body: &[u8]| Reply { body: Bytes::copy_from_slice(body), ..Reply::default() };
        let text = shown(true).response(&answered(404, ErrorCode::from_status(404)), &reply(&[b'x'; 5000]));
        assert_eq!(text, format!("Response:\n404 Not Found\n\n{}\n<and 904 bytes more>\n", "x".repeat(4096)));
        let text = shown(true).response(&answered(0, Some(ErrorCode::CONNECTION_REFUSED)), &reply(b""));
        assert_eq!(text, "No response: connection refused (error code 1212)\n");
        let text = shown(true).response(&answered(200, None), &reply(b"\x1b[2J\r\nok"));
        assert_eq!(text, "Response:\n200 OK\n\n\u{fffd}[2J\nok\n");
        let text = shown(true).response(&answered(200, None), &reply(b"\xff\xfe"));
        assert_eq!(text, "Response:\n200 OK\n\n<2 bytes that are no text>\n");
    }
}
