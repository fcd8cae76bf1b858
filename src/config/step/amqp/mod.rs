//! The step `amqp`.

mod auth;
mod header;
mod management;
mod send;
mod take;

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::defaults::TlsConfig;
use super::super::fields::{Element, Fields, Reader, Value};
use super::super::node::Node;
use super::super::schema::Schemas;
use super::super::value::{Name, Rule, Text};
use super::bus::{self, BusConfig};
pub use auth::AmqpAuthConfig;
pub use header::AmqpHeaderConfig;
pub use management::RabbitmqConfig;
pub use send::{AmqpMessageConfig, AmqpPropertiesConfig, AmqpPublishConfig};
pub use take::{AmqpConsumeConfig, AmqpSourceConfig};

#[derive(Debug, Clone)]
pub struct AmqpConfig {
    /// `amqp://` or `amqps://`.
    pub url: At<String>,
    pub action: AmqpActionConfig,
    pub auth: Option<At<AmqpAuthConfig>>,
    /// Instead of the URL's.
    pub vhost: Option<At<String>>,
    /// Instead of `defaults.tls`.
    pub tls: Option<TlsConfig>,
    pub bus: BusConfig,
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
        let auth = f.optional::<At<AmqpAuthConfig>>(
            "auth",
            "Who we are, instead of what the URL says; `external`: whom the client certificate in `tls` is for",
        );
        let vhost = f.optional::<At<Text>>("vhost", "The virtual host, instead of what the URL says");
        let tls = f.optional::<TlsConfig>("tls", "Instead of `defaults.tls`");
        let bus = bus::bus(
            f,
            "The label `name`; default: the exchange and the routing key before templating, or the queue",
            "Name and expression, over the confirm, what the server says, or each message",
        );
        f.exactly_one(&ACTIONS);
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
            bus: bus?,
        })
    }
}

struct AmqpUrl(String);

impl Value for AmqpUrl {
    fn expected() -> String {
        "a URL such as `amqp://localhost:5672`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        bus::kept_url(node, reader).map(AmqpUrl)
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
