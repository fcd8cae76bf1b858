//! A connected socket, plain or TLS, that notes bytes and instants in a [`Meter`] as they pass.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::tls;
use crate::time::{Clock, Elapsed};

/// What passed over a wire. Shared by the wire, which its protocol owns, and whoever reports.
///
/// Bytes are those of the socket, TLS included; instants are those of the protocol's own bytes above TLS
/// (a session ticket is not the first byte of a response).
#[derive(Debug)]
pub(super) struct Meter {
    clock: Clock,
    sent: Cell<u64>,
    received: Cell<u64>,
    written_at: Cell<Option<Elapsed>>,
    first_read_at: Cell<Option<Elapsed>>,
    read_at: Cell<Elapsed>,
}

impl Meter {
    pub(super) fn new(clock: Clock) -> Self {
        Meter {
            clock,
            sent: Cell::new(0),
            received: Cell::new(0),
            written_at: Cell::new(None),
            first_read_at: Cell::new(None),
            read_at: Cell::new(Elapsed::ZERO),
        }
    }

    /// Forgets the instants: an exchange begins.
    pub(super) fn begin(&self) {
        self.written_at.set(None);
        self.first_read_at.set(None);
    }

    /// In place of what the wire saw: of one exchange among others, or among frames that belong to none.
    pub(super) fn set_instants(&self, written_at: Option<Elapsed>, first_read_at: Option<Elapsed>) {
        self.written_at.set(written_at);
        self.first_read_at.set(first_read_at);
    }

    /// Of the last write since `begin`.
    pub(super) fn written_at(&self) -> Option<Elapsed> {
        self.written_at.get()
    }

    pub(super) fn first_read_at(&self) -> Option<Elapsed> {
        self.first_read_at.get()
    }

    /// Of the last read: when the newest message came in.
    pub(super) fn read_at(&self) -> Elapsed {
        self.read_at.get()
    }

    /// Bytes sent and received since the last call.
    pub(super) fn take_bytes(&self) -> (u64, u64) {
        (self.sent.take(), self.received.take())
    }

    pub(super) fn bytes_sent(&self) -> u64 {
        self.sent.get()
    }

    pub(super) fn bytes_received(&self) -> u64 {
        self.received.get()
    }

    fn read(&self) {
        let now = self.clock.now();
        self.read_at.set(now);
        if self.first_read_at.get().is_none() {
            self.first_read_at.set(Some(now));
        }
    }

    fn wrote(&self) {
        self.written_at.set(Some(self.clock.now()));
    }
}

/// The TCP socket: counts bytes, below TLS.
#[derive(Debug)]
pub(super) struct Socket {
    tcp: TcpStream,
    meter: Rc<Meter>,
}

impl Socket {
    pub(super) fn new(tcp: TcpStream, meter: Rc<Meter>) -> Self {
        Socket { tcp, meter }
    }

    fn note_written(&self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(written)) = result {
            self.meter.sent.set(self.meter.sent.get() + *written as u64);
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, buffer))?;
        let read = (buffer.filled().len() - before) as u64;
        self.meter.received.set(self.meter.received.get() + read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.note_written(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.tcp).poll_write_vectored(cx, slices);
        self.note_written(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[derive(Debug)]
enum Stream {
    Plain(Socket),
    // Boxed: some 1.2 KiB that most runs do not need.
    Tls(Box<TlsStream<Socket>>),
}

/// A connection to the target, above TLS: notes instants.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    meter: Rc<Meter>,
}

impl Wire {
    pub(super) fn plain(socket: Socket) -> Self {
        Wire { meter: Rc::clone(&socket.meter), stream: Stream::Plain(socket) }
    }

    pub(super) fn tls(stream: TlsStream<Socket>) -> Self {
        Wire { meter: Rc::clone(&stream.get_ref().0.meter), stream: Stream::Tls(Box::new(stream)) }
    }

    pub(super) fn meter(&self) -> &Rc<Meter> {
        &self.meter
    }

    /// Whether the TLS handshake agreed on HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        match &self.stream {
            Stream::Plain(_) => false,
            Stream::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2),
        }
    }

    /// The socket, unless there is TLS on it.
    pub(super) fn into_plain(self) -> Option<Socket> {
        match self.stream {
            Stream::Plain(socket) => Some(socket),
            Stream::Tls(_) => None,
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        })?;
        if buffer.filled().len() > before {
            self.meter.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        })?;
        self.meter.wrote();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
