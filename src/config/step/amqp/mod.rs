//! The step `amqp`.

mod management;
mod send;
mod take;

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::defaults::TlsConfig;
use super::super::fields::{Element, Fields, Reader, Value};
use super::super::node::Node;
use super::super::schema::Schemas;
use super::super::value::{AtLeast, CheckName, Constant, Label, Name, Rule, Table, Text, VariableName};
use super::exchange::{Expressions, Records};
use super::{CheckConfig, Named, RecordConfig, wait_for};
pub use management::RabbitmqConfig;
pub use send::{AmqpMessageConfig, AmqpPropertiesConfig, AmqpPublishConfig};
pub use take::{AmqpConsumeConfig, AmqpSourceConfig};

#[derive(Debug, Clone)]
pub struct AmqpConfig {
    /// `amqp://` or `amqps://`.
    pub url: At<String>,
    pub action: AmqpActionConfig,
    pub auth: Option<AmqpAuthConfig>,
    /// Instead of the URL's.
    pub vhost: Option<At<String>>,
    /// Instead of `defaults.tls`.
    pub tls: Option<TlsConfig>,
    /// Default `defaults.timeout`.
    pub connect_timeout: Option<Duration>,
    /// Default: the exchange and the routing key before templating, or the queue.
    pub name: Option<At<String>>,
    pub tags: Vec<(At<String>, At<String>)>,
    pub checks: Vec<CheckConfig>,
    pub capture: Vec<Named>,
    pub record: Vec<RecordConfig>,
    /// In `preflight` only: tried again until it succeeds or this has passed.
    pub wait_for: Option<Duration>,
}

#[derive(Debug, Clone)]
pub enum AmqpActionConfig {
    Publish(Box<AmqpPublishConfig>),
    Consume(AmqpConsumeConfig),
    /// That it is there, and what is in it.
    Queue(At<String>),
    /// That it is there.
    Exchange(At<String>),
}

#[derive(Debug, Clone)]
pub struct AmqpAuthConfig {
    pub user: At<String>,
    pub password: At<String>,
}

const ACTIONS: [&str; 4] = ["publish", "consume", "queue", "exchange"];

impl AmqpConfig {
    /// For messages: what is done, and where.
    pub fn describe(&self) -> String {
        let (action, what) = self.action.words();
        format!("amqp {action} {what}")
    }
}

impl AmqpActionConfig {
    /// What is done, and where, as it was written.
    pub fn words(&self) -> (&'static str, String) {
        match self {
            AmqpActionConfig::Publish(publish) => {
                ("publish", joined(publish.message.exchange.as_ref(), publish.message.routing_key.as_ref()))
            }
            AmqpActionConfig::Consume(consume) => match &consume.source {
                AmqpSourceConfig::Queue(queue) => ("consume", queue.value.clone()),
                AmqpSourceConfig::Exchange { name, routing_key } => {
                    ("consume", joined(Some(name), routing_key.as_ref()))
                }
            },
            AmqpActionConfig::Queue(queue) => ("queue", queue.value.clone()),
            AmqpActionConfig::Exchange(exchange) => ("exchange", exchange.value.clone()),
        }
    }
}

/// `exchange/routing.key`; of the default exchange the key alone, which is a queue's name.
fn joined(exchange: Option<&At<String>>, routing_key: Option<&At<String>>) -> String {
    let given: Vec<&str> = [exchange, routing_key]
        .into_iter()
        .flatten()
        .map(|text| text.value.as_str())
        .filter(|text| !text.is_empty())
        .collect();
    given.join("/")
}

