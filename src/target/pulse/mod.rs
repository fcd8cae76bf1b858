//! Pulse: a service that follows two chains, tells who has subscribed what happens on them, and says over
//! HTTP how sure it is of that.
//!
//! What is said on `/ws` is written down in [`PROTOCOL`].

mod chain;
mod filter;
mod generator;
mod hub;
mod reports;
mod session;

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

pub(super) use self::generator::generate;
pub(super) use self::hub::{Counts, Hub};
pub(super) use self::reports::{gaps, halts, manifest, manifests, status, watermark};

use self::session::Session;
use super::{Backend, socket};

/// The protocol of `/ws`, for people.
pub const PROTOCOL: &str = r#"  Each request is answered with the `id` it came with (any JSON; null without one):

    {"type":"subscribe","id":1,"filter":{"chains":["ethereum"],"types":["transfer","swap"],"min_value":500}}
      -> {"type":"subscribed","id":1,"subscription":"s3","complexity":"complex"}
    {"type":"list","id":2}
      -> {"type":"subscriptions","id":2,"subscriptions":[{"subscription":"s3","filter":{...}}]}
    {"type":"unsubscribe","id":3,"subscription":"s3"}
      -> {"type":"unsubscribed","id":3,"subscription":"s3"}
    {"type":"publish","id":4,"timestamp":1700000000000,"payload":...}   (thrown away)
      -> {"type":"published","id":4,"timestamp":1700000000000}
    {"type":"ping","id":5,"timestamp":1700000000000}
      -> {"type":"pong","id":5,"timestamp":1700000000000}
    what cannot be done
      -> {"type":"error","id":6,"message":"..."}

  Between the answers come the events of what is subscribed to:

    {"type":"event","subscription":"s3","seq":17,"chain":"ethereum","block":18908895,
     "event_type":"transfer","value":731,"timestamp":1700000000000}

  `timestamp` is when the event was emitted, in milliseconds since 1970. `seq` grows by one with
  each event of a subscription, so that a gap or a repetition can be seen; where it begins depends
  on who came before, since all who ask for the same filter share the subscription. A filter holds
  `chains` (ethereum, solana), `types` (block, transaction, transfer, swap) and `min_value` (values
  are 1 to 1000). What is left out lets everything through; `complexity` is simple with at most one
  condition, moderate with two, complex with three."#;

/// Talks on `stream`, of which `unread` has been read already, until either side closes or `stop` is cancelled.
pub(super) async fn serve(stream: TcpStream, unread: Vec<u8>, backend: &Backend, stop: &CancellationToken) {
    let _open = Open::new(&backend.hub.counts().connections);
    let socket = socket::open(stream, unread).await;
    if let Err(error) = Session::new(socket, backend).talk(stop).await {
        tracing::debug!(%error, "connection to /ws ended");
    }
}

/// Counts a connection until it is dropped.
struct Open<'a>(&'a AtomicU64);

impl<'a> Open<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
