//! The opening handshake: an HTTP exchange whose 101 is checked as RFC 6455, section 4.1 wants it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Connection;
use crate::protocol::alarm::Alarm;
use crate::protocol::course::Course;
use crate::protocol::dial::{DialTimes, Dialer, Purpose};
use crate::protocol::http1::{Call, Http1, Receive};
use crate::protocol::target::Target;
use crate::sample::{ErrorCode, Exchange};
use crate::time::Elapsed;

/// A session to be opened.
#[derive(Debug, Clone)]
pub struct Handshake<'a> {
    /// `ws` and `wss`; `http` and `https` do as well.
    pub target: &'a Target,
    /// Beside those of the handshake itself, which win.
    pub headers: &'a HeaderMap,
    /// In order of preference.
    pub subprotocols: &'a [HeaderValue],
    /// For connecting and the handshake together.
    pub timeout: Duration,
    /// When a user wanted it; `None` for now.
    pub due: Option<Elapsed>,
}

/// What came of a handshake. Its status is 101 or the one that refused it, and every failure has its code.
pub struct Opening {
    pub exchange: Exchange,
    /// Of the response, if one came. The body of a refusal is not read.
    pub headers: HeaderMap,
    pub connection: Result<Connection, ErrorCode>,
}

/// Opens a session on a connection of its own.
pub async fn connect(dialer: &Dialer, handshake: Handshake<'_>) -> Opening {
    // Boxed: the handshake's future is large, and the session it opens is long.
    Box::pin(open(dialer, handshake)).await
}

async fn open(dialer: &Dialer, handshake: Handshake<'_>) -> Opening {
    let mut course = Course::begin(dialer.clock(), handshake.due);
    let deadline = course.deadline(handshake.timeout);
    let mut headers = HeaderMap::new();

    let origin = handshake.target.origin();
    let mut times = DialTimes::default();
    let dialed = dialer.dial(origin, Purpose::WebSocket, deadline, &mut times).await;
    course.dialed(times, dialed.is_ok());
    let dialed = match dialed {
        Ok(dialed) => dialed,
        Err(code) => {
            return Opening { exchange: course.finish(None, Some(code)), headers, connection: Err(code) };
        }
    };
    let mut http = Http1::new(Arc::clone(origin), dialed.wire, dialed.proxy);
    let answered = upgrade(&mut http, dialer, &handshake, deadline, &mut course, &mut headers).await;
    let exchange = course.finish(Some(http.meter()), answered.err());
    let connection = match answered {
        Ok(()) => {
            let (wire, early) = http.into_upgraded();
            Ok(Connection::open(wire, early, dialer.clock(), dialer.purse().clone()))
        }
        Err(code) => Err(code),
    };
    Opening { exchange, headers, connection }
}

async fn upgrade(
    http: &mut Http1,
    dialer: &Dialer,
    handshake: &Handshake<'_>,
    deadline: Instant,
    course: &mut Course,
    headers: &mut HeaderMap,
) -> Result<(), ErrorCode> {
    let key = generate_key();
    let call = Call {
        method: &Method::GET,
        target: handshake.target,
        headers: &request_headers(handshake, &key),
        body: &Bytes::new(),
        keep_headers: true,
    };
    let mut answer = Answer::default();
    let done = http.exchange(call, &mut answer, dialer.scratch(), &mut Alarm::default(), deadline).await;
    course.status = answer.status;
    *headers = answer.headers;
    done.map_err(|failure| failure.code)?;
    if answer.status != SWITCHING_PROTOCOLS {
        return Err(ErrorCode::from_status(answer.status).unwrap_or(ErrorCode::UPGRADE_REFUSED));
    }
    if is_valid(headers, &derive_accept_key(key.as_bytes()), handshake.subprotocols) {
        Ok(())
    } else {
        Err(ErrorCode::UPGRADE_MALFORMED)
    }
}

const SWITCHING_PROTOCOLS: u16 = 101;

#[derive(Default)]
struct Answer {
    status: u16,
    headers: HeaderMap,
}

impl Receive for Answer {
    fn head(&mut self, status: u16, headers: HeaderMap) -> bool {
        self.status = status;
        self.headers = headers;
        false
    }

    fn body(&mut self, _piece: &[u8]) -> Result<(), ErrorCode> {
        Ok(())
    }
}

fn request_headers(handshake: &Handshake<'_>, key: &str) -> HeaderMap {
    let mut headers = handshake.headers.clone();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    if let Ok(key) = HeaderValue::try_from(key) {
        headers.insert(SEC_WEBSOCKET_KEY, key);
    }
    for subprotocol in handshake.subprotocols {
        headers.append(SEC_WEBSOCKET_PROTOCOL, subprotocol.clone());
    }
    headers
}

/// The client's checks of RFC 6455, section 4.1: `Upgrade`, `Connection`, the accept key, no extension (we
/// offer none), and a subprotocol only if it was offered.
fn is_valid(headers: &HeaderMap, accept_key: &str, offered: &[HeaderValue]) -> bool {
    let subprotocol = headers.get(SEC_WEBSOCKET_PROTOCOL);
    has_token(headers, &UPGRADE, "websocket")
        && has_token(headers, &CONNECTION, "upgrade")
        && headers.get(SEC_WEBSOCKET_ACCEPT).is_some_and(|key| key == accept_key)
        && !headers.contains_key(SEC_WEBSOCKET_EXTENSIONS)
        && subprotocol.is_none_or(|chosen| offered.contains(chosen))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    fn check(lines: &[(&'static str, &'static str)], expected: bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let offered = [HeaderValue::from_static("chat")];
        assert_eq!(is_valid(&headers, KEY, &offered), expected, "{lines:?}");
    }

    #[test]
    fn a_101_is_taken_only_with_all_that_rfc_6455_asks_for() {
        let upgrade = ("upgrade", "WebSocket");
        let connection = ("connection", "keep-alive, Upgrade");
        let accept = ("sec-websocket-accept", KEY);
        check(&[upgrade, connection, accept], true);
        check(&[upgrade, connection, accept, ("sec-websocket-protocol", "chat")], true);
        check(&[upgrade, connection, accept, ("sec-websocket-protocol", "other")], false);
        check(&[upgrade, connection, accept, ("sec-websocket-extensions", "permessage-deflate")], false);
        check(&[upgrade, connection], false);
        check(&[upgrade, connection, ("sec-websocket-accept", "AAAA")], false);
        check(&[upgrade, accept], false);
        check(&[connection, accept], false);
        check(&[("upgrade", "h2c"), connection, accept], false);
    }
}
