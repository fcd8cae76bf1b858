//! What an `amqp` step receives.

use std::time::Duration;

use super::super::super::At;
use super::super::super::fields::{Element, Fields};
use super::super::super::value::{AtLeast, Count, Template};
use super::super::ledger::{ledger, wait};

#[derive(Debug, Clone)]
pub struct AmqpConsumeConfig {
    pub source: AmqpSourceConfig,
    /// Default 256.
    pub prefetch: u16,
    /// Default true.
    pub ack: bool,
    pub lasting: Option<Duration>,
    pub count: Option<u64>,
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
    pub ledger: Option<At<String>>,
    /// Default 5 s.
    pub wait: Duration,
}

/// Templates.
#[derive(Debug, Clone)]
pub enum AmqpSourceConfig {
    Queue(At<String>),
    Exchange { name: At<String>, routing_key: Option<At<String>> },
}

impl Element for AmqpConsumeConfig {
    const NAME: &'static str = "amqp_consume";
    const HELP: &'static str = "What comes into a queue, or to an exchange";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let queue = f.optional::<At<Template>>("queue", "A queue, whose messages all VUs share; a template");
        let exchange = f.optional::<At<Template>>(
            "exchange",
            "Instead of a queue: each VU has a queue of its own bound to the exchange, gone with its connection; a template",
        );
        let routing_key = f.optional::<At<Template>>(
            "routing_key",
            "With `exchange`: what the queue is bound by; of a topic exchange with `*` and `#`",
        );
        let prefetch = f.or::<Count<1, 65_535>>(
            "prefetch",
            "How many messages the server sends that are not acknowledged yet",
            "256",
        );
        let ack = f.or(
            "ack",
            "Acknowledge each message; without, the server forgets them as soon as they are sent",
            "true",
        );
        let lasting = f.optional::<AtLeast<1>>("for", "Takes all that come for so long; none is no failure");
        let count = f.optional::<Count<1, 1_000_000_000>>("count", "Ends when so many have come");
        let timeout = f.optional::<AtLeast<1>>(
            "timeout",
            "How long `count` messages are waited for where there is no `for`; default `defaults.timeout`",
        );
        let ledger = ledger(f, "The ledger whose events come here: finds what was lost");
        let wait = wait(f);
        match (f.has("queue"), f.has("exchange")) {
            (false, false) => f.missing("queue", "a `queue`, or an `exchange`"),
            (true, true) => {
                let help = "expected one of them".to_owned();
                f.problem("exchange", "both `queue` and `exchange`", help);
            }
            (true, false) if f.has("routing_key") => {
                let help =
                    "a queue is bound already; name the `exchange` instead for one of our own".to_owned();
                f.problem("routing_key", "`routing_key` with a `queue`", help);
            }
            _ => {}
        }
        if f.has("prefetch") && ack == Some(false) {
            let help = "the server counts what is not acknowledged, and without `ack` nothing is".to_owned();
            f.problem("prefetch", "`prefetch` without `ack`", help);
        }
        if !f.has("for") && !f.has("count") {
            f.missing("for", "how long to receive, or `count`: how many messages");
        }
        if f.has("for") && f.has("timeout") {
            f.problem("timeout", "both `for` and `timeout`", "`for` says how long".to_owned());
        }
        let text = |template: Option<At<Template>>| template.map(|template| template.map(|text| text.0));
        let (queue, exchange, routing_key) = (text(queue?), text(exchange?), text(routing_key?));
        let source = match (queue, exchange) {
            (Some(queue), _) => AmqpSourceConfig::Queue(queue),
            (None, Some(name)) => AmqpSourceConfig::Exchange { name, routing_key },
            (None, None) => return None,
        };
        Some(AmqpConsumeConfig {
            source,
            prefetch: u16::try_from(prefetch?.0).unwrap_or(u16::MAX),
            ack: ack?,
            lasting: lasting?.map(|lasting| lasting.0),
            count: count?.map(|count| count.0),
            timeout: timeout?.map(|timeout| timeout.0),
            ledger: ledger?,
            wait: wait?,
        })
    }
}
