//! Bodies of requests, compiled.

use bytes::Bytes;

use super::Steps;
use super::event::mode;
use super::ledger::{carry_as_attribute, carrying};
use crate::config::{At, BodyConfig, EventMode, PartConfig, PartContentConfig, PayloadConfig, Problem};
use crate::flow::{Body, Mode, Multipart, Part, PartContent};
use crate::template::Template;

const BINARY: &str = "application/octet-stream";

impl Steps<'_> {
    /// The body, and the `Content-Type` that it has unless the plan gives another.
    pub(super) fn body(
        &mut self,
        body: Option<&BodyConfig>,
        headers: &[(At<String>, At<String>)],
    ) -> Option<(Body, Option<&'static str>)> {
        let constant = |text: &str| Body::Constant(Bytes::copy_from_slice(text.as_bytes()));
        Some(match body {
            None => (Body::None, None),
            Some(BodyConfig::Text(text)) => {
                let template = self.template(text)?;
                (template.constant().map(constant).unwrap_or(Body::Text(template)), None)
            }
            Some(BodyConfig::Json(document)) => {
                let template = self.json(document)?;
                let body = template.constant().map(constant).unwrap_or(Body::Text(template));
                (body, Some("application/json"))
            }
            Some(BodyConfig::Form(fields)) => {
                let pairs: Vec<_> =
                    fields.iter().map(|(name, value)| (self.template(name), self.template(value))).collect();
                let pairs = pairs.into_iter().map(|(name, value)| name.zip(value)).collect::<Option<_>>()?;
                (Body::Form(pairs), Some("application/x-www-form-urlencoded"))
            }
            Some(BodyConfig::File(path)) => (Body::Constant(self.file(path)?), Some(BINARY)),
            Some(BodyConfig::Multipart(parts)) => {
                self.refuse_content_type(headers);
                let parts: Vec<Option<Part>> = parts.iter().map(|part| self.part(part)).collect();
                (Body::Multipart(Multipart(parts.into_iter().collect::<Option<_>>()?)), None)
            }
            Some(BodyConfig::CloudEvent(event)) => {
                let content_type = match event.mode {
                    EventMode::Structured => Some("application/cloudevents+json"),
                    EventMode::Binary => None,
                };
                let (mode, event): (Mode, _) = (mode(event.mode), self.event(event)?);
                (Body::Event(mode, event), content_type)
            }
            Some(BodyConfig::Rabbitmq(rabbitmq)) => {
                let message = self.amqp_message(&rabbitmq.message)?;
                (Body::Rabbitmq(Box::new(message)), Some("application/json"))
            }
        })
    }

    fn part(&mut self, part: &PartConfig) -> Option<Part> {
        let name = self.template(&part.name);
        let (content, file_name) = match &part.content {
            PartContentConfig::Text(text) => (self.template(text).map(PartContent::Text), None),
            PartContentConfig::File(path) => {
                let name = std::path::Path::new(&path.value).file_name()?.to_string_lossy().into_owned();
                (self.file(path).map(PartContent::File), Some(name))
            }
        };
        let is_file = file_name.is_some();
        let filename = match (&part.filename, file_name) {
            (Some(given), _) => Some(self.template(given)?),
            (None, Some(name)) => Some(Template::literal(&name)),
            (None, None) => None,
        };
        let content_type = match &part.content_type {
            Some(given) => Some(self.template(given)?),
            None if is_file => Some(Template::literal(BINARY)),
            None => None,
        };
        Some(Part { name: name?, filename, content_type, content: content? })
    }

    /// The content of a file that the plan names.
    pub(super) fn file(&mut self, path: &At<String>) -> Option<Bytes> {
        let resolved = self.files.resolve(&path.value);
        self.files.read(&resolved).map_err(|why| self.problems.push(Problem::new(path.place, why))).ok()
    }

    /// Only the body knows where one of its parts ends.
    fn refuse_content_type(&mut self, headers: &[(At<String>, At<String>)]) {
        for (name, _) in headers.iter().filter(|(name, _)| name.value.eq_ignore_ascii_case("content-type")) {
            let message = "`multipart` has a `Content-Type` of its own, with the boundary of its parts";
            self.problems.push(Problem::new(name.place, message));
        }
    }
}

/// With an event's token where a ledger's receivers find it; in a text only where the plan puts it.
pub(super) fn carrying_body(body: &BodyConfig, ledger: &At<String>) -> BodyConfig {
    let mut body = body.clone();
    match &mut body {
        BodyConfig::Json(document) => *document = carrying(document, Some(ledger)).into_owned(),
        BodyConfig::CloudEvent(event) => carry_as_attribute(event),
        BodyConfig::Rabbitmq(publish) => match &mut publish.message.payload {
            PayloadConfig::Json(document) => *document = carrying(document, Some(ledger)).into_owned(),
            PayloadConfig::CloudEvent(event) => carry_as_attribute(event),
            PayloadConfig::Empty | PayloadConfig::Text(_) | PayloadConfig::File(_) => {}
        },
        BodyConfig::Text(_) | BodyConfig::Form(_) | BodyConfig::File(_) | BodyConfig::Multipart(_) => {}
    }
    body
}
