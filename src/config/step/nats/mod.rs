//! The step `nats`.

mod auth;
mod send;
mod take;

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::defaults::TlsConfig;
use super::super::fields::{Element, Fields, Reader, Value};
use super::super::node::Node;
use super::super::schema::Schemas;
use super::super::value::{Name, Rule};
use super::bus::{self, BusConfig};
pub use auth::NatsAuthConfig;
pub use send::{NatsMessageConfig, NatsPublishConfig, NatsRequestConfig};
pub use take::{NatsConsumeConfig, NatsDeliver, NatsSubscribeConfig};

#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// `nats://` or `tls://`, several with commas between.
    pub url: At<String>,
    pub action: NatsActionConfig,
    pub auth: Option<NatsAuthConfig>,
    /// Instead of `defaults.tls`.
    pub tls: Option<TlsConfig>,
    pub bus: BusConfig,
}

#[derive(Debug, Clone)]
pub enum NatsActionConfig {
    Publish(NatsPublishConfig),
    Request(NatsRequestConfig),
    Subscribe(NatsSubscribeConfig),
    Consume(NatsConsumeConfig),
    /// What JetStream says of a stream.
    Stream(At<String>),
}

const ACTIONS: [&str; 5] = ["publish", "request", "subscribe", "consume", "stream"];

impl NatsConfig {
    /// For messages: what is done, and where.
    pub fn describe(&self) -> String {
        let (action, what) = self.action.words();
        format!("nats {action} {what}")
    }
}

impl NatsActionConfig {
    /// What is done, and the subject or stream as it was written.
    pub fn words(&self) -> (&'static str, &str) {
        match self {
            NatsActionConfig::Publish(publish) => ("publish", &publish.message.subject.value),
            NatsActionConfig::Request(request) => ("request", &request.message.subject.value),
            NatsActionConfig::Subscribe(subscribe) => ("subscribe", &subscribe.subject.value),
            NatsActionConfig::Consume(consume) => ("consume", &consume.stream.value),
            NatsActionConfig::Stream(stream) => ("stream", &stream.value),
        }
    }
}

impl Element for NatsConfig {
    const NAME: &'static str = "nats";
    const HELP: &'static str = "Messages over NATS, and JetStream";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let url =
            f.required::<At<NatsUrls>>("url", "`nats://` or `tls://`; several servers with commas between");
        let publish =
            f.optional::<NatsPublishConfig>("publish", "A message for whoever listens, or for a stream");
        let request = f.optional::<NatsRequestConfig>("request", "A message whose answer is waited for");
        let subscribe = f
            .optional::<NatsSubscribeConfig>("subscribe", "What is said on a subject while the step listens");
        let consume = f.optional::<NatsConsumeConfig>("consume", "What a JetStream stream holds");
        let stream = f.optional::<At<Name<NatsName>>>(
            "stream",
            "What JetStream says of a stream, for `checks`: `json.config` and `json.state`; fails where there is none",
        );
        let auth = f.optional::<NatsAuthConfig>("auth", "Who we are, unless the URL says so");
        let tls = f.optional::<TlsConfig>("tls", "Instead of `defaults.tls`");
        let bus = bus::bus(
            f,
            "The label `name`; default: the subject before templating, or the stream",
            "Name and expression, over the acknowledgement, the answer or each message",
        );
        f.exactly_one(&ACTIONS);
        let (publish, request, subscribe, consume, stream) =
            (publish?, request?, subscribe?, consume?, stream?);
        let action = publish
            .map(NatsActionConfig::Publish)
            .or_else(|| request.map(NatsActionConfig::Request))
            .or_else(|| subscribe.map(NatsActionConfig::Subscribe))
            .or_else(|| consume.map(NatsActionConfig::Consume))
            .or_else(|| stream.map(|name| NatsActionConfig::Stream(name.map(|name| name.0))));
        Some(NatsConfig { url: url?.map(|url| url.0), action: action?, auth: auth?, tls: tls?, bus: bus? })
    }
}

struct NatsUrls(String);

impl Value for NatsUrls {
    fn expected() -> String {
        "a URL such as `nats://localhost:4222`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        bus::kept_url(node, reader).map(NatsUrls)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "pattern": r"^((nats|tls)://|.*\$\{|[^:/]+(:[0-9]+)?(,|$))"})
    }
}

/// Of a stream or a consumer.
struct NatsName;

impl Rule for NatsName {
    const EXPECTED: &'static str = "a name without spaces, `.`, `*`, `>` and slashes";
    const PATTERN: &'static str = r"^[^\s.*>/\\]{1,255}$";

    fn holds(name: &str) -> bool {
        (1..=255).contains(&name.len())
            && !name.contains(|it: char| it.is_whitespace() || it.is_control() || ".*>/\\".contains(it))
    }
}
