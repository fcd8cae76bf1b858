//! One connection: HTTP/1.1 first, a WebSocket once it has been upgraded.
//!
//! The upgrade takes the socket back from hyper and goes on in the same task, so that a thousand chats are
//! a thousand tasks, and hyper's buffers are gone before the first message.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::routes::Upgrade;
use super::{Backend, broker, chat, pulse, routes};

/// Bounds what one request's head can make us buffer.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Serves the connection until either side closes it. Errors are the client's and end only this connection.
pub(super) async fn serve(stream: TcpStream, backend: Arc<Backend>, stop: CancellationToken) {
    // Streamed chunks are small; held back until the last one is acknowledged, they would arrive in pairs.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "failed to set TCP_NODELAY");
    }
    let Some((upgrade, stream, unread)) = serve_http(stream, &backend, &stop).await else { return };
    match upgrade {
        Upgrade::Chat => chat::serve(stream, unread, &backend, &stop).await,
        Upgrade::Live => broker::serve(stream, unread, &backend, &stop).await,
        Upgrade::Pulse => pulse::serve(stream, unread, &backend, &stop).await,
    }
}

/// Answers requests; gives the socket, and what had been read beyond the last request, after an upgrade.
async fn serve_http(
    stream: TcpStream,
    backend: &Arc<Backend>,
    stop: &CancellationToken,
) -> Option<(Upgrade, TcpStream, Vec<u8>)> {
    let upgraded = Arc::new(OnceLock::new());
    let service = service_fn(|request: Request<Incoming>| {
        let (backend, upgraded) = (Arc::clone(backend), Arc::clone(&upgraded));
        async move {
            let response = routes::answer(&backend, request).await;
            if let Some(upgrade) = response.extensions().get::<Upgrade>() {
                // A connection is upgraded once: hyper reads nothing after a 101.
                let _ = upgraded.set(*upgrade);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut http =
        http1::Builder::new().max_buf_size(MAX_HEAD_BYTES).serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        ended = &mut http => Some(ended),
        () = stop.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            Pin::new(&mut http).graceful_shutdown();
            (&mut http).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
        return None;
    }
    let upgrade = *upgraded.get()?;
    let parts = http.into_parts();
    Some((upgrade, parts.io.into_inner(), parts.read_buf.into()))
}
