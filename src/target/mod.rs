//! The demo target: a small backend to load, with faults on demand.
//!
//! A service of its own that shares nothing with the engine: it uses no other module of this crate, so
//! that what loadgate measures here is never measured by the code that produced it. Where to look:
//!
//! ```text
//! serve ─> connection ─> routes ─┬─> control    (/faults)
//!                       │        ├─> exposition (/metrics)
//!                       │        ├─> pulse      (/api/v1/…)
//!                       │        ├─> sale       (/init, /order, /stock)
//!                       │        └─> broker     (/events, /api/exchanges/…)
//!                       ├─> chat  (/api/chat, after the upgrade)
//!                       ├─> broker (/events/live, after the upgrade)
//!                       └─> pulse (/ws, after the upgrade: its protocol is written down there)
//! grpc     gRPC, on a port of its own
//! tick     the 100 Hz loop, on a thread of its own
//! fault    what can be made to go wrong; every place above asks it
//! ```

mod answer;
mod broker;
mod chat;
mod connection;
mod control;
mod exposition;
mod fault;
mod grpc;
mod pulse;
mod route;
mod routes;
mod sale;
mod socket;
mod tick;
mod traffic;

use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub use self::fault::{FAULTS, Fault, FaultError, FaultInfo};
pub use self::fault::{Ratio, RefusalStatus, Stall};
pub use self::pulse::PROTOCOL as WS_PROTOCOL;
pub use self::route::{ROUTES, RouteInfo};
pub use self::tick::Hz;

use self::broker::Broker;
use self::fault::ActiveFaults;
use self::pulse::Hub;
use self::sale::Sale;
use self::tick::{History, Ticker};
use self::traffic::Traffic;

/// How long answers under way may take once the service has been told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// How long to wait after a failed `accept`: with descriptors spent, the next one fails at once too.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(20);

/// Connections that may wait to be accepted: a thousand users come at once. What does not fit, the
/// kernel drops, and the client tries again a second later.
const BACKLOG: u32 = 4096;

/// A listener that holds a crowd. Must be called within a runtime.
///
/// # Errors
/// When the address is taken or not ours.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// How the demo target behaves.
#[derive(Debug, Clone)]
pub struct TargetConfig {
    /// Faults that are on from the start. Of two of the same name the later one holds.
    pub faults: Vec<Fault>,
    /// The rate of the loop while no fault slows it.
    pub loop_hz: Hz,
    /// Chunks in a chat reply, before its `done`.
    pub chunks: usize,
    /// The pause before each chunk, drawn evenly from this range.
    pub chunk_gap: RangeInclusive<Duration>,
    /// Events a second on `/ws`, of both chains together; 0 for none.
    pub events_per_sec: u32,
    /// Orders a second of the flash sale, counted in whole seconds; more are sent to the waiting room. 0 for
    /// no limit.
    pub orders_per_sec: u32,
}

impl Default for TargetConfig {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            loop_hz: Hz::NOMINAL,
            chunks: 5,
            chunk_gap: Duration::from_millis(15)..=Duration::from_millis(20),
            events_per_sec: 20,
            orders_per_sec: 5_000,
        }
    }
}

/// What all connections and the loop share.
struct Backend {
    faults: Arc<ActiveFaults>,
    history: Arc<History>,
    traffic: Traffic,
    script: chat::Script,
    hub: Arc<Hub>,
    sale: Sale,
    broker: Broker,
    calls: grpc::Calls,
    /// The rate of the loop while no fault slows it.
    loop_hz: Hz,
}

/// Serves on `listener` until `shutdown` completes; then takes no more connections, closes the idle ones,
/// says goodbye on the WebSockets and gives answers under way half a second to end.
///
/// # Errors
/// When the loop's thread cannot be started. A failed `accept` is logged and tried again.
pub async fn serve(
    listener: TcpListener,
    config: TargetConfig,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_with_grpc(listener, None, config, shutdown).await
}

/// As [`serve`], and gRPC on a listener of its own.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with_grpc(
    listener: TcpListener,
    grpc: Option<TcpListener>,
    config: TargetConfig,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let faults = Arc::new(ActiveFaults::new(config.faults));
    let ticker = Ticker::start(config.loop_hz, Arc::clone(&faults))?;
    let hub = Arc::new(Hub::default());
    let events = pulse::generate(Arc::clone(&hub), Arc::clone(&faults), config.events_per_sec);
    let _events = AbortOnDropHandle::new(tokio::spawn(events));
    let backend = Arc::new(Backend {
        faults,
        history: ticker.history(),
        traffic: Traffic::default(),
        script: chat::Script::new(config.chunks, config.chunk_gap),
        hub,
        sale: Sale::new(config.orders_per_sec),
        broker: Broker::default(),
        calls: grpc::Calls::default(),
        loop_hz: config.loop_hz,
    });
    let stop = CancellationToken::new();
    let mut connections = JoinSet::new();
    if let Some(grpc) = grpc {
        let served = grpc::serve(grpc, Arc::clone(&backend), stop.clone().cancelled_owned());
        connections.spawn(async {
            if let Err(error) = served.await {
                tracing::error!(%error, "gRPC is not served any more");
            }
        });
    }
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection::serve(stream, Arc::clone(&backend), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(ACCEPT_BACKOFF).await;
                }
            },
        }
    }
    drop(listener);
    stop.cancel();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_GRACE, drained).await.is_err() {
        connections.shutdown().await;
    }
    Ok(())
}
