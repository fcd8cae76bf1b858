//! What a run does to the world beside its load, one file per kind: used by `hooks` and `chaos`.

mod exec;
mod signal;

pub use exec::{CommandConfig, ExecConfig};
pub use signal::{ProcessConfig, SignalConfig, SignalName};

use serde_json::{Value as Json, json};

use super::Place;
use super::fields::{Reader, Value};
use super::node::{Node, shorten};
use super::schema::Schemas;
use super::step::HttpConfig;
use super::suggest::expected_one_of;

#[derive(Debug, Clone)]
pub enum ActionConfig {
    Exec(ExecConfig),
    Http(Box<HttpConfig>),
    Signal(SignalConfig),
}

/// A kind of action: the key that stands for it, and how what stands behind the key is read.
struct Kind {
    key: &'static str,
    help: &'static str,
    schema: fn(&mut Schemas) -> Json,
    read: fn(&Node, &mut Reader) -> Option<ActionConfig>,
}

const KINDS: [Kind; 3] = [
    Kind {
        key: "exec",
        help: "A program, where the configuration allows it (`--allow-exec`)",
        schema: ExecConfig::schema,
        read: |node, reader| ExecConfig::read(node, reader).map(ActionConfig::Exec),
    },
    Kind {
        key: "http",
        help: "An HTTP request; without a `timeout` of its own it may take 30s",
        schema: HttpConfig::schema,
        read: |node, reader| HttpConfig::read(node, reader).map(|http| ActionConfig::Http(Box::new(http))),
    },
    Kind {
        key: "signal",
        help: "A signal to a process of this machine",
        schema: SignalConfig::schema,
        read: |node, reader| SignalConfig::read(node, reader).map(ActionConfig::Signal),
    },
];

impl Value for ActionConfig {
    fn expected() -> String {
        "an action such as `http: {url: …}` or `exec: {command: …}`".to_owned()
    }

    fn place(node: &Node) -> Place {
        node.key_place()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some([(key, value), more @ ..]) = node.entries() else {
            reader.unexpected(node, &Self::expected());
            return None;
        };
        if let Some((second, _)) = more.first() {
            let message = format!(
                "an action has one key, which says what it is; found `{}` and `{}`",
                shorten(&key.value),
                shorten(&second.value)
            );
            let help = "indent what belongs to the first below it, or begin the second with a `-`".to_owned();
            reader.problem(second.place, message, help);
            return None;
        }
        let Some(kind) = KINDS.iter().find(|kind| kind.key == key.value) else {
            let help = expected_one_of(&key.value, &KINDS.map(|kind| kind.key), &[]);
            reader.problem(key.place, format!("unknown action `{}`", shorten(&key.value)), help);
            return None;
        };
        (kind.read)(value, reader)
    }

    fn schema(schemas: &mut Schemas) -> Json {
        schemas.definition("action", |schemas| {
            let mut properties = serde_json::Map::new();
            for kind in &KINDS {
                let schema = json!({"description": kind.help, "anyOf": [(kind.schema)(schemas)]});
                properties.insert(kind.key.to_owned(), schema);
            }
            json!({
                "description": "What is done beside the load: a mapping with one key, which says what it is",
                "type": "object",
                "properties": properties,
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
            })
        })
    }
}
