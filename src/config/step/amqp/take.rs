//! What an `amqp` step receives.

use super::super::super::At;
use super::super::super::fields::{Element, Fields};
use super::super::super::value::{Count, Template};
use super::super::bus::{TakeConfig, take};

#[derive(Debug, Clone)]
pub struct AmqpConsumeConfig {
    pub source: AmqpSourceConfig,
    /// Default 256.
    pub prefetch: u16,
    /// Default true.
    pub ack: bool,
    pub take: TakeConfig,
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
        let take = take(f);
        f.at_most_one(&["queue", "exchange"], "one of them");
        match (f.has("queue"), f.has("exchange")) {
            (false, false) => f.missing("queue", "a `queue`, or an `exchange`"),
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
            take: take?,
        })
    }
}
