//! The step `nats`.

mod auth;
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
pub use auth::NatsAuthConfig;
pub use send::{NatsMessageConfig, NatsPublishConfig, NatsRequestConfig};
pub use take::{NatsConsumeConfig, NatsDeliver, NatsSubscribeConfig, NatsTakeConfig};

#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// `nats://` or `tls://`, several with commas between.
    pub url: At<String>,
    pub action: NatsActionConfig,
    pub auth: Option<NatsAuthConfig>,
    /// Instead of `defaults.tls`.
    pub tls: Option<TlsConfig>,
    /// Default `defaults.timeout`.
    pub connect_timeout: Option<Duration>,
    /// Default: the subject before templating, or the stream.
    pub name: Option<At<String>>,
    pub tags: Vec<(At<String>, At<String>)>,
    pub checks: Vec<CheckConfig>,
    pub capture: Vec<Named>,
    pub record: Vec<RecordConfig>,
    /// In `preflight` only: tried again until it succeeds or this has passed.
    pub wait_for: Option<Duration>,
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
        let connect_timeout = f.optional::<AtLeast<1>>(
            "connect_timeout",
            "DNS, TCP, TLS and handshake together; default `defaults.timeout`",
        );
        let name = f.optional::<At<Constant>>(
            "name",
            "The label `name`; default: the subject before templating, or the stream",
        );
        let tags = f.or_empty::<Table<Label, At<Constant>>>("tags", "On every series of the step");
        let checks = f.or_empty::<Expressions<CheckName>>(
            "checks",
            "Name and expression, over the acknowledgement, the answer or each message",
        );
        let capture =
            f.or_empty::<Expressions<VariableName>>("capture", "Variable and expression, over the same");
        let record =
            f.or_empty::<Records>("record", "A metric that takes the time, or metrics with expressions");
        let wait_for = wait_for(f);
        let given: Vec<&str> = ACTIONS.into_iter().filter(|key| f.has(key)).collect();
        match given.as_slice() {
            [] => f.missing("publish", "`publish`, `request`, `subscribe`, `consume` or `stream`"),
            [_] => {}
            [first, second, ..] => {
                f.problem(
                    second,
                    format!("both `{first}` and `{second}`"),
                    "expected one of them".to_owned(),
                );
            }
        }
        let (publish, request, subscribe, consume, stream) =
            (publish?, request?, subscribe?, consume?, stream?);
        let action = publish
            .map(NatsActionConfig::Publish)
            .or_else(|| request.map(NatsActionConfig::Request))
            .or_else(|| subscribe.map(NatsActionConfig::Subscribe))
            .or_else(|| consume.map(NatsActionConfig::Consume))
            .or_else(|| stream.map(|name| NatsActionConfig::Stream(name.map(|name| name.0))));
        Some(NatsConfig {
            url: url?.map(|url| url.0),
            action: action?,
            auth: auth?,
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

/// Servers; the whole is checked when the plan is compiled.
struct NatsUrls(String);

impl Value for NatsUrls {
    fn expected() -> String {
        "a URL such as `nats://localhost:4222`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Text(text) = Text::read(node, reader)?;
        if text.contains("{{") {
            let help =
                "VUs keep their connections, so that servers are known when the plan is loaded".to_owned();
            reader.problem(node.place, "no template can stand here", help);
            return None;
        }
        Some(NatsUrls(text))
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
