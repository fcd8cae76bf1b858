//! The steps of a flow, one file per kind.

mod amqp;
mod batch;
mod body;
mod bus;
mod cloudevent;
mod credentials;
mod exchange;
mod flow;
mod grpc;
mod http;
mod ledger;
mod nats;
mod payload;
mod websocket;

pub use amqp::{
    AmqpActionConfig, AmqpAuthConfig, AmqpConfig, AmqpConsumeConfig, AmqpHeaderConfig, AmqpMessageConfig,
    AmqpPropertiesConfig, AmqpPublishConfig, AmqpSourceConfig, RabbitmqConfig,
};
pub use batch::BatchConfig;
pub use body::{BodyConfig, PartConfig, PartContentConfig};
pub use bus::{BusConfig, TakeConfig};
pub use cloudevent::{CloudEventConfig, EventDataConfig, EventMode};
pub use credentials::{AuthConfig, CookieConfig};
pub use exchange::{CheckConfig, Named, RecordConfig, StatusRange};
pub use flow::{ChoiceConfig, GroupConfig, IfConfig, RepeatConfig, SleepConfig};
pub use grpc::{GrpcConfig, SchemaConfig};
pub use http::{HttpConfig, RequestsConfig};
pub use nats::{
    NatsActionConfig, NatsAuthConfig, NatsConfig, NatsConsumeConfig, NatsDeliver, NatsMessageConfig,
    NatsPublishConfig, NatsRequestConfig, NatsSubscribeConfig,
};
pub use payload::PayloadConfig;
pub use websocket::{
    CloseConfig, ListenConfig, MessageConfig, PingConfig, ReceiveConfig, SendConfig, WebsocketConfig,
};

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::fields::{Fields, Reader, Value, Within};
use super::node::{Kind, Node, shorten};
use super::schema::Schemas;
use super::suggest::expected_one_of;
use super::value::{CheckName, Template, VariableName};
use super::yaml::flow_help;
use super::{At, Place, later};
pub(crate) use exchange::Expressions;
use exchange::RecordTable;
use flow::Choices;

#[derive(Debug, Clone)]
pub enum StepConfig {
    Http(Box<HttpConfig>),
    Batch(BatchConfig),
    Websocket(Box<WebsocketConfig>),
    Nats(Box<NatsConfig>),
    Amqp(Box<AmqpConfig>),
    Grpc(Box<GrpcConfig>),
    /// These five only inside the flow of a `websocket` step; all but `ping` also inside that of a `grpc` step.
    Send(SendConfig),
    Receive(ReceiveConfig),
    Listen(ListenConfig),
    Ping(PingConfig),
    Close(CloseConfig),
    Sleep(SleepConfig),
    Group(GroupConfig),
    Repeat(RepeatConfig),
    If(IfConfig),
    Choose(Vec<ChoiceConfig>),
    /// name: expression
    Check(Vec<CheckConfig>),
    Record(Vec<RecordConfig>),
    /// variable: expression
    Set(Vec<Named>),
    /// A template.
    Log(At<String>),
}

/// A kind of step: the key that stands for it, and how what stands behind the key is read.
struct Step {
    key: &'static str,
    help: &'static str,
    place: Allowed,
    schema: fn(&mut Schemas) -> Json,
    /// `None` for a step that is not built yet.
    read: Option<fn(&Node, &mut Reader) -> Option<StepConfig>>,
}

/// Where a step may stand.
#[derive(PartialEq)]
enum Allowed {
    Anywhere,
    InsideWebsocket,
    /// Inside of a WebSocket's flow or that of a gRPC call.
    InsideSession,
    OutsideWebsocket,
}

/// The kind of step that a batch may hold.
const BATCHED: &str = "http";

