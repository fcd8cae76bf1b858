//! Messages as they go out and come in, with AMQP's properties.

use std::hash::{DefaultHasher, Hasher as _};

use amq_protocol::protocol::BasicProperties;
use amq_protocol::types::{AMQPValue, FieldTable, LongString, ShortString};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};

use crate::budget::Charge;

#[derive(Debug)]
pub struct Outgoing {
    pub(super) exchange: ShortString,
    pub(super) routing_key: ShortString,
    /// Comes back where no queue takes it.
    pub(super) mandatory: bool,
    pub(super) properties: BasicProperties,
    pub(super) body: Bytes,
}

/// The properties that are texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextProperty {
    ContentType,
    ContentEncoding,
    CorrelationId,
    ReplyTo,
    Expiration,
    MessageId,
    Type,
    UserId,
    AppId,
}

#[derive(Debug, Clone, Default)]
pub struct Properties {
    basic: BasicProperties,
    headers: FieldTable,
}

/// What a header of our own holds.
#[derive(Debug, Clone, PartialEq)]
pub enum HeaderValue {
    Text(String),
    /// In 32 bits where that is enough, as RabbitMQ's own clients have it.
    Integer(i64),
    Float(f64),
    Boolean(bool),
}

/// A text is longer than the 255 bytes that AMQP has for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("longer than 255 bytes")]
pub struct TooLong;

/// A message that a consumer was sent.
#[derive(Debug)]
pub struct Delivery {
    /// By which it is acknowledged.
    pub number: u64,
    /// It was delivered before, perhaps to somebody else.
    pub redelivered: bool,
    pub body: Bytes,
    pub charge: Charge,
    pub(super) exchange: ShortString,
    pub(super) routing_key: ShortString,
    pub(super) properties: BasicProperties,
}

impl Outgoing {
    /// # Errors
    /// When the name of the exchange or the routing key is too long.
    pub fn new(
        exchange: String,
        routing_key: String,
        mandatory: bool,
        properties: Properties,
        body: Bytes,
    ) -> Result<Self, TooLong> {
        let Properties { basic, headers } = properties;
        let basic = if headers.inner().is_empty() { basic } else { basic.with_headers(headers) };
        Ok(Outgoing {
            exchange: short(exchange)?,
            routing_key: short(routing_key)?,
            mandatory,
            properties: basic,
            body,
        })
    }

    /// What it is known by should it come back.
    pub fn print(&self) -> u64 {
        print(&self.exchange, &self.routing_key, &self.body)
    }

    pub fn is_mandatory(&self) -> bool {
        self.mandatory
    }
}

impl Properties {
    /// # Errors
    /// When the text is too long.
    pub fn text(&mut self, property: TextProperty, text: String) -> Result<(), TooLong> {
        let (text, basic) = (short(text)?, std::mem::take(&mut self.basic));
        self.basic = match property {
            TextProperty::ContentType => basic.with_content_type(text),
            TextProperty::ContentEncoding => basic.with_content_encoding(text),
            TextProperty::CorrelationId => basic.with_correlation_id(text),
            TextProperty::ReplyTo => basic.with_reply_to(text),
            TextProperty::Expiration => basic.with_expiration(text),
            TextProperty::MessageId => basic.with_message_id(text),
            TextProperty::Type => basic.with_type(text),
            TextProperty::UserId => basic.with_user_id(text),
            TextProperty::AppId => basic.with_app_id(text),
        };
        Ok(())
    }

    /// Whether it is kept on disk, where the queue is.
    pub fn persistent(&mut self, persistent: bool) {
        let basic = std::mem::take(&mut self.basic);
        self.basic = basic.with_delivery_mode(if persistent { 2 } else { 1 });
    }

    pub fn priority(&mut self, priority: u8) {
        self.basic = std::mem::take(&mut self.basic).with_priority(priority);
    }

    /// In seconds since 1970, which is all that AMQP has room for.
    pub fn timestamp(&mut self, unix_secs: u64) {
        self.basic = std::mem::take(&mut self.basic).with_timestamp(unix_secs);
    }

    /// # Errors
    /// When the name is too long.
    pub fn header(&mut self, name: String, value: HeaderValue) -> Result<(), TooLong> {
        let value = match value {
            HeaderValue::Text(text) => AMQPValue::LongString(LongString::from(text.into_bytes())),
            HeaderValue::Integer(number) => {
                i32::try_from(number).map_or(AMQPValue::LongLongInt(number), AMQPValue::LongInt)
            }
            HeaderValue::Float(number) => AMQPValue::Double(number),
            HeaderValue::Boolean(value) => AMQPValue::Boolean(value),
        };
        self.headers.insert(short(name)?, value);
        Ok(())
    }
}

