//! The least gRPC server: h2 with its defaults, each call answered by the same message. Below what any client can need.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use tokio::net::{TcpListener, TcpStream};

use super::serving;
use crate::Result;

/// `Words { text: "hello from the bench" }`, framed.
const ANSWER: &[u8] = b"\0\0\0\0\x16\x0a\x14hello from the bench";

pub(super) fn run() -> Result<()> {
    serving::until_told(serve)
}

async fn serve(listener: TcpListener) {
    loop {
        // Descriptors spent or a client gone: the next one may be well.
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::task::spawn_local(async move {
            // A client that hangs up has had enough; there is nobody to tell.
            let _ = connection(stream).await;
        });
    }
}

async fn connection(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(request) = connection.accept().await {
        let (request, mut respond) = request?;
        tokio::task::spawn_local(async move {
            let mut body = request.into_body();
            while let Some(piece) = body.data().await {
                let piece = piece?;
                body.flow_control().release_capacity(piece.len())?;
            }
            let head = Response::builder().header("content-type", "application/grpc").body(())?;
            let mut sending = respond.send_response(head, false)?;
            sending.send_data(Bytes::from_static(ANSWER), false)?;
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            sending.send_trailers(trailers)?;
            Ok::<(), crate::Failure>(())
        });
    }
    Ok(())
}
