//! Steps of whatever protocol that publish or receive the events of a ledger, compiled.

use std::borrow::Cow;
use std::time::Duration;

use http::HeaderName;
use serde_json::Value as Json;

use super::Steps;
use crate::config::{At, CloudEventConfig, Place, Problem};
use crate::flow::{Headers, PublishedEvents, ReceivedEvents};
use crate::labels::Labels;
use crate::ledger::{FIELD, HEADER};
use crate::metric;

impl Steps<'_> {
    /// For a step of any protocol that publishes events.
    pub(super) fn published(&mut self, ledger: &At<String>, labels: &Labels) -> Option<PublishedEvents> {
        self.refuse_ledger_outside_the_load(ledger)?;
        let labels = labels.with("ledger", &ledger.value);
        let published = self.registry.intern(metric::EVENTS_PUBLISHED, &labels);
        Some(PublishedEvents { ledger: self.files.ledgers.publish(ledger), published })
    }

    /// As [`published`](Self::published), where the message's templates say where the token stands: the step sees it as
    /// the name `loadgateevent`, and so do those that follow.
    pub(super) fn announced(&mut self, ledger: &At<String>, labels: &Labels) -> Option<PublishedEvents> {
        self.names.add(FIELD);
        self.published(ledger, labels)
    }

    /// With the token among them, unless the plan has it there.
    pub(super) fn carry(&mut self, headers: &mut Headers) {
        let Ok(name) = HeaderName::from_bytes(HEADER.as_bytes()) else { return };
        let given =
            headers.constant.contains_key(&name) || headers.templates.iter().any(|(known, _)| *known == name);
        if !given && let Some(template) = self.template(&At::new(token(), Place::default())) {
            headers.templates.push((name, template));
        }
    }

    /// For a step of any protocol that receives events; `shared`: among all that name the same source.
    pub(super) fn received(
        &mut self,
        ledger: &At<String>,
        shared: bool,
        wait: Duration,
        labels: &Labels,
    ) -> Option<ReceivedEvents> {
        self.refuse_ledger_outside_the_load(ledger)?;
        let labels = labels.with("ledger", &ledger.value);
        let series = |id| self.registry.intern(id, &labels);
        Some(ReceivedEvents {
            ledger: self.files.ledgers.receive(ledger, shared),
            shared,
            wait,
            received: series(metric::EVENTS_RECEIVED),
            duplicated: series(metric::EVENTS_DUPLICATED),
            reordered: series(metric::EVENTS_REORDERED),
            latency: series(metric::EVENT_LATENCY),
        })
    }

    fn refuse_ledger_outside_the_load(&mut self, ledger: &At<String>) -> Option<()> {
        let Some(procedure) = self.procedure else { return Some(()) };
        let message = format!("a `ledger` in `{procedure}`");
        let help = "events are of the load: publish and receive them in a scenario's flow";
        self.problems.push(Problem::new(ledger.place, message).help(help));
        None
    }
}

/// A template of an event's token.
fn token() -> String {
    format!("{{{{ {FIELD} }}}}")
}

/// Whether a text of the plan has the word by which the token is found; a template of the token alone does not say it.
pub(super) fn carries(text: &str) -> bool {
    text.split("{{").enumerate().any(|(at, part)| {
        let outside = if at == 0 { part } else { part.split_once("}}").map_or("", |(_, after)| after) };
        outside.contains(FIELD)
    })
}

/// As [`carries`], at any depth.
pub(super) fn json_carries(document: &Json) -> bool {
    match document {
        Json::Object(fields) => fields.iter().any(|(name, value)| name == FIELD || json_carries(value)),
        Json::Array(items) => items.iter().any(json_carries),
        Json::String(text) => carries(text),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// A document that is published with a ledger: with the token at the top, unless it has a place for it already or can have
/// none.
pub(super) fn carrying<'a>(document: &'a At<Json>, ledger: Option<&At<String>>) -> Cow<'a, At<Json>> {
    match &document.value {
        Json::Object(fields) if ledger.is_some() && !json_carries(&document.value) => {
            let mut fields = fields.clone();
            fields.insert(FIELD.to_owned(), token().into());
            Cow::Owned(At::new(Json::Object(fields), document.place))
        }
        _ => Cow::Borrowed(document),
    }
}

/// An event has it as an attribute.
pub(super) fn carry_as_attribute(event: &mut CloudEventConfig) {
    if !event.extensions.iter().any(|(name, _)| name.value == FIELD) {
        let text = |text: String| At::new(text, event.source.place);
        event.extensions.push((text(FIELD.to_owned()), text(token())));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_has_the_token_at_the_top_unless_it_has_a_place_for_it() {
        let ledger = At::new("events".to_owned(), Place::default());
        for (written, sent) in [
            (json!({"n": 1}), json!({"n": 1, "loadgateevent": "{{ loadgateevent }}"})),
            (
                json!({"id": "{{ loadgateevent }}"}),
                json!({"id": "{{ loadgateevent }}", "loadgateevent": "{{ loadgateevent }}"}),
            ),
            (
                json!({"data": {"loadgateevent": "{{ loadgateevent }}"}}),
                json!({"data": {"loadgateevent": "{{ loadgateevent }}"}}),
            ),
            (
                json!({"data": ["a, loadgateevent={{ loadgateevent }}"]}),
                json!({"data": ["a, loadgateevent={{ loadgateevent }}"]}),
            ),
            (json!([1]), json!([1])),
        ] {
            let document = At::new(written, Place::default());
            assert_eq!(carrying(&document, Some(&ledger)).value, sent);
            assert_eq!(carrying(&document, None).value, document.value);
        }
    }
}
