//! Consumers of JetStream streams, which pull.

use std::fmt;
use std::time::{Duration, SystemTime};

use async_nats::Message;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::{ConsumerInfoErrorKind, GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::ConsumerError;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::Connection;
use super::failure::of_jetstream;
use super::pull::Pull;
use crate::sample::ErrorCode;

/// A consumer that nobody pulls from any more goes after this, unless it has a name.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// Where in its stream a new consumer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    All,
    New,
    /// With what was stored from then on, by the server's clock.
    At(SystemTime),
}

/// Takes messages of a stream in their order. Its position is the server's where it has a name.
pub struct Consumer(Pull);

impl Consumer {
    /// The consumer of that name, made if there is none, or one without a name. `subject` filters.
    ///
    /// # Errors
    /// `NATS_NO_STREAM`, and whatever JetStream refuses for.
    pub async fn open(
        connection: &Connection,
        stream: &str,
        name: Option<&str>,
        subject: Option<&str>,
        start: Start,
        acknowledges: bool,
    ) -> Result<Self, ErrorCode> {
        let stream = connection.jetstream().get_stream_no_info(stream).await;
        let stream = stream.map_err(|error| of_get(&error))?;
        let config = pull::Config {
            durable_name: name.map(str::to_owned),
            filter_subject: subject.unwrap_or_default().to_owned(),
            deliver_policy: match start {
                Start::All => DeliverPolicy::All,
                Start::New => DeliverPolicy::New,
                Start::At(wall) => DeliverPolicy::ByStartTime { start_time: DateTime::<Utc>::from(wall) },
            },
            ack_policy: if acknowledges { AckPolicy::Explicit } else { AckPolicy::None },
            inactive_threshold: if name.is_none() { FORGOTTEN_AFTER } else { Duration::ZERO },
            ..pull::Config::default()
        };
        let known = match name {
            Some(name) => match stream.get_consumer::<pull::Config>(name).await {
                Ok(known) => Some(known),
                Err(error) if not_found(&*error) => None,
                Err(_) => return Err(ErrorCode::NATS_JETSTREAM),
            },
            None => None,
        };
        let handle = match known {
            Some(known) => known,
            None => stream.create_consumer(config).await.map_err(|error| of_create(&error))?,
        };
        let info = handle.cached_info();
        Ok(Consumer(Pull::new(connection.client.clone(), &info.stream_name, &info.name).await?))
    }

    /// Waits for the next message; may be dropped without losing one. Of those `wanted` no more are asked for, so that
    /// none waits here that others could have. `None` once the connection is gone.
    pub async fn next(&mut self, wanted: Option<u64>) -> Option<Result<Message, ErrorCode>> {
        self.0.next(wanted).await
    }

    /// Has the server deliver to others at once what it has sent here and nobody took, instead of when the time for
    /// its acknowledgement is over.
    pub async fn hand_back(self) {
        self.0.hand_back().await;
    }
}

impl Connection {
    /// That a message of a consumer need not be delivered once more.
    ///
    /// # Errors
    /// `NATS_DISCONNECTED` once the connection is given up.
    pub async fn acknowledge(&self, message: &Message) -> Result<(), ErrorCode> {
        let Some(reply) = &message.reply else { return Ok(()) };
        let acknowledged = self.client.publish(reply.clone(), Bytes::from_static(b"+ACK")).await;
        acknowledged.map_err(|_| ErrorCode::NATS_DISCONNECTED)
    }
}

fn not_found(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<async_nats::jetstream::context::ConsumerInfoError>()
        .is_some_and(|error| error.kind() == ConsumerInfoErrorKind::NotFound)
}

fn of_get(error: &GetStreamError) -> ErrorCode {
    match error.kind() {
        GetStreamErrorKind::JetStream(error) => of_jetstream(error.error_code().0, error.code() as u64),
        _ => ErrorCode::NATS_JETSTREAM,
    }
}

fn of_create(error: &ConsumerError) -> ErrorCode {
    use async_nats::jetstream::stream::ConsumerErrorKind as Kind;
    match error.kind() {
        Kind::TimedOut => ErrorCode::TIMEOUT,
        Kind::JetStream(error) => of_jetstream(error.error_code().0, error.code() as u64),
        _ => ErrorCode::NATS_JETSTREAM,
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").finish_non_exhaustive()
    }
}
