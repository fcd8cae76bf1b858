//! The wire under h2, one read at a time: what comes in is looked at before more is taken.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::protocol::wire::Wire;

/// What the wire does while h2 drives it. h2 reads as long as there is something to read, and keeps what it
/// read: paced, it never holds more than one read that nobody has looked at, and each read has its instant.
#[derive(Debug, Default)]
pub(super) struct Pace {
    may_read: Cell<bool>,
    blocked: Cell<bool>,
}

impl Pace {
    pub(super) fn allow_one_read(&self) {
        self.may_read.set(true);
    }

    /// Whether the read that was allowed has been made: there may be more.
    pub(super) fn has_read(&self) -> bool {
        !self.may_read.get()
    }

    /// Whether all that was written has been taken by the socket.
    pub(super) fn is_flushed(&self) -> bool {
        !self.blocked.get()
    }
}

/// A read takes at most this much. h2 makes a record of some 100 bytes of each frame, and keeps the room of the
/// most it ever had: of frames that hold one byte each these are 200. Reads are of what TLS has decrypted, so
/// that small ones cost no system call.
const READ_BYTES: usize = 2 << 10;

#[derive(Debug)]
pub(super) struct Paced {
    wire: Wire,
    pace: Rc<Pace>,
}

impl Paced {
    pub(super) fn new(wire: Wire, pace: Rc<Pace>) -> Self {
        Paced { wire, pace }
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.pace.may_read.get() {
            // Whoever drives the connection sees `has_read` and drives on.
            return Poll::Pending;
        }
        let room = buffer.remaining().min(READ_BYTES);
        let mut piece = ReadBuf::new(buffer.initialize_unfilled_to(room));
        let read = Pin::new(&mut self.wire).poll_read(cx, &mut piece);
        let filled = piece.filled().len();
        buffer.advance(filled);
        self.pace.may_read.set(read.is_pending());
        read
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.wire).poll_write(cx, bytes);
        self.pace.blocked.set(written.is_pending());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.wire).poll_write_vectored(cx, slices);
        self.pace.blocked.set(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.wire).poll_flush(cx);
        self.pace.blocked.set(flushed.is_pending());
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}
