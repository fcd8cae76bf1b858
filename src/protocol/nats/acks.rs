//! Acknowledgements of JetStream.

use async_nats::{Message, StatusCode};
use serde::Deserialize;

use super::failure::{of_jetstream, of_reply};
use crate::sample::ErrorCode;

/// What JetStream says of a message that it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ack {
    /// The stream had a message with this `Nats-Msg-Id` already, and did not take it once more.
    pub duplicate: bool,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default, borrow)]
    stream: Option<&'a str>,
    #[serde(default)]
    duplicate: bool,
    #[serde(default)]
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: u64,
    #[serde(default)]
    err_code: u64,
}

/// `stream` is the one that should have taken it.
///
/// # Errors
/// No stream, another stream, a full one, or whatever else JetStream refuses for.
pub fn ack_of(message: &Message, stream: &str) -> Result<Ack, ErrorCode> {
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        return Err(ErrorCode::NATS_NO_STREAM);
    }
    parse(&message.payload, stream)
}

fn parse(payload: &[u8], stream: &str) -> Result<Ack, ErrorCode> {
    let answer: Answer<'_> = serde_json::from_slice(payload).map_err(|_| ErrorCode::NATS_JETSTREAM)?;
    if let Some(Refusal { code, err_code }) = answer.error {
        return Err(of_jetstream(err_code, code));
    }
    match answer.stream {
        Some(taken_by) if taken_by == stream => Ok(Ack { duplicate: answer.duplicate }),
        Some(_) => Err(ErrorCode::NATS_WRONG_STREAM),
        None => Err(ErrorCode::NATS_JETSTREAM),
    }
}

/// Why JetStream's API refuses a request.
pub fn refusal_of(message: &Message) -> Option<ErrorCode> {
    if let Some(nobody) = of_reply(message) {
        return Some(nobody);
    }
    match serde_json::from_slice(&message.payload) {
        Ok(Answer { error, .. }) => error.map(|Refusal { code, err_code }| of_jetstream(err_code, code)),
        Err(_) => Some(ErrorCode::NATS_JETSTREAM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_names_the_stream_and_says_whether_it_is_a_duplicate() {
        let ack = |duplicate| Ok(Ack { duplicate });
        for (payload, expected) in [
            (r#"{"stream":"S","seq":5}"#, ack(false)),
            (r#"{"stream":"S","seq":5,"duplicate":true,"domain":"d"}"#, ack(true)),
            (r#"{"stream":"T","seq":5}"#, Err(ErrorCode::NATS_WRONG_STREAM)),
            (
                r#"{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"S","seq":0}"#,
                Err(ErrorCode::NATS_STREAM_FULL),
            ),
            ("{}", Err(ErrorCode::NATS_JETSTREAM)),
            ("+ACK", Err(ErrorCode::NATS_JETSTREAM)),
        ] {
            assert_eq!(parse(payload.as_bytes(), "S"), expected, "{payload}");
        }
    }
}
