//! What a `nats` step sends.

use std::time::Duration;

use super::super::super::At;
use super::super::super::fields::{Element, Fields};
use super::super::super::value::{AtLeast, Count, HeaderName, Name, Table, Template};
use super::super::ledger::ledger;
use super::super::payload::{PayloadConfig, payload};
use super::NatsName;

#[derive(Debug, Clone)]
pub struct NatsMessageConfig {
    /// A template.
    pub subject: At<String>,
    pub payload: PayloadConfig,
    /// Values are templates.
    pub headers: Vec<(At<String>, At<String>)>,
}

#[derive(Debug, Clone)]
pub struct NatsPublishConfig {
    pub message: NatsMessageConfig,
    /// That acknowledges; `None`: nobody does.
    pub stream: Option<At<String>>,
    /// A template: the header `Nats-Msg-Id`.
    pub id: Option<At<String>>,
    /// Default 5 s.
    pub ack_timeout: Duration,
    /// Default 256.
    pub max_ack_inflight: usize,
    pub ledger: Option<At<String>>,
}

#[derive(Debug, Clone)]
pub struct NatsRequestConfig {
    pub message: NatsMessageConfig,
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
}

fn message(f: &mut Fields<'_>) -> Option<NatsMessageConfig> {
    let subject = f.required::<At<Template>>("subject", "Where it goes; a template");
    let payload = payload(f);
    let headers = f.or_empty::<Table<HeaderName, At<Template>>>("headers", "Values are templates");
    Some(NatsMessageConfig {
        subject: subject?.map(|subject| subject.0),
        payload: payload?,
        headers: headers?.into_texts(),
    })
}

impl Element for NatsPublishConfig {
    const NAME: &'static str = "nats_publish";
    const HELP: &'static str = "A message for whoever listens, or for a stream";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let message = message(f);
        let stream = f.optional::<At<Name<NatsName>>>(
            "stream",
            "The JetStream stream that takes and acknowledges it; without one nobody acknowledges",
        );
        let id = f
            .optional::<At<Template>>("id", "The header `Nats-Msg-Id`, by which the stream drops duplicates");
        let ack_timeout = f.or::<AtLeast<1>>(
            "ack_timeout",
            "How long an acknowledgement is waited for; and room for one more, or the connection",
            "5s",
        );
        let most = f.or::<Count<1, 65_536>>(
            "max_ack_inflight",
            "How many messages of a connection may wait for their acknowledgement",
            "256",
        );
        let ledger = ledger(f, "The ledger that counts its events as published; another step receives them");
        if !f.has("stream") {
            let unused: Vec<&str> = ["id", "max_ack_inflight"].into_iter().filter(|key| f.has(key)).collect();
            for key in unused {
                let help = "name the `stream` that acknowledges, or leave it out".to_owned();
                f.problem(key, format!("`{key}` without a `stream`"), help);
            }
        }
        Some(NatsPublishConfig {
            message: message?,
            stream: stream?.map(|stream| stream.map(|name| name.0)),
            id: id?.map(|id| id.map(|template| template.0)),
            ack_timeout: ack_timeout?.0,
            max_ack_inflight: usize::try_from(most?.0).unwrap_or(usize::MAX),
            ledger: ledger?,
        })
    }
}

impl Element for NatsRequestConfig {
    const NAME: &'static str = "nats_request";
    const HELP: &'static str = "A message whose answer is waited for";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let message = message(f);
        let timeout = f.optional::<AtLeast<1>>(
            "timeout",
            "How long the answer is waited for; default `defaults.timeout`",
        );
        Some(NatsRequestConfig { message: message?, timeout: timeout?.map(|timeout| timeout.0) })
    }
}
