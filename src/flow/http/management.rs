//! Publishing by RabbitMQ's management API: a message as it is handed in, and what the answer says of it
//! (<https://rawcdn.githack.com/rabbitmq/rabbitmq-server/v3.13.0/deps/rabbitmq_management/priv/www/api/index.html>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::super::{AmqpMessage, Ended, Vu};
use crate::sample::ErrorCode;

/// `POST /api/exchanges/{vhost}/{exchange}/publish`.
pub(super) fn envelope(message: &AmqpMessage, vu: &Vu) -> Result<Bytes, Ended> {
    let message = message.render(vu)?;
    let (payload, encoding) = match std::str::from_utf8(&message.body) {
        Ok(text) => (text.to_owned(), "string"),
        Err(_) => (STANDARD.encode(&message.body), "base64"),
    };
    let envelope = json!({
        "properties": message.json_properties(),
        "routing_key": message.routing_key,
        "payload": payload,
        "payload_encoding": encoding,
    });
    Ok(Bytes::from(envelope.to_string()))
}

#[derive(Deserialize)]
struct Answer {
    routed: bool,
}

/// Why a message that was taken went nowhere.
pub(super) fn refusal(body: &[u8]) -> Option<ErrorCode> {
    match serde_json::from_slice(body) {
        Ok(Answer { routed: true }) => None,
        Ok(Answer { routed: false }) => Some(ErrorCode::AMQP_RETURNED),
        // Whoever it was that answered.
        Err(_) => Some(ErrorCode::MALFORMED_RESPONSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_message_that_some_queue_took_is_published() {
        for (body, expected) in [
            (r#"{"routed":true}"#, None),
            (r#"{"routed":false}"#, Some(ErrorCode::AMQP_RETURNED)),
            ("{}", Some(ErrorCode::MALFORMED_RESPONSE)),
            ("<html>", Some(ErrorCode::MALFORMED_RESPONSE)),
        ] {
            assert_eq!(refusal(body.as_bytes()), expected, "{body}");
        }
    }
}
