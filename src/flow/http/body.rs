//! Bodies of requests.

use std::borrow::Cow;
use std::io::Write as _;

use bytes::Bytes;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::header::{CONTENT_TYPE, HeaderMap};

use super::super::event::{Event, Mode};
use super::super::{Ended, Vu};
use super::multipart::Multipart;
use super::request::header_value;
use crate::template::{JsonTemplate, Template};

#[derive(Debug)]
pub enum Body {
    None,
    Constant(Bytes),
    Text(Template),
    Json(JsonTemplate),
    Form(Vec<(Template, Template)>),
    Multipart(Multipart),
    Event(Mode, Event),
    /// Its `Content-Encoding` is among the constant headers.
    Compressed(Compression, Box<Body>),
}

/// What a body can be compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    Gzip,
    /// RFC 1950's format, as RFC 9110 has it.
    Deflate,
}

impl Body {
    /// The bytes; headers that come with them are added, but for those that are there.
    pub(super) fn render(&self, vu: &Vu, headers: &mut Cow<'_, HeaderMap>) -> Result<Bytes, Ended> {
        match self {
            Body::None => Ok(Bytes::new()),
            Body::Constant(bytes) => Ok(bytes.clone()),
            Body::Text(template) => vu.render(template).map(Bytes::from),
            Body::Json(template) => Ok(Bytes::from(template.render(&vu.scope())?.into_owned())),
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
            Body::Compressed(compression, body) => Ok(compression.compress(&body.render(vu, headers)?)),
        }
    }
}

impl Compression {
    /// The name in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Deflate => "deflate",
        }
    }

    pub fn compress(self, bytes: &[u8]) -> Bytes {
        let level = flate2::Compression::default();
        let compressed = match self {
            Compression::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
            Compression::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
        };
        // Writing into memory does not fail.
        Bytes::from(compressed.unwrap_or_default())
    }
}
