//! Bodies of requests.

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::fields::{Element, Fields, Reader, Value};
use super::super::node::{Kind, Node};
use super::super::schema::{Schemas, or_filled};
use super::super::value::{Any, FilePath, Table, Template, word};
use super::RabbitmqConfig;
use super::cloudevent::CloudEventConfig;
use crate::protocol::encoding::Encoding;

/// Strings in it are templates.
#[derive(Debug, Clone)]
pub enum BodyConfig {
    Json(At<Json>),
    Text(At<String>),
    /// `application/x-www-form-urlencoded`
    Form(Vec<(At<String>, At<String>)>),
    /// `multipart/form-data`
    Multipart(Vec<PartConfig>),
    /// A path.
    File(At<String>),
    CloudEvent(Box<CloudEventConfig>),
    /// Not only the body: the URL goes on after where RabbitMQ's management API is, and its answer says what became of it.
    Rabbitmq(Box<RabbitmqConfig>),
}

/// One field of a `multipart` body.
#[derive(Debug, Clone)]
pub struct PartConfig {
    pub name: At<String>,
    pub content: PartContentConfig,
    /// Default: the file's name.
    pub filename: Option<At<String>>,
    /// Default: `application/octet-stream` for a file.
    pub content_type: Option<At<String>>,
}

#[derive(Debug, Clone)]
pub enum PartContentConfig {
    /// A template.
    Text(At<String>),
    /// A path.
    File(At<String>),
}

/// At most one of the keys that give a body.
pub(super) fn body(f: &mut Fields<'_>) -> Option<Option<BodyConfig>> {
    let json = f.optional::<At<Json>>("json", "A body in JSON; strings in it are templates");
    let form = f.optional::<Table<Any, At<Template>>>("form", "A body of form fields; values are templates");
    let multipart = f.optional::<Parts>("multipart", "A body of parts, as a form with files has it");
    let text = f.optional::<At<Template>>("body", "A body of text; a template");
    let file = f.optional::<At<FilePath>>("file", "A body from a file, read when the plan is loaded");
    let event = f.optional::<CloudEventConfig>("cloudevent", "A CloudEvent 1.0");
    let rabbitmq = f.optional::<RabbitmqConfig>(
        "rabbitmq",
        "A message that RabbitMQ's management API publishes; `url` is where the API is. Fails where no queue takes it",
    );
    f.at_most_one(&KEYS, "one body");
    let (json, form, multipart) = (json?, form?, multipart?);
    let (text, file, event, rabbitmq) = (text?, file?, event?, rabbitmq?);
    Some(
        json.map(BodyConfig::Json)
            .or_else(|| form.map(|form| BodyConfig::Form(form.into_texts())))
            .or_else(|| multipart.map(|parts| BodyConfig::Multipart(parts.0)))
            .or_else(|| text.map(|text| BodyConfig::Text(text.map(|text| text.0))))
            .or_else(|| file.map(|file| BodyConfig::File(file.map(|file| file.0))))
            .or_else(|| event.map(|event| BodyConfig::CloudEvent(Box::new(event))))
            .or_else(|| rabbitmq.map(|message| BodyConfig::Rabbitmq(Box::new(message)))),
    )
}

/// The keys that give a body.
pub(super) const KEYS: [&str; 7] = ["json", "form", "multipart", "body", "file", "cloudevent", "rabbitmq"];

/// At least one part.
struct Parts(Vec<PartConfig>);

impl Value for Parts {
    fn expected() -> String {
        "a list of at least one part such as `{name: photo, file: photo.png}`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Seq(items) if !items.is_empty() => Vec::read(node, reader).map(Parts),
            _ => {
                reader.unexpected(node, &Self::expected());
                None
            }
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"type": "array", "items": PartConfig::schema(schemas), "minItems": 1})
    }
}

impl Element for PartConfig {
    const NAME: &'static str = "part";
    const HELP: &'static str = "One field of a `multipart` body";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let text = |template: At<Template>| template.map(|template| template.0);
        let name = f.required::<At<Template>>("name", "The field's name; a template");
        let value = f.optional::<At<Template>>("value", "The field's value; a template");
        let file = f.optional::<At<FilePath>>("file", "A file that is sent, read when the plan is loaded");
        let filename =
            f.optional::<At<Template>>("filename", "What the file is called; default: its name; a template");
        let content_type = f.optional::<At<Template>>(
            "content_type",
            "Default: none for a value, `application/octet-stream` for a file; a template",
        );
        f.at_most_one(&["value", "file"], "one of them");
        let content = match (value?, file?) {
            (Some(value), _) => PartContentConfig::Text(text(value)),
            (None, Some(file)) => PartContentConfig::File(file.map(|file| file.0)),
            (None, None) => {
                f.problem("", "the part has no content", "expected `value` or `file`".to_owned());
                return None;
            }
        };
        Some(PartConfig {
            name: text(name?),
            content,
            filename: filename?.map(text),
            content_type: content_type?.map(text),
        })
    }
}

impl Value for Encoding {
    fn expected() -> String {
        "`gzip`, `deflate`, `br` or `zstd`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "compression", &Encoding::ALL)
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"enum": Encoding::ALL.map(|(name, _)| name)}))
    }
}
