//! What a message of a protocol without media types of its own holds.

use bytes::Bytes;

use super::event::percent_encoded;
use super::{Ended, Event, Mode, Vu};
use crate::template::Template;

#[derive(Debug)]
pub enum Payload {
    /// Made once, shared by all; perhaps empty.
    Constant(Bytes),
    Text(Template),
    Event(Mode, Event),
}

/// A message that is filled in.
#[derive(Debug)]
pub(super) struct RenderedPayload {
    pub(super) body: Bytes,
    /// Attributes of an event, as headers.
    pub(super) headers: Vec<(String, String)>,
}

impl Payload {
    pub(super) fn render(&self, vu: &Vu) -> Result<RenderedPayload, Ended> {
        self.render_as(vu, |name, value| (format!("ce-{name}"), percent_encoded(value)))
    }

    /// `header` makes one of an event's attribute.
    pub(super) fn render_as(
        &self,
        vu: &Vu,
        header: impl Fn(&str, &str) -> (String, String),
    ) -> Result<RenderedPayload, Ended> {
        let plain = |body| RenderedPayload { body, headers: Vec::new() };
        Ok(match self {
            Payload::Constant(bytes) => plain(bytes.clone()),
            Payload::Text(template) => plain(Bytes::from(vu.render(template)?)),
            Payload::Event(Mode::Structured, event) => plain(event.render(&vu.scope())?.structured()),
            Payload::Event(Mode::Binary, event) => {
                let event = event.render(&vu.scope())?;
                let headers = event.attributes().iter().map(|(name, value)| header(name, value)).collect();
                RenderedPayload { body: event.into_data(), headers }
            }
        })
    }
}
