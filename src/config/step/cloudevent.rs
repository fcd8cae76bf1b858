//! CloudEvents 1.0, for every step that can send one.

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::fields::{Element, Fields, Reader, Value};
use super::super::node::Node;
use super::super::schema::{Schemas, or_filled};
use super::super::value::{AttributeName, FilePath, Table, Template, word};

/// Texts in it are templates.
#[derive(Debug, Clone)]
pub struct CloudEventConfig {
    pub mode: EventMode,
    /// Default: a random UUID.
    pub id: Option<At<String>>,
    pub source: At<String>,
    pub kind: At<String>,
    pub subject: Option<At<String>>,
    /// Default: now.
    pub time: Option<At<String>>,
    /// Default `application/json` where there is `data`, `application/octet-stream` where there is a `file`.
    pub datacontenttype: Option<At<String>>,
    pub dataschema: Option<At<String>>,
    pub extensions: Vec<(At<String>, At<String>)>,
    pub data: EventDataConfig,
}

#[derive(Debug, Clone)]
pub enum EventDataConfig {
    None,
    /// A text, where `datacontenttype` is not JSON.
    Json(At<Json>),
    /// A path.
    File(At<String>),
}

/// How an event is put into a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventMode {
    Structured,
    Binary,
}

impl Element for CloudEventConfig {
    const NAME: &'static str = "cloudevent";
    const HELP: &'static str = "A CloudEvent 1.0; texts are templates";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let mode = f.or(
            "mode",
            "`structured`: attributes and data in one JSON document; `binary`: attributes as headers",
            "structured",
        );
        let id = f.optional::<At<Template>>("id", "Default: a random UUID");
        let source = f.required::<At<NotEmpty>>("source", "Where it happened: a URI reference");
        let kind = f.required::<At<NotEmpty>>("type", "What happened");
        let subject = f.optional::<At<Template>>("subject", "What it happened to");
        let time = f.optional::<At<Template>>("time", "When it happened, in RFC 3339; default: now");
        let datacontenttype = f.optional::<At<Template>>(
            "datacontenttype",
            "Default: `application/json` for `data`, `application/octet-stream` for `file`",
        );
        let dataschema = f.optional::<At<Template>>("dataschema", "A URI that describes the data");
        let extensions = f.or_empty::<Table<AttributeName, At<Template>>>(
            "extensions",
            "Further attributes: small letters and digits to texts",
        );
        let data = f.optional::<At<Json>>("data", "Any value, or a text where `datacontenttype` is no JSON");
        let file = f.optional::<At<FilePath>>("file", "Data from a file, sent as it is or in `data_base64`");
        f.at_most_one(&["data", "file"], "one of them");
        let text = |template: At<Template>| template.map(|template| template.0);
        Some(CloudEventConfig {
            mode: mode?,
            id: id?.map(text),
            source: source?.map(|text| text.0),
            kind: kind?.map(|text| text.0),
            subject: subject?.map(text),
            time: time?.map(text),
            datacontenttype: datacontenttype?.map(text),
            dataschema: dataschema?.map(text),
            extensions: extensions?.into_texts(),
            data: match (data?, file?) {
                (Some(data), _) => EventDataConfig::Json(data),
                (None, Some(file)) => EventDataConfig::File(file.map(|file| file.0)),
                (None, None) => EventDataConfig::None,
            },
        })
    }
}

/// A template that is not empty.
struct NotEmpty(String);

impl Value for NotEmpty {
    fn expected() -> String {
        "a text that is not empty".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Template(text) = Template::read(node, reader)?;
        if text.is_empty() {
            reader.unexpected(node, &Self::expected());
            return None;
        }
        Some(NotEmpty(text))
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": ["string", "number", "boolean"], "minLength": 1})
    }
}

impl Value for EventMode {
    fn expected() -> String {
        "`structured` or `binary`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "mode", &[("structured", EventMode::Structured), ("binary", EventMode::Binary)])
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"enum": ["structured", "binary"]}))
    }
}
