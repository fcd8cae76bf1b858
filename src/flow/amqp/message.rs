//! What is published, as the plan has it and filled in, for AMQP itself and for the management API.

use bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::super::{Ended, Payload, Vu};
use crate::protocol::amqp::{HeaderValue, Outgoing, Properties, TextProperty, TooLong};
use crate::template::Template;

#[derive(Debug)]
pub struct AmqpMessage {
    /// Empty: the default exchange, which takes a queue's name as routing key.
    pub exchange: Template,
    pub routing_key: Template,
    pub payload: Payload,
    pub properties: AmqpProperties,
    pub headers: Vec<(String, AmqpHeader)>,
}

#[derive(Debug)]
pub enum AmqpHeader {
    Text(Template),
    Constant(HeaderValue),
}

#[derive(Debug)]
pub struct AmqpProperties {
    pub texts: Vec<(TextProperty, Template)>,
    pub persistent: Option<bool>,
    pub priority: Option<u8>,
    /// In seconds since 1970.
    pub timestamp: Option<Template>,
}

/// A message whose templates are filled in.
#[derive(Debug)]
pub(in crate::flow) struct RenderedMessage {
    exchange: String,
    pub(in crate::flow) routing_key: String,
    /// Of two that are the same the later holds.
    texts: Vec<(TextProperty, String)>,
    persistent: Option<bool>,
    priority: Option<u8>,
    timestamp: Option<u64>,
    pub(super) headers: Vec<(String, HeaderValue)>,
    pub(in crate::flow) body: Bytes,
}

impl AmqpMessage {
    pub(in crate::flow) fn render(&self, vu: &Vu) -> Result<RenderedMessage, Ended> {
        let payload = self.payload.render_as(vu, |name, value| (name.to_owned(), value.to_owned()))?;
        let (mut texts, mut headers) = (Vec::new(), Vec::new());
        // The AMQP binding's binary mode: the data's type is the message's, all else is headers with a prefix.
        for (attribute, value) in payload.headers {
            match attribute.as_str() {
                "datacontenttype" => texts.push((TextProperty::ContentType, value)),
                _ => headers.push((format!("cloudEvents:{attribute}"), HeaderValue::Text(value))),
            }
        }
        for (property, template) in &self.properties.texts {
            texts.push((*property, vu.render(template)?));
        }
        for (name, header) in &self.headers {
            let value = match header {
                AmqpHeader::Text(template) => HeaderValue::Text(vu.render(template)?),
                AmqpHeader::Constant(value) => value.clone(),
            };
            headers.push((name.clone(), value));
        }
        let timestamp = match &self.properties.timestamp {
            Some(template) => Some(unix_secs(&vu.render(template)?)?),
            None => None,
        };
        Ok(RenderedMessage {
            exchange: vu.render(&self.exchange)?,
            routing_key: vu.render(&self.routing_key)?,
            texts,
            persistent: self.properties.persistent,
            priority: self.properties.priority,
            timestamp,
            headers,
            body: payload.body,
        })
    }
}

fn unix_secs(text: &str) -> Result<u64, Ended> {
    text.trim()
        .parse()
        .map_err(|_| Ended::Error(format!("`{text}` is no timestamp: expected whole seconds since 1970")))
}

impl RenderedMessage {
    pub(super) fn into_outgoing(self, mandatory: bool) -> Result<Outgoing, Ended> {
        let mut properties = Properties::default();
        for (property, text) in self.texts {
            properties.text(property, text).map_err(|TooLong| too_long(json_name(property)))?;
        }
        if let Some(persistent) = self.persistent {
            properties.persistent(persistent);
        }
        if let Some(priority) = self.priority {
            properties.priority(priority);
        }
        if let Some(timestamp) = self.timestamp {
            properties.timestamp(timestamp);
        }
        for (name, value) in self.headers {
            properties.header(name, value).map_err(|TooLong| too_long("headers"))?;
        }
        let message = Outgoing::new(self.exchange, self.routing_key, mandatory, properties, self.body);
        message.map_err(|TooLong| too_long("exchange` or `routing_key"))
    }

    /// The properties as the management API takes them.
    pub(in crate::flow) fn json_properties(&self) -> Json {
        let mut all = Map::new();
        for (property, text) in &self.texts {
            all.insert(json_name(*property).to_owned(), Json::from(text.as_str()));
        }
        let numbers = [
            ("delivery_mode", self.persistent.map(|persistent| if persistent { 2 } else { 1 })),
            ("priority", self.priority.map(u64::from)),
            ("timestamp", self.timestamp),
        ];
        for (name, number) in numbers {
            number.into_iter().for_each(|number| drop(all.insert(name.to_owned(), Json::from(number))));
        }
        if !self.headers.is_empty() {
            let headers = self.headers.iter().map(|(name, value)| (name.clone(), json_value(value)));
            all.insert("headers".to_owned(), Json::Object(headers.collect()));
        }
        Json::Object(all)
    }
}

fn json_value(value: &HeaderValue) -> Json {
    match value {
        HeaderValue::Text(text) => Json::from(text.as_str()),
        HeaderValue::Integer(number) => Json::from(*number),
        HeaderValue::Float(number) => Json::from(*number),
        HeaderValue::Boolean(value) => Json::from(*value),
    }
}

/// As the management API, and a plan, call them.
fn json_name(property: TextProperty) -> &'static str {
    match property {
        TextProperty::ContentType => "content_type",
        TextProperty::ContentEncoding => "content_encoding",
        TextProperty::CorrelationId => "correlation_id",
        TextProperty::ReplyTo => "reply_to",
        TextProperty::Expiration => "expiration",
        TextProperty::MessageId => "message_id",
        TextProperty::Type => "type",
        TextProperty::UserId => "user_id",
        TextProperty::AppId => "app_id",
    }
}

fn too_long(what: &str) -> Ended {
    Ended::Error(format!("`{what}` is longer than the 255 bytes that AMQP has for it"))
}