impl Element for AmqpConfig {
    const NAME: &'static str = "amqp";
    const HELP: &'static str = "Messages over AMQP 0-9-1, as RabbitMQ speaks it";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let url = f.required::<At<AmqpUrl>>(
            "url",
            "`amqp://` or `amqps://`, with user, password and virtual host or without",
        );
        let publish = f.optional::<AmqpPublishConfig>("publish", "A message to an exchange, or to a queue");
        let consume =
            f.optional::<AmqpConsumeConfig>("consume", "What comes into a queue, or to an exchange");
        let queue = f.optional::<At<Name<AmqpName>>>(
            "queue",
            "That the queue is there; for `checks`: `json.messages` that are ready, `json.consumers`",
        );
        let exchange = f.optional::<At<Name<AmqpName>>>("exchange", "That the exchange is there");
        let auth = f.optional::<AmqpAuthConfig>("auth", "Who we are, instead of what the URL says");
        let vhost = f.optional::<At<Text>>("vhost", "The virtual host, instead of what the URL says");
        let tls = f.optional::<TlsConfig>("tls", "Instead of `defaults.tls`");
        let connect_timeout = f.optional::<AtLeast<1>>(
            "connect_timeout",
            "DNS, TCP, TLS and handshake together; default `defaults.timeout`",
        );
        let name = f.optional::<At<Constant>>(
            "name",
            "The label `name`; default: the exchange and the routing key before templating, or the queue",
        );
        let tags = f.or_empty::<Table<Label, At<Constant>>>("tags", "On every series of the step");
        let checks = f.or_empty::<Expressions<CheckName>>(
            "checks",
            "Name and expression, over the confirm, what the server says, or each message",
        );
        let capture =
            f.or_empty::<Expressions<VariableName>>("capture", "Variable and expression, over the same");
        let record =
            f.or_empty::<Records>("record", "A metric that takes the time, or metrics with expressions");
        let wait_for = wait_for(f);
        let given: Vec<&str> = ACTIONS.into_iter().filter(|key| f.has(key)).collect();
        match given.as_slice() {
            [] => f.missing("publish", "`publish`, `consume`, `queue` or `exchange`"),
            [_] => {}
            [first, second, ..] => {
                let message = format!("both `{first}` and `{second}`");
                f.problem(second, message, "expected one of them".to_owned());
            }
        }
        let (publish, consume, queue, exchange) = (publish?, consume?, queue?, exchange?);
        let text = |name: At<Name<AmqpName>>| name.map(|name| name.0);
        let action = publish
            .map(|publish| AmqpActionConfig::Publish(Box::new(publish)))
            .or_else(|| consume.map(AmqpActionConfig::Consume))
            .or_else(|| queue.map(|name| AmqpActionConfig::Queue(text(name))))
            .or_else(|| exchange.map(|name| AmqpActionConfig::Exchange(text(name))));
        Some(AmqpConfig {
            url: url?.map(|url| url.0),
            action: action?,
            auth: auth?,
            vhost: vhost?.map(|vhost| vhost.map(|text| text.0)),
            tls: tls?,
            connect_timeout: connect_timeout?.map(|timeout| timeout.0),
            name: name?.map(|name| name.map(|name| name.0)),
            tags: tags?.into_texts(),
            checks: checks?.into_named(),
            capture: capture?.into_named(),
            record: record?.0,
            wait_for: wait_for?,
        })
    }
}

impl Element for AmqpAuthConfig {
    const NAME: &'static str = "amqp_auth";
    const HELP: &'static str = "Who we are to the server";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let user = f.required::<At<Text>>("user", "The user");
        let password = f.required::<At<Text>>("password", "From a variable: `${AMQP_PASSWORD}`");
        Some(AmqpAuthConfig { user: user?.map(|text| text.0), password: password?.map(|text| text.0) })
    }
}

/// A server; the whole is checked when the plan is compiled.
struct AmqpUrl(String);

impl Value for AmqpUrl {
    fn expected() -> String {
        "a URL such as `amqp://localhost:5672`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Text(text) = Text::read(node, reader)?;
        if text.contains("{{") {
            let help =
                "VUs keep their connections, so that servers are known when the plan is loaded".to_owned();
            reader.problem(node.place, "no template can stand here", help);
            return None;
        }
        Some(AmqpUrl(text))
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "pattern": r"^(amqps?://|.*\$\{)"})
    }
}

/// Of a queue or an exchange that is looked at.
struct AmqpName;

impl Rule for AmqpName {
    const EXPECTED: &'static str = "a name of 1 to 255 bytes";
    const PATTERN: &'static str = "^.{1,255}$";

    fn holds(name: &str) -> bool {
        (1..=255).contains(&name.len())
    }
}
