//! The step `websocket` and the steps inside its flow.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::At;
use super::super::fields::{Element, Fields, Reader, Value, Within};
use super::super::node::{Node, Typed};
use super::super::schema::{Schemas, or_filled};
use super::super::value::{
    AtLeast, CheckName, Constant, Expression, HeaderName, Label, Table, Template, Text, VariableName,
    WebsocketUrl,
};
use super::exchange::{Expressions, RecordTable, Records};
use super::ledger::{ledger, wait};
use super::{CheckConfig, Named, RecordConfig, StepConfig, wait_for};

#[derive(Debug, Clone)]
pub struct WebsocketConfig {
    /// `ws://` or `wss://`; a template.
    pub url: At<String>,
    /// Default: the URL's path before templating.
    pub name: Option<At<String>>,
    pub headers: Vec<(At<String>, At<String>)>,
    pub subprotocols: Vec<At<String>>,
    /// DNS, TCP, TLS and upgrade together (default `defaults.timeout`).
    pub connect_timeout: Option<Duration>,
    /// Stays open from one iteration to the next.
    pub keep_open: bool,
    pub tags: Vec<(At<String>, At<String>)>,
    /// Over the handshake's `status` and `headers`.
    pub checks: Vec<CheckConfig>,
    pub flow: Vec<At<StepConfig>>,
    /// In `preflight` only: tried again until it succeeds or this has passed.
    pub wait_for: Option<Duration>,
}

#[derive(Debug, Clone)]
pub enum MessageConfig {
    /// Strings in it are templates.
    Json(At<serde_json::Value>),
    /// A template, sent as a text message.
    Text(At<String>),
}

#[derive(Debug, Clone)]
pub struct SendConfig {
    pub message: MessageConfig,
    pub ledger: Option<At<String>>,
}

#[derive(Debug, Clone)]
pub struct ReceiveConfig {
    /// Over each message's `body` and `json`; default: the first message ends it.
    pub until: Option<At<String>>,
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
    pub ledger: Option<At<String>>,
    pub checks: Vec<CheckConfig>,
    pub capture: Vec<Named>,
    pub record: Vec<RecordConfig>,
}

/// Looks at each message that comes; that none comes is no failure.
#[derive(Debug, Clone)]
pub struct ListenConfig {
    pub lasting: Duration,
    /// Over each message: those it does not hold for are only counted.
    pub when: Option<At<String>>,
    /// Over each message's `body` and `json`: the one that ends it early.
    pub until: Option<At<String>>,
    pub ledger: Option<At<String>>,
    /// Default 5 s.
    pub wait: Duration,
    /// These three over each such message, in this order.
    pub checks: Vec<CheckConfig>,
    pub record: Vec<RecordConfig>,
    pub capture: Vec<Named>,
}

/// Sends a ping and waits for its pong.
#[derive(Debug, Clone)]
pub struct PingConfig {
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
}

#[derive(Debug, Clone)]
pub struct CloseConfig {
    /// Default 1000.
    pub code: u16,
    pub reason: Option<String>,
}

impl Element for WebsocketConfig {
    const NAME: &'static str = "websocket";
    const HELP: &'static str = "A WebSocket, open for the steps of its flow";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let url = f.required::<At<WebsocketUrl>>("url", "`ws://` or `wss://`; a template");
        let name =
            f.optional::<At<Constant>>("name", "The label `name`; default: the URL's path before templating");
        let headers = f
            .or_empty::<Table<HeaderName, At<Template>>>("headers", "Of the handshake; values are templates");
        let subprotocols =
            f.or_empty::<Vec<At<Text>>>("subprotocols", "Offered to the server, the best first");
        let connect_timeout = f.optional::<AtLeast<1>>(
            "connect_timeout",
            "DNS, TCP, TLS and upgrade together; default `defaults.timeout`",
        );
        let keep_open = f.or(
            "keep_open",
            "Stays open for the VU's next iteration, and is opened again if it was lost",
            "false",
        );
        let tags = f.or_empty::<Table<Label, At<Constant>>>("tags", "On every series of the step");
        let checks = f.or_empty::<Expressions<CheckName>>(
            "checks",
            "Name and expression, over the handshake's `status` and `headers`",
        );
        let flow = f.or_empty_within(Within::Websocket, "flow", "The steps done while it is open");
        let wait_for = wait_for(f);
        Some(WebsocketConfig {
            url: url?.map(|url| url.0),
            name: name?.map(|name| name.map(|name| name.0)),
            headers: headers?.into_texts(),
            subprotocols: subprotocols?.into_iter().map(|name| name.map(|name| name.0)).collect(),
            connect_timeout: connect_timeout?.map(|timeout| timeout.0),
            keep_open: keep_open?,
            tags: tags?.into_texts(),
            checks: checks?.into_named(),
            flow: flow?,
            wait_for: wait_for?,
        })
    }
}

const RECEIVED: &str =
    "The ledger whose events come in the session's messages, from this step on: finds what was lost";

