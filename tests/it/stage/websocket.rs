//! A WebSocket server that does what a test says with each connection.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;

use super::Service;

/// `talk` is given each connection once it is upgraded.
pub(crate) fn websocket_server<T>(
    talk: impl Fn(WebSocketStream<TcpStream>) -> T + Send + Sync + 'static,
) -> Service
where
    T: Future<Output = ()> + Send + 'static,
{
    let talk = Arc::new(talk);
    Service::start(move |listener, stop| async move {
        let serving = async {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let talk = Arc::clone(&talk);
                connections.spawn(async move {
                    if let Ok(socket) = tokio_tungstenite::accept_async(stream).await {
                        talk(socket).await;
                    }
                });
            }
        };
        tokio::select! {
            _dropped = stop => {}
            () = serving => {}
        }
    })
}
