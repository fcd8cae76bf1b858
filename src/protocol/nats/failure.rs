//! What async-nats and JetStream say, as [`ErrorCode`]s.

use std::error::Error;
use std::io;

use async_nats::client::{PublishError, PublishErrorKind};
use async_nats::{
    ClientError, ConnectError, ConnectErrorKind, Message, ServerError, StatusCode, SubscribeError,
};

use super::super::failure;
use crate::sample::ErrorCode;

pub(super) fn of_connect(error: &ConnectError) -> ErrorCode {
    match of_kind(error.kind()) {
        ErrorCode::DIAL => io_error(error).map_or(ErrorCode::NATS_HANDSHAKE, of_io),
        code => code,
    }
}

/// By the kind alone, where nothing else is told.
fn of_kind(kind: ConnectErrorKind) -> ErrorCode {
    match kind {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            ErrorCode::NATS_UNAUTHORIZED
        }
        ConnectErrorKind::ServerParse => ErrorCode::INVALID_URL,
        ConnectErrorKind::Dns => ErrorCode::DNS,
        ConnectErrorKind::TimedOut => ErrorCode::DIAL_TIMEOUT,
        ConnectErrorKind::Tls => ErrorCode::TLS,
        ConnectErrorKind::Io | ConnectErrorKind::MaxReconnects => ErrorCode::DIAL,
    }
}

fn io_error(error: &ConnectError) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref() {
            return Some(io);
        }
        source = cause.source();
    }
    None
}

/// A handshake of TLS fails with what rustls says.
fn of_io(error: &io::Error) -> ErrorCode {
    if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        return failure::of_tls(error);
    }
    failure::of_connect(error)
}

/// Nothing for what is only the end of attempts that were told before.
pub(super) fn of_client(error: &ClientError) -> Option<ErrorCode> {
    // Only a text is told here: that of the kind.
    const KINDS: [ConnectErrorKind; 7] = [
        ConnectErrorKind::Authentication,
        ConnectErrorKind::AuthorizationViolation,
        ConnectErrorKind::ServerParse,
        ConnectErrorKind::Dns,
        ConnectErrorKind::TimedOut,
        ConnectErrorKind::Tls,
        ConnectErrorKind::Io,
    ];
    match error {
        ClientError::Other(text) => {
            let kind = KINDS.into_iter().find(|kind| kind.to_string() == *text);
            Some(kind.map_or(ErrorCode::DIAL, of_kind))
        }
        ClientError::MaxReconnects | ClientError::ServerNotInPool => None,
    }
}

pub(super) fn of_server(error: &ServerError) -> ErrorCode {
    match error {
        ServerError::AuthorizationViolation => ErrorCode::NATS_UNAUTHORIZED,
        ServerError::SlowConsumer(_) => ErrorCode::NATS_SLOW_CONSUMER,
        ServerError::Other(text) => {
            let text = text.to_ascii_lowercase();
            let known = [
                ("permissions violation", ErrorCode::NATS_NOT_PERMITTED),
                ("authentication", ErrorCode::NATS_UNAUTHORIZED),
                ("maximum payload", ErrorCode::NATS_TOO_LARGE),
                ("invalid subject", ErrorCode::NATS_SUBJECT),
                ("stale connection", ErrorCode::NATS_DISCONNECTED),
            ];
            known
                .into_iter()
                .find(|(part, _)| text.contains(part))
                .map_or(ErrorCode::GENERIC, |(_, code)| code)
        }
    }
}

pub(super) fn of_publish(error: &PublishError) -> ErrorCode {
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => ErrorCode::NATS_TOO_LARGE,
        PublishErrorKind::InvalidSubject => ErrorCode::NATS_SUBJECT,
        PublishErrorKind::Send => ErrorCode::NATS_DISCONNECTED,
    }
}

pub(super) fn of_subscribe(error: &SubscribeError) -> ErrorCode {
    match error.kind() {
        async_nats::client::SubscribeErrorKind::Other => ErrorCode::NATS_DISCONNECTED,
        _ => ErrorCode::NATS_SUBJECT,
    }
}

/// Of a reply to a request: that there is none.
pub fn of_reply(message: &Message) -> Option<ErrorCode> {
    (message.status == Some(StatusCode::NO_RESPONDERS)).then_some(ErrorCode::NATS_NO_RESPONDERS)
}

/// Of an error in an answer of JetStream's: its number
/// (<https://github.com/nats-io/nats-server/blob/main/server/errors.json>), and its status.
pub(super) fn of_jetstream(number: u64, status: u64) -> ErrorCode {
    match (number, status) {
        // Stream not found; no stream matches the subject.
        (10_059 | 10_064, _) => ErrorCode::NATS_NO_STREAM,
        // Expected another.
        (10_060, _) => ErrorCode::NATS_WRONG_STREAM,
        // Message larger than the stream takes; with headers.
        (10_054 | 10_097, _) => ErrorCode::NATS_TOO_LARGE,
        // Storage, memory, account limits, resources; what the store of a stream refuses (its limits).
        (10_023 | 10_028 | 10_047 | 10_002 | 10_122 | 10_077, _) => ErrorCode::NATS_STREAM_FULL,
        (_, 403) => ErrorCode::NATS_NOT_PERMITTED,
        _ => ErrorCode::NATS_JETSTREAM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jetstream_says_has_a_class() {
        for (number, status, code) in [
            (10_059, 404, ErrorCode::NATS_NO_STREAM),
            (10_060, 400, ErrorCode::NATS_WRONG_STREAM),
            (10_077, 503, ErrorCode::NATS_STREAM_FULL),
            (10_054, 400, ErrorCode::NATS_TOO_LARGE),
            (1, 403, ErrorCode::NATS_NOT_PERMITTED),
            (1, 500, ErrorCode::NATS_JETSTREAM),
        ] {
            assert_eq!(of_jetstream(number, status), code, "{number} {status}");
        }
    }

    #[test]
    fn what_a_server_says_has_a_class() {
        for (text, code) in [
            ("Permissions Violation for Publish to \"x\"", ErrorCode::NATS_NOT_PERMITTED),
            ("User Authentication Expired", ErrorCode::NATS_UNAUTHORIZED),
            ("Maximum Payload Violation", ErrorCode::NATS_TOO_LARGE),
            ("something new", ErrorCode::GENERIC),
        ] {
            assert_eq!(of_server(&ServerError::Other(text.to_owned())), code, "{text}");
        }
    }

    #[test]
    fn a_failed_attempt_to_reconnect_is_told_by_its_kind() {
        let told = |kind: ConnectErrorKind| of_client(&ClientError::Other(kind.to_string()));
        assert_eq!(told(ConnectErrorKind::Io), Some(ErrorCode::DIAL));
        assert_eq!(told(ConnectErrorKind::AuthorizationViolation), Some(ErrorCode::NATS_UNAUTHORIZED));
        assert_eq!(told(ConnectErrorKind::TimedOut), Some(ErrorCode::DIAL_TIMEOUT));
        assert_eq!(of_client(&ClientError::MaxReconnects), None);
    }
}
