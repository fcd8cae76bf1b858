//! Messages of protocols without media types of their own, compiled.

use bytes::Bytes;

use super::Steps;
use super::event::mode;
use crate::config::PayloadConfig;
use crate::flow::Payload;
use crate::template::Template;

impl Steps<'_> {
    pub(super) fn payload(&mut self, payload: &PayloadConfig) -> Option<Payload> {
        let text = |template: Template| match template.constant() {
            Some(text) => Payload::Constant(Bytes::copy_from_slice(text.as_bytes())),
            None => Payload::Text(template),
        };
        Some(match payload {
            PayloadConfig::Empty => Payload::Constant(Bytes::new()),
            PayloadConfig::Json(document) => text(self.json(document)?),
            PayloadConfig::Text(template) => text(self.template(template)?),
            PayloadConfig::File(path) => Payload::Constant(self.file(path)?),
            PayloadConfig::CloudEvent(event) => Payload::Event(mode(event.mode), self.event(event)?),
        })
    }
}
