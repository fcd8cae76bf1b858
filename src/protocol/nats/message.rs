//! Messages on their way out, and their size on the wire (<https://docs.nats.io/reference/reference-protocols/nats-protocol>).

use async_nats::client::PublishError;
use async_nats::{Client, HeaderMap, Message};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};

/// What `CR LF` takes.
const LINE_END: usize = 2;

#[derive(Debug, Clone)]
pub struct Outgoing {
    pub subject: String,
    /// Where the answer goes.
    pub reply: Option<String>,
    pub headers: Option<HeaderMap>,
    pub payload: Bytes,
}

impl Outgoing {
    /// `PUB subject reply length`, or `HPUB` with the headers' length too, and what follows: bytes on the wire, without
    /// TLS.
    pub fn wire_bytes(&self) -> u64 {
        let headers = self.headers.as_ref().filter(|headers| !headers.is_empty()).map_or(0, header_bytes);
        let reply = self.reply.as_ref().map_or(0, |reply| 1 + reply.len());
        let all = headers + self.payload.len();
        let lengths = if headers > 0 { 1 + digits(headers) + 1 + digits(all) } else { 1 + digits(all) };
        let verb = if headers > 0 { "HPUB " } else { "PUB " };
        let line = verb.len() + self.subject.len() + reply + lengths + LINE_END;
        (line + all + LINE_END) as u64
    }

    pub(super) async fn publish(self, client: &Client) -> Result<(), PublishError> {
        let Outgoing { subject, reply, headers, payload } = self;
        match (reply, headers) {
            (None, None) => client.publish(subject, payload).await,
            (None, Some(headers)) => client.publish_with_headers(subject, headers, payload).await,
            (Some(reply), None) => client.publish_with_reply(subject, reply, payload).await,
            (Some(reply), Some(headers)) => {
                client.publish_with_reply_and_headers(subject, reply, headers, payload).await
            }
        }
    }
}

/// Of a message that came in: `MSG subject sid reply length`, with its subscription's number taken for one digit.
pub fn received_bytes(message: &Message) -> u64 {
    let headers = message.headers.as_ref().filter(|headers| !headers.is_empty()).map_or(0, header_bytes);
    let reply = message.reply.as_ref().map_or(0, |reply| 1 + reply.len());
    let all = headers + message.payload.len();
    let lengths = if headers > 0 { 2 + digits(headers) + digits(all) } else { 1 + digits(all) };
    let verb = if headers > 0 { "HMSG " } else { "MSG " };
    let line = verb.len() + message.subject.len() + 2 + reply + lengths + LINE_END;
    (line + all + LINE_END) as u64
}

/// As expressions read them. What no HTTP header could be is left out.
pub fn to_http(headers: Option<&HeaderMap>) -> http::HeaderMap {
    let mut all = http::HeaderMap::new();
    for (name, values) in headers.into_iter().flat_map(HeaderMap::iter) {
        let name: &str = name.as_ref();
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        for value in values {
            if let Ok(value) = HeaderValue::from_str(value.as_str()) {
                all.append(name.clone(), value);
            }
        }
    }
    all
}

/// `NATS/1.0`, a line for each header, an empty line.
fn header_bytes(headers: &HeaderMap) -> usize {
    let line = |name: &str, value: &str| name.len() + 2 + value.len() + LINE_END;
    let lines = headers.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let lines: usize = lines.map(|(name, value)| line(name.as_ref(), value.as_str())).sum();
    "NATS/1.0".len() + LINE_END + lines + LINE_END
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |power| power as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_protocols_text() {
        let payload = Bytes::from_static(b"Hello!");
        let plain = Outgoing { subject: "FOO".to_owned(), reply: None, headers: None, payload };
        assert_eq!(plain.wire_bytes() as usize, "PUB FOO 6\r\nHello!\r\n".len());
        let mut headers = HeaderMap::new();
        headers.insert("Bar", "Baz");
        let full = Outgoing { reply: Some("R.1".to_owned()), headers: Some(headers), ..plain };
        let text = "HPUB FOO R.1 22 28\r\nNATS/1.0\r\nBar: Baz\r\n\r\nHello!\r\n";
        assert_eq!(full.wire_bytes() as usize, text.len());
    }
}
