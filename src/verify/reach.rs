//! Connections to databases: through the plan's address policy and overrides of hosts, with TLS by the plan's rules, and
//! never more bytes than an answer may have.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Surroundings;
use crate::protocol::Dialer;
use crate::protocol::tls::{TlsOptions, client_config};

/// Of one connection: greeting, answer and all. A list of small things takes up to fifteen times as much memory.
const MAX_BYTES: u64 = 4 << 20;

/// A connection that ends with an error where the other side says too much.
#[derive(Debug)]
pub(super) struct Limited<S> {
    inner: S,
    left: u64,
}

/// Says why not.
pub(super) async fn connect(
    host: &str,
    port: u16,
    around: &Surroundings,
) -> Result<Limited<TcpStream>, String> {
    let dialer = Dialer::new(Arc::clone(&around.plan.settings), around.clock);
    match dialer.tcp(host, port).await {
        Ok(stream) => Ok(Limited { inner: stream, left: MAX_BYTES }),
        Err(error) => Err(format!("{host}:{port}: {}", error.describe())),
    }
}

/// By the plan's `defaults.tls`; HTTP is not offered.
pub(super) fn verified(around: &Surroundings) -> Arc<ClientConfig> {
    without_alpn(&around.plan.settings.tls.http1)
}

/// Encrypts, whoever the other side is; as libpq's `sslmode=require`.
pub(super) fn unverified() -> Result<Arc<ClientConfig>, String> {
    let options = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
    let tls = client_config(&options).map_err(|error| format!("TLS cannot be set up: failed to {error}"))?;
    Ok(without_alpn(&tls.http1))
}

fn without_alpn(config: &Arc<ClientConfig>) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(config);
    // PostgreSQL 17 hangs up on a client that offers other protocols than its own.
    config.alpn_protocols = Vec::new();
    Arc::new(config)
}

pub(super) async fn secure<S>(stream: S, host: &str, config: Arc<ClientConfig>) -> io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, stream).await
}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            let why = format!("the answer is longer than {} MiB: ask for less", MAX_BYTES >> 20);
            return Poll::Ready(Err(io::Error::other(why)));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        let read = u64::try_from(buf.filled().len() - before).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(read);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