const STEPS: [Step; 21] = [
    Step {
        key: "http",
        help: "An HTTP request",
        place: Allowed::Anywhere,
        schema: HttpConfig::schema,
        read: Some(|node, reader| {
            HttpConfig::read(node, reader).map(|http| StepConfig::Http(Box::new(http)))
        }),
    },
    Step {
        key: "websocket",
        help: "A WebSocket, open for the steps of its flow",
        place: Allowed::OutsideWebsocket,
        schema: WebsocketConfig::schema,
        read: Some(|node, reader| {
            WebsocketConfig::read(node, reader).map(|websocket| StepConfig::Websocket(Box::new(websocket)))
        }),
    },
    Step {
        key: "send",
        help: "Sends a message",
        place: Allowed::InsideSession,
        schema: SendConfig::schema,
        read: Some(|node, reader| SendConfig::read(node, reader).map(StepConfig::Send)),
    },
    Step {
        key: "receive",
        help: "Waits for messages until one is the last",
        place: Allowed::InsideSession,
        schema: ReceiveConfig::schema,
        read: Some(|node, reader| ReceiveConfig::read(node, reader).map(StepConfig::Receive)),
    },
    Step {
        key: "listen",
        help: "Looks at each message that comes",
        place: Allowed::InsideSession,
        schema: ListenConfig::schema,
        read: Some(|node, reader| ListenConfig::read(node, reader).map(StepConfig::Listen)),
    },
    Step {
        key: "ping",
        help: "Sends a ping and waits for its pong",
        place: Allowed::InsideWebsocket,
        schema: PingConfig::schema,
        read: Some(|node, reader| PingConfig::read(node, reader).map(StepConfig::Ping)),
    },
    Step {
        key: "close",
        help: "Closes the connection",
        place: Allowed::InsideSession,
        schema: CloseConfig::schema,
        read: Some(|node, reader| CloseConfig::read(node, reader).map(StepConfig::Close)),
    },
    Step {
        key: "sleep",
        help: "Waits",
        place: Allowed::Anywhere,
        schema: SleepConfig::schema,
        read: Some(|node, reader| SleepConfig::read(node, reader).map(StepConfig::Sleep)),
    },
    Step {
        key: "group",
        help: "Steps with a common name",
        place: Allowed::Anywhere,
        schema: GroupConfig::schema,
        read: Some(|node, reader| GroupConfig::read(node, reader).map(StepConfig::Group)),
    },
    Step {
        key: "repeat",
        help: "Steps done again and again",
        place: Allowed::Anywhere,
        schema: RepeatConfig::schema,
        read: Some(|node, reader| RepeatConfig::read(node, reader).map(StepConfig::Repeat)),
    },
    Step {
        key: "if",
        help: "Steps done only when an expression holds",
        place: Allowed::Anywhere,
        schema: IfConfig::schema,
        read: Some(|node, reader| IfConfig::read(node, reader).map(StepConfig::If)),
    },
    Step {
        key: "check",
        help: "Name and expression: counted as `checks`",
        place: Allowed::Anywhere,
        schema: Expressions::<CheckName>::schema,
        read: Some(|node, reader| {
            Expressions::<CheckName>::read(node, reader).map(|list| StepConfig::Check(list.into_named()))
        }),
    },
    Step {
        key: "record",
        help: "Metric and expression: adds a value to a custom metric",
        place: Allowed::Anywhere,
        schema: RecordTable::schema,
        read: Some(|node, reader| {
            RecordTable::read(node, reader).map(|records| StepConfig::Record(records.0))
        }),
    },
    Step {
        key: "set",
        help: "Variable and expression: known to the steps that follow",
        place: Allowed::Anywhere,
        schema: Expressions::<VariableName>::schema,
        read: Some(|node, reader| {
            Expressions::<VariableName>::read(node, reader).map(|list| StepConfig::Set(list.into_named()))
        }),
    },
    Step {
        key: "log",
        help: "A template, written to the log",
        place: Allowed::Anywhere,
        schema: Template::schema,
        read: Some(|node, reader| {
            At::<Template>::read(node, reader).map(|text| StepConfig::Log(text.map(|template| template.0)))
        }),
    },
    Step {
        key: "nats",
        help: "Messages over NATS, and JetStream",
        place: Allowed::Anywhere,
        schema: NatsConfig::schema,
        read: Some(|node, reader| {
            NatsConfig::read(node, reader).map(|nats| StepConfig::Nats(Box::new(nats)))
        }),
    },
    Step {
        key: "grpc",
        help: "A call over gRPC",
        place: Allowed::Anywhere,
        schema: GrpcConfig::schema,
        read: Some(|node, reader| {
            GrpcConfig::read(node, reader).map(|grpc| StepConfig::Grpc(Box::new(grpc)))
        }),
    },
    Step {
        key: "amqp",
        help: "Messages over AMQP 0-9-1, as RabbitMQ speaks it",
        place: Allowed::Anywhere,
        schema: AmqpConfig::schema,
        read: Some(|node, reader| {
            AmqpConfig::read(node, reader).map(|amqp| StepConfig::Amqp(Box::new(amqp)))
        }),
    },
    Step {
        key: "choose",
        help: "One of several flows, by weight",
        place: Allowed::Anywhere,
        schema: Choices::schema,
        read: Some(|node, reader| Choices::read(node, reader).map(|choices| StepConfig::Choose(choices.0))),
    },
    Step {
        key: "batch",
        help: "`http` steps done at the same time",
        place: Allowed::Anywhere,
        schema: BatchConfig::schema,
        read: Some(|node, reader| BatchConfig::read(node, reader).map(StepConfig::Batch)),
    },
    Step {
        key: "exec",
        help: "A program, where the configuration allows it",
        place: Allowed::Anywhere,
        schema: |_| later::step(),
        read: None,
    },
];

