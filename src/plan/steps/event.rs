//! CloudEvents, compiled.

use super::Steps;
use crate::config::{At, CloudEventConfig, EventDataConfig, EventMode, Place, Problem};
use crate::flow::{Attribute, Event, EventData, Mode};
use crate::template::Template;

impl Steps<'_> {
    pub(super) fn event(&mut self, event: &CloudEventConfig) -> Option<Event> {
        let nowhere = Place::default();
        let or = |given: &Option<At<String>>, default: &str| {
            given.clone().unwrap_or_else(|| At::new(default.to_owned(), nowhere))
        };
        let default_type = match &event.data {
            EventDataConfig::None => None,
            EventDataConfig::Json(_) => Some(At::new("application/json".to_owned(), nowhere)),
            EventDataConfig::File(_) => Some(At::new("application/octet-stream".to_owned(), nowhere)),
        };
        let datacontenttype = event.datacontenttype.clone().or(default_type);
        let required = [
            ("specversion", At::new("1.0".to_owned(), nowhere)),
            ("id", or(&event.id, "{{ uuid() }}")),
            ("source", event.source.clone()),
            ("type", event.kind.clone()),
        ];
        let optional = [
            ("subject", event.subject.clone()),
            ("time", Some(or(&event.time, "{{ now() }}"))),
            ("datacontenttype", datacontenttype.clone()),
            ("dataschema", event.dataschema.clone()),
        ];
        let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let extensions = event.extensions.iter().map(|(name, value)| (name.value.as_str(), value.clone()));
        let all = required.into_iter().map(|(name, value)| (name, value, true));
        let all = all.chain(optional.chain(extensions).map(|(name, value)| (name, value, false)));
        let mut attributes = Vec::new();
        for (name, text, required) in all {
            let Some(value) = self.template(&text) else { continue };
            self.check_attribute(name, &value, text.place);
            attributes.push(Attribute { name: name.to_owned(), value, required });
        }
        Some(Event { attributes, data: self.event_data(event, datacontenttype.as_ref())? })
    }

    fn event_data(&mut self, event: &CloudEventConfig, media_type: Option<&At<String>>) -> Option<EventData> {
        Some(match &event.data {
            EventDataConfig::None => EventData::None,
            EventDataConfig::File(path) => EventData::Binary(self.file(path)?),
            EventDataConfig::Json(data) if media_type.is_none_or(|it| is_json(&it.value)) => {
                EventData::Json(self.json(data)?)
            }
            EventDataConfig::Json(At { value: serde_json::Value::String(text), place }) => {
                EventData::Text(self.template(&At::new(text.clone(), *place))?)
            }
            EventDataConfig::Json(data) => {
                let message = "data that is not JSON must be a text";
                let help = "write a text, or leave out `datacontenttype`";
                self.problems.push(Problem::new(data.place, message).help(help));
                return None;
            }
        })
    }

    /// What is known of an attribute when the plan is loaded must be right.
    fn check_attribute(&mut self, name: &str, value: &Template, place: Place) {
        let Some(text) = value.constant() else { return };
        let expected = match name {
            "source" | "dataschema" if text.chars().any(|it| it.is_whitespace() || it.is_control()) => {
                "expected a URI such as `/orders` or `https://shop.example/orders`"
            }
            "time" if !is_rfc3339(text) => "expected a time such as `2026-01-31T12:00:00Z` (RFC 3339)",
            "datacontenttype" if !text.contains('/') => "expected a media type such as `application/json`",
            _ if text.is_empty() => "an attribute cannot be empty: leave it out",
            _ => return,
        };
        let problem = Problem::new(place, format!("`{text}` cannot be the event's `{name}`"));
        self.problems.push(problem.help(expected));
    }
}

pub(super) fn mode(mode: EventMode) -> Mode {
    match mode {
        EventMode::Structured => Mode::Structured,
        EventMode::Binary => Mode::Binary,
    }
}

/// The specification's rule for what is a JSON value in `data`: `*/json` and `*/*+json`.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

fn is_rfc3339(text: &str) -> bool {
    const SHAPE: &str = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$";
    regex::Regex::new(SHAPE).is_ok_and(|shape| shape.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_of_rfc_3339() {
        for (text, right) in [
            ("2026-01-31T12:00:00Z", true),
            ("2026-01-31t12:00:00.123456+02:00", true),
            ("2026-01-31 12:00:00Z", false),
            ("2026-13-31T12:00:00Z", false),
            ("2026-01-31T12:00:00", false),
            ("yesterday", false),
        ] {
            assert_eq!(is_rfc3339(text), right, "{text}");
        }
    }

    #[test]
    fn json_is_told_by_its_media_type() {
        for (media_type, json) in [
            ("application/json", true),
            ("text/json; charset=utf-8", true),
            ("application/vnd.x+JSON", true),
            ("application/xml", false),
            ("application/jsonlines", false),
        ] {
            assert_eq!(is_json(media_type), json, "{media_type}");
        }
    }
}