impl Delivery {
    /// A header that is a text.
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.properties.headers().as_ref()?.inner().get(name)? {
            AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
            _ => None,
        }
    }

    /// As expressions read them: the properties under their names, then the message's own headers where a name is free. `:`
    /// in a name is read as `_`; what no HTTP header could be is left out, and so are tables and lists.
    pub fn to_http(&self) -> HeaderMap {
        let mut all = HeaderMap::new();
        let properties = &self.properties;
        let texts = [
            ("exchange", Some(&self.exchange)),
            ("routing-key", Some(&self.routing_key)),
            ("content-type", properties.content_type().as_ref()),
            ("content-encoding", properties.content_encoding().as_ref()),
            ("correlation-id", properties.correlation_id().as_ref()),
            ("reply-to", properties.reply_to().as_ref()),
            ("expiration", properties.expiration().as_ref()),
            ("message-id", properties.message_id().as_ref()),
            ("type", properties.kind().as_ref()),
            ("user-id", properties.user_id().as_ref()),
            ("app-id", properties.app_id().as_ref()),
        ];
        for (name, text) in texts {
            text.into_iter().for_each(|text| put(&mut all, name, text.as_str()));
        }
        let numbers = [
            ("delivery-mode", properties.delivery_mode().map(u64::from)),
            ("priority", properties.priority().map(u64::from)),
            ("timestamp", *properties.timestamp()),
        ];
        for (name, number) in numbers {
            number.into_iter().for_each(|number| put(&mut all, name, &number.to_string()));
        }
        put(&mut all, "redelivered", if self.redelivered { "true" } else { "false" });
        for (name, value) in properties.headers().iter().flat_map(|table| table.inner()) {
            text_of(value).into_iter().for_each(|text| put(&mut all, name.as_str(), &text));
        }
        all
    }
}

/// Unless the name is taken.
fn put(all: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.replace(':', "_").as_bytes());
    if let (Ok(name), Ok(value)) = (name, header::HeaderValue::from_str(value)) {
        all.entry(name).or_insert(value);
    }
}

fn text_of(value: &AMQPValue) -> Option<String> {
    Some(match value {
        AMQPValue::LongString(text) => String::from_utf8(text.as_bytes().to_vec()).ok()?,
        AMQPValue::Boolean(value) => value.to_string(),
        AMQPValue::ShortShortInt(number) => number.to_string(),
        AMQPValue::ShortShortUInt(number) => number.to_string(),
        AMQPValue::ShortInt(number) => number.to_string(),
        AMQPValue::ShortUInt(number) => number.to_string(),
        AMQPValue::LongInt(number) => number.to_string(),
        AMQPValue::LongUInt(number) => number.to_string(),
        AMQPValue::LongLongInt(number) => number.to_string(),
        AMQPValue::Float(number) => number.to_string(),
        AMQPValue::Double(number) => number.to_string(),
        AMQPValue::Timestamp(secs) => secs.to_string(),
        _ => return None,
    })
}

pub(super) fn short(text: String) -> Result<ShortString, TooLong> {
    ShortString::try_new(text).map_err(|_| TooLong)
}

/// The same for messages that nothing tells apart, within a run of the program.
pub(super) fn print(exchange: &ShortString, routing_key: &ShortString, body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in [exchange.as_str().as_bytes(), routing_key.as_str().as_bytes(), body] {
        hasher.write(part);
        hasher.write_usize(part.len());
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(properties: Properties) -> Delivery {
        let body = Bytes::from_static(b"x");
        let message = Outgoing::new("e".to_owned(), "k".to_owned(), false, properties, body).unwrap();
        Delivery {
            number: 1,
            redelivered: true,
            body: message.body,
            charge: Charge::default(),
            exchange: message.exchange,
            routing_key: message.routing_key,
            properties: message.properties,
        }
    }

    #[test]
    fn properties_and_headers_are_read_by_name() {
        let mut properties = Properties::default();
        properties.text(TextProperty::ContentType, "application/json".to_owned()).unwrap();
        properties.text(TextProperty::Type, "order".to_owned()).unwrap();
        properties.persistent(true);
        for (name, value) in [("cloudEvents:id", "7"), ("type", "mine"), ("no good", "x")] {
            properties.header(name.to_owned(), HeaderValue::Text(value.to_owned())).unwrap();
        }
        let delivery = delivery(properties);
        let mut found: Vec<(String, String)> = delivery
            .to_http()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        found.sort();
        let expected = [
            ("cloudevents_id", "7"),
            ("content-type", "application/json"),
            ("delivery-mode", "2"),
            ("exchange", "e"),
            ("redelivered", "true"),
            ("routing-key", "k"),
            ("type", "order"),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((delivery.header("type"), delivery.header("nothing")), (Some("mine"), None));
    }

    #[test]
    fn a_name_has_at_most_255_bytes() {
        let long = "x".repeat(256);
        let mut properties = Properties::default();
        assert_eq!(properties.text(TextProperty::MessageId, long.clone()), Err(TooLong));
        assert_eq!(properties.header(long.clone(), HeaderValue::Boolean(true)), Err(TooLong));
        properties.header("value".to_owned(), HeaderValue::Text(long.clone())).unwrap();
        assert!(Outgoing::new(long, String::new(), false, properties, Bytes::new()).is_err());
    }

    #[test]
    fn a_print_tells_messages_apart() {
        let print = |exchange: &str, key: &str, body: &[u8]| {
            print(&ShortString::from(exchange), &ShortString::from(key), body)
        };
        assert_eq!(print("a", "b", b"c"), print("a", "b", b"c"));
        for other in [print("ab", "", b"c"), print("a", "bc", b""), print("a", "b", b"d")] {
            assert_ne!(print("a", "b", b"c"), other);
        }
    }
}
