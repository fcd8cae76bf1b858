//! CloudEvents 1.0 (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>), whatever carries
//! them: attributes, data, and the JSON format. How attributes become headers is each protocol's own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::Ended;
use crate::template::{Scope, Template};

/// How an event is put into a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Attributes and data as one JSON document.
    Structured,
    /// Attributes as headers, data as the body.
    Binary,
}

#[derive(Debug)]
pub struct Event {
    /// `specversion` first; names are checked.
    pub attributes: Vec<Attribute>,
    pub data: EventData,
}

#[derive(Debug)]
pub struct Attribute {
    pub name: String,
    pub value: Template,
    /// Else it is left out where it comes out empty, which no attribute may be.
    pub required: bool,
}

#[derive(Debug)]
pub enum EventData {
    None,
    Json(Template),
    /// Of a media type that is not JSON.
    Text(Template),
    Binary(Bytes),
}

/// An event whose templates are filled in.
#[derive(Debug)]
pub(super) struct RenderedEvent<'a> {
    attributes: Vec<(&'a str, String)>,
    data: RenderedData,
}

#[derive(Debug)]
enum RenderedData {
    None,
    Json(String),
    Text(String),
    Binary(Bytes),
}

impl Event {
    pub(super) fn render(&self, scope: &Scope<'_>) -> Result<RenderedEvent<'_>, Ended> {
        let mut attributes = Vec::with_capacity(self.attributes.len());
        for Attribute { name, value, required } in &self.attributes {
            let value = value.render(scope)?.into_owned();
            if !value.is_empty() {
                attributes.push((name.as_str(), value));
            } else if *required {
                return Err(Ended::Error(format!("the event's attribute `{name}` is empty")));
            }
        }
        let data = match &self.data {
            EventData::None => RenderedData::None,
            EventData::Json(json) => RenderedData::Json(json.render(scope)?.into_owned()),
            EventData::Text(text) => RenderedData::Text(text.render(scope)?.into_owned()),
            EventData::Binary(bytes) => RenderedData::Binary(bytes.clone()),
        };
        Ok(RenderedEvent { attributes, data })
    }
}

impl RenderedEvent<'_> {
    pub(super) fn attributes(&self) -> &[(&str, String)] {
        &self.attributes
    }

    /// The data as it is, for the binary mode.
    pub(super) fn into_data(self) -> Bytes {
        match self.data {
            RenderedData::None => Bytes::new(),
            RenderedData::Json(text) | RenderedData::Text(text) => Bytes::from(text),
            RenderedData::Binary(bytes) => bytes,
        }
    }

    /// The JSON event format, for the structured mode.
    pub(super) fn structured(&self) -> Bytes {
        let mut json = String::from("{");
        for (name, value) in &self.attributes {
            push_member(name, &quoted(value), &mut json);
        }
        match &self.data {
            RenderedData::None => {}
            RenderedData::Json(data) => push_member("data", data, &mut json),
            RenderedData::Text(data) => push_member("data", &quoted(data), &mut json),
            RenderedData::Binary(data) => {
                push_member("data_base64", &quoted(&STANDARD.encode(data)), &mut json);
            }
        }
        json.push('}');
        Bytes::from(json)
    }
}

fn push_member(name: &str, json: &str, out: &mut String) {
    if out.len() > 1 {
        out.push(',');
    }
    out.push_str(&quoted(name));
    out.push(':');
    out.push_str(json);
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An attribute as the value of a header: the rule of the HTTP and NATS bindings (3.1.3.2 of both) for what is no printable
/// ASCII, and space, `"` and `%`.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!' | b'#' | b'$' | b'&'..=b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_percent_encoded_as_the_binding_says() {
        // The first is the specification's own example.
        for (text, encoded) in [
            ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
            ("a\"b%c", "a%22b%25c"),
            ("/x?y=z&#~", "/x?y=z&#~"),
        ] {
            assert_eq!(percent_encoded(text), encoded);
        }
    }
}
