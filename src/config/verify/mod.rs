//! `verify`: what is asked of databases, services and series, one file per kind; and what all kinds have in common.

mod condition;
mod http;
mod metrics;
mod postgres;
mod redis;

pub use condition::{DemandsConfig, DuringConfig, WantedConfig};

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::fields::{Fields, Reader, Value};
use super::node::{Node, shorten};
use super::place::{At, Place};
use super::schema::Schemas;
use super::step::HttpConfig;
use super::suggest::expected_one_of;
use super::value::{AtLeast, Constant};
use condition::{During, demands};

/// One verification, as it was written.
#[derive(Debug, Clone)]
pub struct VerifyConfig {
    /// The key that says what is asked.
    pub kind: &'static str,
    /// In reports and labels; default: the kind and a number.
    pub name: Option<At<String>>,
    pub question: QuestionConfig,
    pub demands: DemandsConfig,
    /// For how long the answer may move before it holds still; `None`: the first answer counts.
    pub settle: Option<Duration>,
    /// For one answer (default 10 s).
    pub timeout: Duration,
    pub during: Option<DuringConfig>,
}

#[derive(Debug, Clone)]
pub enum QuestionConfig {
    Postgres { url: At<String>, query: At<String> },
    Redis { url: At<String>, command: At<Vec<At<String>>> },
    Http(Box<HttpConfig>),
    Metrics { query: At<String> },
}

/// A kind of verification: the key that stands for it, and how what stands behind the key is read.
struct Kind {
    key: &'static str,
    help: &'static str,
    schema: fn(&mut Schemas) -> Json,
    read: fn(&Node, &mut Reader) -> Option<VerifyConfig>,
}

const KINDS: [Kind; 4] = [postgres::KIND, redis::KIND, http::KIND, metrics::KIND];

/// As users write it.
const TIMEOUT: &str = "10s";

impl Value for VerifyConfig {
    fn expected() -> String {
        "a verification such as `metrics: {query: sum(k6_orders_total), equals: 100}`".to_owned()
    }

    fn place(node: &Node) -> Place {
        node.key_place()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some([(key, value), more @ ..]) = node.entries() else {
            reader.unexpected(node, &Self::expected());
            return None;
        };
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.key).collect();
        let Some(kind) = KINDS.iter().find(|kind| kind.key == key.value) else {
            let message = format!("unknown verification `{}`", shorten(&key.value));
            reader.problem(key.place, message, expected_one_of(&key.value, &known, &[]));
            return None;
        };
        if let Some((second, _)) = more.first() {
            let help =
                format!("indent what belongs to `{}`; a second verification begins with `-`", kind.key);
            reader.problem(second.place, format!("`{}` beside `{}`", shorten(&second.value), kind.key), help);
            return None;
        }
        (kind.read)(value, reader)
    }

    fn schema(schemas: &mut Schemas) -> Json {
        let mut properties = Map::new();
        for kind in &KINDS {
            let mut described = Map::new();
            described.insert("description".to_owned(), json!(kind.help));
            described.extend((kind.schema)(schemas).as_object().cloned().unwrap_or_default());
            properties.insert(kind.key.to_owned(), Json::Object(described));
        }
        json!({
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
        })
    }
}

/// The keys that every kind with a value has.
struct Common {
    name: Option<At<String>>,
    demands: DemandsConfig,
    settle: Option<Duration>,
    timeout: Duration,
    during: Option<DuringConfig>,
}

impl Common {
    fn of(self, kind: &'static str, question: QuestionConfig) -> VerifyConfig {
        let Common { name, demands, settle, timeout, during } = self;
        VerifyConfig { kind, name, question, demands, settle, timeout, during }
    }
}

fn common(f: &mut Fields<'_>) -> Option<Common> {
    let name = f.optional::<At<Constant>>("name", "In reports and labels; default: the kind and a number");
    let demands = demands(f);
    let settle = settle(f);
    let timeout = f.or::<AtLeast<1>>("timeout", "For one answer", TIMEOUT);
    let during = f.optional::<During>("during", DURING);
    let demands = demands?;
    if demands.is_empty() && !f.has("during") {
        let help = "expected `equals`, `at_most`, `at_least` or `checks`";
        f.problem("equals", "nothing is demanded of the answer", help.to_owned());
        return None;
    }
    Some(Common {
        name: name?.map(|name| name.map(|name| name.0)),
        demands,
        settle: settle?,
        timeout: timeout?.0,
        during: during?.map(|during| during.0),
    })
}

const DURING: &str = "Asked during the load too; a violation at any moment counts";

fn settle(f: &mut Fields<'_>) -> Option<Option<Duration>> {
    f.optional("settle", "Asked again until three answers in a row are the same, at most so long")
}

/// What is constant for the whole run and may hold a secret.
struct Address(String);

impl Value for Address {
    fn expected() -> String {
        "a URL such as `postgres://user@localhost/shop` or `redis://localhost`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        constant(node, reader, &Self::expected()).map(Address)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string"})
    }
}

/// A statement, a query, or a word of a command.
struct Statement(String);

impl Value for Statement {
    fn expected() -> String {
        "a text".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        constant(node, reader, &Self::expected()).map(Statement)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }
}

/// A scalar without a template.
fn constant(node: &Node, reader: &mut Reader, expected: &str) -> Option<String> {
    if node.is_null() {
        reader.unexpected(node, expected);
        return None;
    }
    let text = reader.scalar(node, expected, |scalar| Some(scalar.text.clone()))?;
    if text.trim().is_empty() {
        reader.unexpected(node, expected);
        return None;
    }
    if text.contains("{{") {
        let help = "what is asked is known when the plan is loaded: use `${NAME}` and `vars`".to_owned();
        reader.problem(node.place, "no template can stand here", help);
        return None;
    }
    Some(text)
}
