//! What a `nats` step receives.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::super::At;
use super::super::super::fields::{Element, Fields, Reader, Value};
use super::super::super::node::Node;
use super::super::super::schema::{Schemas, or_filled};
use super::super::super::value::{AtLeast, Count, Name, Template, Text, word};
use super::super::ledger::{ledger, wait};
use super::NatsName;

#[derive(Debug, Clone)]
pub struct NatsTakeConfig {
    pub lasting: Option<Duration>,
    pub count: Option<u64>,
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
    pub ledger: Option<At<String>>,
    /// Default 5 s.
    pub wait: Duration,
}

#[derive(Debug, Clone)]
pub struct NatsSubscribeConfig {
    /// A template, which may have wildcards.
    pub subject: At<String>,
    pub queue: Option<At<String>>,
    pub take: NatsTakeConfig,
}

#[derive(Debug, Clone)]
pub struct NatsConsumeConfig {
    pub stream: At<String>,
    pub consumer: Option<At<String>>,
    pub subject: Option<At<String>>,
    /// Default: from when the run began.
    pub deliver: NatsDeliver,
    /// Default true.
    pub ack: bool,
    pub take: NatsTakeConfig,
}

/// Where a consumer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NatsDeliver {
    Run,
    New,
    All,
}

const DELIVER: [(&str, NatsDeliver); 3] =
    [("run", NatsDeliver::Run), ("new", NatsDeliver::New), ("all", NatsDeliver::All)];

fn take(f: &mut Fields<'_>) -> Option<NatsTakeConfig> {
    let lasting = f.optional::<AtLeast<1>>("for", "Takes all that come for so long; none is no failure");
    let count = f.optional::<Count<1, 1_000_000_000>>("count", "Ends when so many have come");
    let timeout = f.optional::<AtLeast<1>>(
        "timeout",
        "How long `count` messages are waited for where there is no `for`; default `defaults.timeout`",
    );
    let ledger = ledger(f, "The ledger whose events come here: finds what was lost");
    let wait = wait(f);
    if !f.has("for") && !f.has("count") {
        f.missing("for", "how long to receive, or `count`: how many messages");
    }
    if f.has("for") && f.has("timeout") {
        f.problem("timeout", "both `for` and `timeout`", "`for` says how long".to_owned());
    }
    Some(NatsTakeConfig {
        lasting: lasting?.map(|lasting| lasting.0),
        count: count?.map(|count| count.0),
        timeout: timeout?.map(|timeout| timeout.0),
        ledger: ledger?,
        wait: wait?,
    })
}

impl Element for NatsSubscribeConfig {
    const NAME: &'static str = "nats_subscribe";
    const HELP: &'static str = "What is said on a subject while the step listens";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let subject = f.required::<At<Template>>("subject", "May have the wildcards `*` and `>`; a template");
        let queue =
            f.optional::<At<Text>>("queue", "A queue group: of its members each message goes to one only");
        let take = take(f);
        Some(NatsSubscribeConfig {
            subject: subject?.map(|subject| subject.0),
            queue: queue?.map(|queue| queue.map(|text| text.0)),
            take: take?,
        })
    }
}

impl Element for NatsConsumeConfig {
    const NAME: &'static str = "nats_consume";
    const HELP: &'static str = "What a JetStream stream holds";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let stream = f.required::<At<Name<NatsName>>>("stream", "The stream");
        let consumer = f.optional::<At<Name<NatsName>>>(
            "consumer",
            "A durable consumer, made if there is none, whose messages all VUs share; else each VU has one of its own",
        );
        let subject = f.optional::<At<Text>>("subject", "Only messages on it; may have wildcards");
        let deliver = f.or(
            "deliver",
            "Where a new consumer begins: when the run began, now, or with the oldest",
            "run",
        );
        let ack = f.or("ack", "Acknowledge each message", "true");
        let take = take(f);
        let text = |name: At<Name<NatsName>>| name.map(|name| name.0);
        Some(NatsConsumeConfig {
            stream: text(stream?),
            consumer: consumer?.map(text),
            subject: subject?.map(|subject| subject.map(|text| text.0)),
            deliver: deliver?,
            ack: ack?,
            take: take?,
        })
    }
}

impl Value for NatsDeliver {
    fn expected() -> String {
        "one of `run`, `new`, `all`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "start", &DELIVER)
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"enum": DELIVER.map(|(word, _)| word)}))
    }
}
