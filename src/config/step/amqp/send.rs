//! What an `amqp` step sends.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::super::At;
use super::super::super::fields::{Element, Fields, Reader, Value};
use super::super::super::node::Node;
use super::super::super::schema::{Schemas, or_filled};
use super::super::super::value::{Any, AtLeast, Count, Table, Template, word};
use super::super::ledger::ledger;
use super::super::payload::{PayloadConfig, payload};
use super::header::AmqpHeaderConfig;

#[derive(Debug, Clone)]
pub struct AmqpMessageConfig {
    /// A template; `None`: the default exchange.
    pub exchange: Option<At<String>>,
    /// A template.
    pub routing_key: Option<At<String>>,
    pub payload: PayloadConfig,
    pub properties: AmqpPropertiesConfig,
    pub headers: Vec<(At<String>, AmqpHeaderConfig)>,
}

#[derive(Debug, Clone)]
pub struct AmqpPublishConfig {
    pub message: AmqpMessageConfig,
    /// Default true.
    pub confirm: bool,
    /// Default true where there are confirms.
    pub mandatory: bool,
    /// Default 5 s.
    pub ack_timeout: Duration,
    /// Default 256.
    pub max_in_flight: usize,
    pub ledger: Option<At<String>>,
}

/// Texts are templates.
#[derive(Debug, Clone, Default)]
pub struct AmqpPropertiesConfig {
    pub content_type: Option<At<String>>,
    pub content_encoding: Option<At<String>>,
    pub persistent: Option<bool>,
    pub priority: Option<u8>,
    pub correlation_id: Option<At<String>>,
    pub reply_to: Option<At<String>>,
    pub expiration: Option<At<String>>,
    pub message_id: Option<At<String>>,
    pub timestamp: Option<At<String>>,
    pub kind: Option<At<String>>,
    pub user_id: Option<At<String>>,
    pub app_id: Option<At<String>>,
}

/// What is published, however it gets there.
pub(in crate::config::step) fn message(f: &mut Fields<'_>) -> Option<AmqpMessageConfig> {
    let exchange = f.optional::<At<Template>>(
        "exchange",
        "Without one the default exchange, which takes the name of a queue as routing key; a template",
    );
    let routing_key = f.optional::<At<Template>>("routing_key", "A template");
    let payload = payload(f);
    let properties = f.optional::<AmqpPropertiesConfig>("properties", "AMQP's own; texts are templates");
    let headers = f.or_empty::<Table<Any, AmqpHeaderConfig>>(
        "headers",
        "Texts, which are templates; numbers and booleans keep their type",
    );
    if !f.has("exchange") && !f.has("routing_key") {
        f.missing("exchange", "an `exchange`, or a `routing_key` that is a queue's name");
    }
    let text = |template: Option<At<Template>>| template.map(|template| template.map(|text| text.0));
    Some(AmqpMessageConfig {
        exchange: text(exchange?),
        routing_key: text(routing_key?),
        payload: payload?,
        properties: properties?.unwrap_or_default(),
        headers: headers?.0,
    })
}

impl Element for AmqpPublishConfig {
    const NAME: &'static str = "amqp_publish";
    const HELP: &'static str = "A message to an exchange, or to a queue";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let message = message(f);
        let confirm = f.or("confirm", "Wait for the server to say that it has it", "true");
        let mandatory = f.optional::<bool>(
            "mandatory",
            "Whether a message that no queue takes comes back, and has failed; default true with `confirm`",
        );
        let ack_timeout = f.or::<AtLeast<1>>(
            "ack_timeout",
            "How long a confirm is waited for; and room for one more, or the next attempt to connect",
            "5s",
        );
        let most = f.or::<Count<1, 65_536>>(
            "max_in_flight",
            "How many messages of a connection may wait for their confirm",
            "256",
        );
        let ledger = ledger(f, "The ledger that counts its events as published; another step receives them");
        if confirm == Some(false) {
            for key in ["mandatory", "max_in_flight"].into_iter().filter(|key| f.has(key)).collect::<Vec<_>>()
            {
                let help = "without confirms nobody says what became of a message".to_owned();
                f.problem(key, format!("`{key}` without `confirm`"), help);
            }
        }
        Some(AmqpPublishConfig {
            message: message?,
            confirm: confirm?,
            mandatory: mandatory?.unwrap_or(confirm?),
            ack_timeout: ack_timeout?.0,
            max_in_flight: usize::try_from(most?.0).unwrap_or(usize::MAX),
            ledger: ledger?,
        })
    }
}

impl Element for AmqpPropertiesConfig {
    const NAME: &'static str = "amqp_properties";
    const HELP: &'static str = "AMQP's own properties of a message; texts are templates";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let content_type = f.optional::<At<Template>>(
            "content_type",
            "Default: `application/json` for `json`, that of the event for `cloudevent`",
        );
        let content_encoding = f.optional::<At<Template>>("content_encoding", "Such as `gzip`");
        let delivery_mode = f.optional::<DeliveryMode>(
            "delivery_mode",
            "2 or `persistent`: kept on disk where the queue is durable; 1 or `transient`",
        );
        let priority = f.optional::<Count<0, 255>>("priority", "For queues that have priorities");
        let correlation_id = f.optional::<At<Template>>("correlation_id", "Of a request and its reply");
        let reply_to = f.optional::<At<Template>>("reply_to", "The queue for a reply");
        let expiration =
            f.optional::<At<Template>>("expiration", "Milliseconds, after which a queue may drop it");
        let message_id = f.optional::<At<Template>>("message_id", "Such as `{{ uuid() }}`");
        let timestamp = f.optional::<At<Template>>(
            "timestamp",
            "Seconds since 1970, such as `{{ timestamp_ms() // 1000 }}`",
        );
        let kind = f.optional::<At<Template>>("type", "What the message is");
        let user_id = f.optional::<At<Template>>("user_id", "RabbitMQ refuses any but the connection's user");
        let app_id = f.optional::<At<Template>>("app_id", "Who sent it");
        let text = |template: Option<At<Template>>| template.map(|template| template.map(|text| text.0));
        Some(AmqpPropertiesConfig {
            content_type: text(content_type?),
            content_encoding: text(content_encoding?),
            persistent: delivery_mode?.map(|mode| mode == DeliveryMode::Persistent),
            priority: priority?.and_then(|priority| u8::try_from(priority.0).ok()),
            correlation_id: text(correlation_id?),
            reply_to: text(reply_to?),
            expiration: text(expiration?),
            message_id: text(message_id?),
            timestamp: text(timestamp?),
            kind: text(kind?),
            user_id: text(user_id?),
            app_id: text(app_id?),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeliveryMode {
    Transient,
    Persistent,
}

const DELIVERY_MODES: [(&str, DeliveryMode); 4] = [
    ("transient", DeliveryMode::Transient),
    ("persistent", DeliveryMode::Persistent),
    ("1", DeliveryMode::Transient),
    ("2", DeliveryMode::Persistent),
];

impl Value for DeliveryMode {
    fn expected() -> String {
        "`persistent` (2) or `transient` (1)".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "delivery mode", &DELIVERY_MODES)
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"enum": ["transient", "persistent", 1, 2]}))
    }
}