impl Element for SendConfig {
    const NAME: &'static str = "send";
    const HELP: &'static str = "Sends a message";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let json =
            f.optional::<At<serde_json::Value>>("json", "A message in JSON; strings in it are templates");
        let text = f.optional::<At<Template>>("text", "A message of text; a template");
        let ledger = ledger(
            f,
            "The ledger that counts it as a published event when it is handed over; another step receives it",
        );
        let message = match (json?, text?) {
            (Some(json), None) => MessageConfig::Json(json),
            (None, Some(text)) => MessageConfig::Text(text.map(|text| text.0)),
            (None, None) => {
                f.problem("", "`send` has no message", "expected `json` or `text`".to_owned());
                return None;
            }
            (Some(_), Some(_)) => {
                f.problem("text", "both `json` and `text`", "expected one message".to_owned());
                return None;
            }
        };
        Some(SendConfig { message, ledger: ledger? })
    }
}

impl Element for ReceiveConfig {
    const NAME: &'static str = "receive";
    const HELP: &'static str = "Waits for messages until one is the last";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let until = f.optional::<At<Expression>>(
            "until",
            "Over each message's `body` and `json`; default: the first message ends it",
        );
        let timeout =
            f.optional::<AtLeast<1>>("timeout", "For all messages together; default `defaults.timeout`");
        let ledger = ledger(f, RECEIVED);
        let checks =
            f.or_empty::<Expressions<CheckName>>("checks", "Name and expression, over the last message");
        let capture = f.or_empty::<Expressions<VariableName>>(
            "capture",
            "Variable and expression, over the last message",
        );
        let record =
            f.or_empty::<Records>("record", "A metric that takes the time, or metrics with expressions");
        Some(ReceiveConfig {
            until: until?.map(|until| until.map(|until| until.0)),
            timeout: timeout?.map(|timeout| timeout.0),
            ledger: ledger?,
            checks: checks?.into_named(),
            capture: capture?.into_named(),
            record: record?.0,
        })
    }
}

impl Element for ListenConfig {
    const NAME: &'static str = "listen";
    const HELP: &'static str = "Looks at each message that comes";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let lasting = f.required::<AtLeast<1>>("for", "How long");
        let when = f.optional::<At<Expression>>(
            "when",
            "Over each message: those it does not hold for are only counted",
        );
        let until = f.optional::<At<Expression>>("until", "Over each message: the one that ends it early");
        let ledger = ledger(f, RECEIVED);
        let wait = wait(f);
        let checks = f.or_empty::<Expressions<CheckName>>("checks", "Name and expression, over each message");
        let record = f.or_empty::<RecordTable>("record", "Metric and expression, over each message");
        let capture = f.or_empty::<Expressions<VariableName>>(
            "capture",
            "Variable and expression, over each message, after its checks and records",
        );
        Some(ListenConfig {
            lasting: lasting?.0,
            when: when?.map(|when| when.map(|when| when.0)),
            until: until?.map(|until| until.map(|until| until.0)),
            ledger: ledger?,
            wait: wait?,
            checks: checks?.into_named(),
            record: record?.0,
            capture: capture?.into_named(),
        })
    }
}

impl Element for PingConfig {
    const NAME: &'static str = "ping";
    const HELP: &'static str = "Sends a ping and waits for its pong";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let timeout = f.optional::<AtLeast<1>>("timeout", "Default `defaults.timeout`");
        Some(PingConfig { timeout: timeout?.map(|timeout| timeout.0) })
    }
}

impl Element for CloseConfig {
    const NAME: &'static str = "close";
    const HELP: &'static str = "Closes the connection";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let code = f.or::<CloseCode>("code", "The status code of the close frame", "1000");
        let reason = f.optional::<Text>("reason", "At most 123 bytes");
        if let Some(Some(Text(reason))) = &reason
            && reason.len() > LONGEST_REASON
        {
            f.problem(
                "reason",
                format!("the reason has {} bytes", reason.len()),
                format!("expected at most {LONGEST_REASON}"),
            );
        }
        Some(CloseConfig { code: code?.0, reason: reason?.map(|reason| reason.0) })
    }
}

/// A control frame holds 125 bytes, two of them the code (RFC 6455, 5.5).
const LONGEST_REASON: usize = 123;

/// A code that a client may send (RFC 6455, 7.4).
struct CloseCode(u16);

impl Value for CloseCode {
    fn expected() -> String {
        "a close code such as `1000`, or one from 3000 to 4999".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| match scalar.typed() {
            Typed::Integer(code) => u16::try_from(code)
                .ok()
                .filter(|code| matches!(code, 1000..=1003 | 1007..=1011 | 3000..=4999))
                .map(CloseCode),
            _ => None,
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        let range = |from: u16, to: u16| json!({"type": "integer", "minimum": from, "maximum": to});
        or_filled(json!({"anyOf": [range(1000, 1003), range(1007, 1011), range(3000, 4999)]}))
    }
}