impl Value for StepConfig {
    fn expected() -> String {
        "a step such as `http: {url: …}` or `sleep: 1s`".to_owned()
    }

    fn place(node: &Node) -> Place {
        node.key_place()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some([(key, value), more @ ..]) = node.entries() else {
            reader.unexpected(node, &Self::expected());
            return None;
        };
        if !more.is_empty() {
            report_crowd(node, reader);
            return None;
        }
        let Some(step) = STEPS.iter().find(|step| step.key == key.value) else {
            let names = |good: bool| -> Vec<&str> {
                let good = |step: &&Step| good == (step.read.is_some() && step.allowed(reader.within));
                STEPS.iter().filter(good).map(|step| step.key).collect()
            };
            let help = match flow_help(value) {
                Some(flow) if value.is_null() => flow.to_owned(),
                _ => expected_one_of(&key.value, &names(true), &names(false)),
            };
            reader.problem(key.place, format!("unknown step `{}`", shorten(&key.value)), help);
            return None;
        };
        let Some(read) = step.read else {
            reader.problem(key.place, format!("the step `{}` is not supported yet", step.key), None);
            return None;
        };
        if reader.within == Within::Batch && step.key != BATCHED {
            let help = format!("only `{BATCHED}` steps can be done at the same time");
            reader.problem(key.place, format!("`{}` inside a batch", step.key), help);
        } else if !step.allowed(reader.within) {
            let (message, help) = if step.place == Allowed::InsideWebsocket && reader.within == Within::Grpc {
                ("inside a gRPC call's flow", "it is a WebSocket's")
            } else if step.place == Allowed::OutsideWebsocket && reader.within == Within::Grpc {
                ("inside a gRPC call's flow", "a VU has one open at a time: end the call first")
            } else if step.place == Allowed::InsideSession {
                ("outside of a WebSocket", "it belongs into the `flow` of a `websocket` or `grpc` step")
            } else if step.place == Allowed::InsideWebsocket {
                ("outside of a WebSocket", "it belongs into the `flow` of a `websocket` step")
            } else {
                ("inside a WebSocket's flow", "a VU has one WebSocket at a time: end the flow of the first")
            };
            reader.problem(key.place, format!("`{}` {message}", step.key), help.to_owned());
        }
        read(value, reader).filter(|_| step.allowed(reader.within))
    }

    fn schema(schemas: &mut Schemas) -> Json {
        schemas.definition("step", |schemas| {
            let mut properties = serde_json::Map::new();
            for step in &STEPS {
                let later = if step.read.is_some() { "" } else { " (not supported yet)" };
                let mut described = serde_json::Map::new();
                described.insert("description".to_owned(), json!(format!("{}{later}", step.help)));
                // A step all of whose keys may be absent may be written without any: `ping:`.
                described.insert("anyOf".to_owned(), json!([(step.schema)(schemas), {"type": "null"}]));
                properties.insert(step.key.to_owned(), Json::Object(described));
            }
            json!({
                "description": "One step of a flow: a mapping with one key, which says what it is",
                "type": "object",
                "properties": properties,
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
            })
        })
    }
}

