//! Accepts connections and serves them, within bounds: what a scraper does must not cost the load
//! generator its descriptors.

use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// At once; the next ones wait in the socket's backlog.
const MAX_CONNECTIONS: usize = 128;
/// For a request's head to be whole, and for a kept connection to be used again.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long requests that are under way may take to end after a shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// Before the next try when no descriptor or no memory was left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn run(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            accepted = accepted => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                if !is_the_clients(error.kind()) {
                    tracing::warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                continue;
            }
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            let _its_clients_affair = connection.await;
            drop(place);
        });
    }
    drop(listener);
    // What is then still open goes with the set.
    let _given_up = tokio::time::timeout(SHUTDOWN_GRACE, graceful.shutdown()).await;
}

fn is_the_clients(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
}
