//! NATS, by async-nats: connections, messages out and in. As everywhere here nothing is counted or judged; unlike other
//! protocols a connection has tasks of its own, which end when it is dropped.
//!
//! The library has no way to be given a socket, so names are resolved and checked by our [`Dialer`] beforehand, and it is
//! given addresses; servers that a cluster advertises are not used. What the load's limit on descriptors would refuse it
//! does not refuse. Bytes are those of the protocol's text (without TLS), for the socket is the library's.

mod acks;
mod consumer;
mod failure;
mod message;
mod pull;
mod servers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerAddr, Subscriber};
use tokio::sync::mpsc;

pub use acks::{Ack, ack_of, refusal_of};
pub use consumer::{Consumer, Start};
pub use failure::of_reply;
pub use message::{Outgoing, received_bytes, to_http};
pub use servers::{Auth, ServerError, Servers};

use super::backoff;
use super::dial::Dialer;
use crate::sample::ErrorCode;

/// Attempts in a row at each address before a lost connection is given up; the next use makes a new one.
const ATTEMPTS: usize = 12;
/// What happened and was not heard yet; further ones are lost, as are those that async-nats itself has no room for.
const MOST_HAPPENINGS: usize = 128;
/// Messages of one subscription that nobody has taken yet; further ones are discarded, and that is told.
const INBOX: usize = 16_384;

/// A connection to one of the servers, made again when it is lost. Dropping the last clone ends it.
#[derive(Debug, Clone)]
pub struct Connection {
    client: Client,
    /// Tells the attempts to reconnect that nobody waits for them.
    used: Arc<Used>,
}

/// Something that happened to a connection between exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// It is there again.
    Reconnected,
    Lost,
    /// An attempt to connect again failed, or the server said what is wrong.
    Failed(ErrorCode),
    /// A message was discarded because nobody took those before it.
    Discarded,
    /// It will not come back.
    GivenUp,
}

/// A connection and what happens to it.
#[derive(Debug)]
pub struct Connected {
    pub connection: Connection,
    pub happenings: mpsc::Receiver<Happening>,
}

#[derive(Debug, Default)]
struct Used {
    made: AtomicBool,
    over: AtomicBool,
}

/// Told when the last user of a connection is gone.
#[derive(Debug)]
pub struct Leave(Arc<Used>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.over.store(true, Relaxed);
    }
}

impl Connection {
    /// Looks the servers up, asks the guard, connects to the first that answers. Must be called within a runtime.
    ///
    /// # Errors
    /// As exchanges have them: DNS, refused, not allowed, TLS, credentials.
    pub async fn open(dialer: &Dialer, servers: &Servers, within: Duration) -> Result<Connected, ErrorCode> {
        let opening = async {
            let reached = servers.reach(dialer).await?;
            let used = Arc::new(Used::default());
            let (tell, happenings) = mpsc::channel(MOST_HAPPENINGS);
            let options = options(servers, &used, reached.addresses.len(), within)?
                .tls_client_config(servers.tls(dialer).by_address(reached.names))
                .event_callback(move |event| {
                    if let Some(happening) = happening(event) {
                        // Nobody listens, or not often enough: then its use will tell.
                        let _ = tell.try_send(happening);
                    }
                    std::future::ready(())
                });
            let client = connect(&options, reached.addresses).await?;
            used.made.store(true, Relaxed);
            Ok(Connected { connection: Connection { client, used }, happenings })
        };
        tokio::time::timeout(within, opening).await.map_err(|_| ErrorCode::DIAL_TIMEOUT)?
    }

    /// To be dropped with whoever uses the connection.
    pub fn leave(&self) -> Leave {
        Leave(Arc::clone(&self.used))
    }

    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Hands a message over: done when there is room for it, and not when it is sent.
    ///
    /// # Errors
    /// `NATS_TOO_LARGE`, `NATS_SUBJECT`, and `NATS_DISCONNECTED` once the connection is given up.
    pub async fn publish(&self, message: Outgoing) -> Result<(), ErrorCode> {
        message.publish(&self.client).await.map_err(|error| failure::of_publish(&error))
    }

    /// All that was handed over has been written to the socket.
    ///
    /// # Errors
    /// `NATS_DISCONNECTED` once the connection is given up.
    pub async fn flush(&self) -> Result<(), ErrorCode> {
        self.client.flush().await.map_err(|_| ErrorCode::NATS_DISCONNECTED)
    }

    /// Messages on `subject`, of which each goes to one member of the `queue` only, if there is one.
    ///
    /// # Errors
    /// `NATS_SUBJECT`, and `NATS_DISCONNECTED` once the connection is given up.
    pub async fn subscribe(&self, subject: &str, queue: Option<&str>) -> Result<Subscriber, ErrorCode> {
        let subject = subject.to_owned();
        let subscribed = match queue {
            Some(queue) => self.client.queue_subscribe(subject, queue.to_owned()).await,
            None => self.client.subscribe(subject).await,
        };
        subscribed.map_err(|error| failure::of_subscribe(&error))
    }

    /// A subject that nobody else uses.
    pub fn new_inbox(&self) -> String {
        self.client.new_inbox()
    }

    fn jetstream(&self) -> async_nats::jetstream::Context {
        async_nats::jetstream::new(self.client.clone())
    }
}

/// Tries one address after the other; the first failure is the one reported, as elsewhere. Lost, the connection may come
/// back at any of them.
async fn connect(options: &ConnectOptions, addresses: Vec<ServerAddr>) -> Result<Client, ErrorCode> {
    let mut first_failure = None;
    for address in &addresses {
        match options.clone().connect(address.clone()).await {
            Ok(client) => {
                // Only a connection that was lost in this very moment refuses, and then its use will tell.
                let _ = client.set_server_pool(addresses).await;
                return Ok(client);
            }
            Err(error) => {
                first_failure.get_or_insert(failure::of_connect(&error));
            }
        }
    }
    Err(first_failure.unwrap_or(ErrorCode::DIAL))
}

fn options(
    servers: &Servers,
    used: &Arc<Used>,
    addresses: usize,
    within: Duration,
) -> Result<ConnectOptions, ErrorCode> {
    let used = Arc::clone(used);
    let wait = move |attempt: usize| {
        // Before the first connection another address is tried at once, and for nobody all are.
        if !used.made.load(Relaxed) || used.over.load(Relaxed) {
            return Duration::ZERO;
        }
        let round = attempt.saturating_sub(1) / addresses;
        backoff(u32::try_from(round).unwrap_or(u32::MAX).saturating_add(1), fastrand::f64())
    };
    let options = ConnectOptions::new()
        .name("loadgate")
        .connection_timeout(within)
        .ignore_discovered_servers()
        .retain_servers_order()
        .max_reconnects(ATTEMPTS * addresses)
        .subscription_capacity(INBOX)
        .reconnect_delay_callback(wait)
        .require_tls(servers.requires_tls());
    servers.authenticate(options)
}

fn happening(event: Event) -> Option<Happening> {
    Some(match event {
        Event::Connected => Happening::Reconnected,
        Event::Disconnected => Happening::Lost,
        Event::SlowConsumer(_) => Happening::Discarded,
        Event::ServerError(error) => Happening::Failed(failure::of_server(&error)),
        Event::ClientError(error) => failure::of_client(&error).map_or(Happening::GivenUp, Happening::Failed),
        Event::Closed => Happening::GivenUp,
        Event::LameDuckMode | Event::Draining => return None,
    })
}
