//! Bodies of requests.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};

use super::super::event::{Event, Mode};
use super::super::{AmqpMessage, Ended, Vu};
use super::multipart::Multipart;
use super::request::header_value;
use crate::protocol::encoding::{Encoding, compress};
use crate::template::Template;

#[derive(Debug)]
pub enum Body {
    None,
    Constant(Bytes),
    Text(Template),
    Form(Vec<(Template, Template)>),
    Multipart(Multipart),
    Event(Mode, Event),
    /// For RabbitMQ's management API to publish.
    Rabbitmq(Box<AmqpMessage>),
    /// Its `Content-Encoding` is among the constant headers.
    Compressed(Vec<Encoding>, Box<Body>),
}

impl Body {
    /// The bytes; headers that come with them are added, but for those that are there.
    pub(super) fn render(&self, vu: &Vu, headers: &mut Cow<'_, HeaderMap>) -> Result<Bytes, Ended> {
        match self {
            Body::None => Ok(Bytes::new()),
            Body::Constant(bytes) => Ok(bytes.clone()),
            Body::Text(template) => vu.render(template).map(Bytes::from),
            Body::Form(fields) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                for (name, value) in fields {
                    form.append_pair(&vu.render(name)?, &vu.render(value)?);
                }
                Ok(Bytes::from(form.finish()))
            }
            Body::Multipart(multipart) => {
                let (content_type, bytes) = multipart.render(vu)?;
                headers.to_mut().insert(CONTENT_TYPE, header_value(&CONTENT_TYPE, &content_type)?);
                Ok(bytes)
            }
            Body::Event(mode, event) => {
                let event = event.render(&vu.scope())?;
                match mode {
                    Mode::Structured => Ok(event.structured()),
                    Mode::Binary => {
                        super::event::add_headers(&event, headers.to_mut())?;
                        Ok(event.into_data())
                    }
                }
            }
            Body::Rabbitmq(message) => super::management::envelope(message, vu),
            Body::Compressed(encodings, body) => {
                let plain = body.render(vu, headers)?;
                compress(encodings, &plain)
                    .map(Bytes::from)
                    .map_err(|error| Ended::Error(format!("the body cannot be compressed: {error}")))
            }
        }
    }
}