impl StepConfig {
    /// How long a step of `preflight` is tried again; of the kinds that may come up late.
    pub fn wait_for(&self) -> Duration {
        let wait_for = match self {
            StepConfig::Http(http) => http.wait_for,
            StepConfig::Websocket(websocket) => websocket.wait_for,
            StepConfig::Nats(nats) => nats.bus.wait_for,
            StepConfig::Amqp(amqp) => amqp.bus.wait_for,
            StepConfig::Grpc(grpc) => grpc.wait_for,
            StepConfig::Group(group) => group.wait_for,
            _ => None,
        };
        wait_for.unwrap_or_default()
    }

    /// For people: `POST http://localhost/init`, or where the step stands.
    pub fn describe(&self, place: Place) -> String {
        match self {
            StepConfig::Http(http) => http.describe(),
            StepConfig::Websocket(websocket) => format!("websocket {}", websocket.url.value),
            StepConfig::Nats(nats) => nats.describe(),
            StepConfig::Amqp(amqp) => amqp.describe(),
            StepConfig::Grpc(grpc) => format!("grpc {} at {}", grpc.method.value, grpc.url.value),
            StepConfig::Group(group) => format!("group `{}`", group.name.value),
            _ => format!("step in line {}", place.line),
        }
    }
}

/// The key `wait_for` of a step: only the outermost steps of `preflight` are tried again, each as a whole.
fn wait_for(f: &mut Fields<'_>) -> Option<Option<Duration>> {
    let help = "In `preflight` only: how long it is tried again until it succeeds";
    let wait_for = f.optional::<Duration>("wait_for", help);
    if f.has("wait_for") && f.surroundings() != Within::Preflight {
        f.problem("wait_for", "`wait_for` belongs to the outermost steps of `preflight`", None);
    }
    wait_for
}

impl Step {
    fn allowed(&self, within: Within) -> bool {
        match self.place {
            _ if within == Within::Batch => self.key == BATCHED,
            Allowed::Anywhere => true,
            Allowed::InsideWebsocket => within == Within::Websocket,
            Allowed::InsideSession => matches!(within, Within::Websocket | Within::Grpc),
            Allowed::OutsideWebsocket => !matches!(within, Within::Websocket | Within::Grpc),
        }
    }
}

/// A step with several keys: most often one whose own keys are not indented, else two steps without a `-`.
fn report_crowd(node: &Node, reader: &mut Reader) {
    let entries = node.entries().unwrap_or_default();
    let is_step = |key: &str| STEPS.iter().any(|step| step.key == key);
    let steps: Vec<&At<String>> =
        entries.iter().map(|(key, _)| key).filter(|key| is_step(&key.value)).collect();
    let stray = entries.iter().map(|(key, _)| key).find(|key| !is_step(&key.value));
    let (place, help) = match (steps.as_slice(), stray) {
        ([step], Some(stray)) => {
            (stray.place, format!("indent `{}` below `{}`", shorten(&stray.value), step.value))
        }
        ([_, second, ..], _) => (second.place, format!("begin `{}` with a `-` of its own", second.value)),
        (_, _) => (node.place, format!("expected {}", StepConfig::expected())),
    };
    let names: Vec<String> =
        entries.iter().take(4).map(|(key, _)| format!("`{}`", shorten(&key.value))).collect();
    reader.problem(
        place,
        format!("a step has one key, which says what it is; found {}", names.join(", ")),
        help,
    );
}

/// At least one step.
pub(crate) struct Flow(pub(crate) Vec<At<StepConfig>>);

impl Value for Flow {
    fn expected() -> String {
        "a list of at least one step".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Seq(items) if !items.is_empty() => {
                let outside = reader.within;
                if outside == Within::Preflight {
                    reader.within = Within::Scenario;
                }
                let flow = Vec::read(node, reader).map(Flow);
                reader.within = outside;
                flow
            }
            _ => {
                reader.unexpected(node, &Self::expected());
                None
            }
        }
    }

    fn schema(schemas: &mut Schemas) -> Json {
        json!({"type": "array", "items": StepConfig::schema(schemas), "minItems": 1})
    }
}
