//! A call whose messages are sent and received one by one, by the steps of a flow.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::channel::{Answer, conclude};
use super::rpc::{End, Event, Rpc};
use crate::budget::{Charge, Purse};
use crate::protocol::alarm::Alarm;
use crate::protocol::course::Course;
use crate::protocol::http2::{Broken, Http2};
use crate::sample::ErrorCode;
use crate::time::Elapsed;

/// Messages that are stamped before anybody asks for them; more wait at the server, by HTTP/2's flow control.
const MAX_WAITING: usize = 256;
const MAX_WAITING_BYTES: usize = 1 << 20;

/// A message and when it came in: when it was read from the socket, not when somebody asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub at: Elapsed,
    pub message: Bytes,
}

/// An open call. Dropping it closes its connection.
pub struct Talk {
    http2: Http2,
    rpc: Rpc,
    course: Course,
    deadline: Instant,
    connected: Option<Duration>,
    alarm: Alarm,
    waiting: VecDeque<Received>,
    waiting_bytes: usize,
    charge: Charge,
    purse: Purse,
    ended: Option<Result<End, Broken>>,
    /// Given up by us.
    abandoned: Option<ErrorCode>,
}

impl Talk {
    pub(super) fn new(
        http2: Http2,
        rpc: Rpc,
        course: Course,
        deadline: Instant,
        connected: Option<Duration>,
        purse: Purse,
    ) -> Self {
        Talk {
            http2,
            rpc,
            course,
            deadline,
            connected,
            alarm: Alarm::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            charge: Charge::default(),
            purse,
            ended: None,
            abandoned: None,
        }
    }

    /// Sends a message, framed; done when the socket has taken it. `GRPC_STREAM_ENDED` once the call is over,
    /// `TIMEOUT` at its deadline.
    pub async fn send(&mut self, frame: Bytes) -> Result<(), ErrorCode> {
        if self.rpc.is_closed() {
            return Err(ErrorCode::GRPC_STREAM_ENDED);
        }
        self.rpc.push(frame);
        self.flush().await
    }

    /// As [`close`](Self::close), with what is sent next, or received.
    pub fn say_all(&mut self) {
        self.rpc.close();
    }

    /// Says that no message follows.
    pub async fn close(&mut self) -> Result<(), ErrorCode> {
        if self.rpc.is_closed() {
            return Ok(());
        }
        self.rpc.close();
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), ErrorCode> {
        poll_fn(|cx| {
            self.fill(cx);
            if self.ended.is_some() {
                return Poll::Ready(Err(ErrorCode::GRPC_STREAM_ENDED));
            }
            if self.rpc.is_flushed() {
                return Poll::Ready(Ok(()));
            }
            self.alarm.poll(cx, self.deadline).map(|()| Err(ErrorCode::TIMEOUT))
        })
        .await
    }

    /// The next message; those that came in while nobody asked first. `TIMEOUT` at `deadline` or the call's own;
    /// `GRPC_STREAM_ENDED` once the call is over.
    pub async fn next(&mut self, deadline: Instant) -> Result<Received, ErrorCode> {
        let deadline = deadline.min(self.deadline);
        poll_fn(|cx| {
            if let Some(received) = self.pop() {
                return Poll::Ready(Ok(received));
            }
            self.fill(cx);
            if let Some(received) = self.pop() {
                return Poll::Ready(Ok(received));
            }
            if self.ended.is_some() {
                return Poll::Ready(Err(ErrorCode::GRPC_STREAM_ENDED));
            }
            self.alarm.poll(cx, deadline).map(|()| Err(ErrorCode::TIMEOUT))
        })
        .await
    }

    /// Waits until `until`, and keeps reading.
    pub async fn idle(&mut self, until: Instant) {
        poll_fn(|cx| {
            self.fill(cx);
            self.alarm.poll(cx, until)
        })
        .await;
    }

    /// Reads for nobody, and is ready when the call is over.
    pub fn poll_attend(&mut self, cx: &mut Context<'_>) -> Poll<ErrorCode> {
        self.fill(cx);
        if self.ended.is_some() { Poll::Ready(ErrorCode::GRPC_STREAM_ENDED) } else { Poll::Pending }
    }

    /// Says that no message follows, and reads to the end of the call, messages for nobody included; how many.
    pub async fn finish(&mut self) -> u64 {
        let mut unread = 0;
        if self.abandoned.is_some()
            || (self.ended.is_none() && self.close().await.is_err() && self.ended.is_none())
        {
            return unread;
        }
        loop {
            match self.next(self.deadline).await {
                Ok(_) => unread += 1,
                Err(ErrorCode::TIMEOUT) => {
                    self.abandon(ErrorCode::TIMEOUT);
                    return unread;
                }
                Err(_) => return unread,
            }
        }
    }

    /// Gives the call up: it has failed, with this.
    pub fn abandon(&mut self, code: ErrorCode) {
        self.abandoned.get_or_insert(code);
    }

    /// Bytes sent and received, also by calls before it over the same connection that were not counted.
    pub fn bytes(&self) -> (u64, u64) {
        (self.http2.meter().bytes_sent(), self.http2.meter().bytes_received())
    }

    /// Whether the server ended the call, and with `OK`.
    pub fn ended_well(&self) -> bool {
        let well =
            |end: &End| end.error.is_none() && end.status.is_some_and(|status| status.error().is_none());
        self.waiting.is_empty() && matches!(&self.ended, Some(Ok(end)) if well(end))
    }

    pub(super) fn conclude(mut self) -> (Answer, Http2) {
        let outcome = match (self.abandoned, self.ended) {
            // How the server ended it says more than that it did.
            (Some(ErrorCode::GRPC_STREAM_ENDED), Some(Ok(end))) if end.status != Some(super::Status::OK) => {
                Ok(end)
            }
            (Some(ErrorCode::GRPC_STREAM_ENDED), Some(Err(broken))) => Err(broken),
            (Some(code), _) => Err(Broken::Code(code)),
            (None, Some(ended)) => ended,
            (None, None) => Err(Broken::Code(ErrorCode::TIMEOUT)),
        };
        let answer = conclude(self.course, &mut self.http2, self.rpc, outcome, self.connected);
        (answer, self.http2)
    }

    fn pop(&mut self) -> Option<Received> {
        let received = self.waiting.pop_front()?;
        self.waiting_bytes -= received.message.len();
        Some(received)
    }

    fn fill(&mut self, cx: &mut Context<'_>) {
        while self.ended.is_none() {
            self.rpc.taking = self.waiting.len() < MAX_WAITING && self.waiting_bytes < MAX_WAITING_BYTES;
            match self.http2.drive(cx, &mut self.rpc) {
                Poll::Ready(Ok(Event::Message(at, message))) => {
                    self.waiting_bytes += message.len();
                    self.waiting.push_back(Received { at, message });
                    if self.charge.cover(self.waiting_bytes as u64, &self.purse).is_err() {
                        self.ended = Some(Err(Broken::Code(ErrorCode::MEMORY_SPENT)));
                    }
                }
                Poll::Ready(Ok(Event::Ended(end))) => self.ended = Some(Ok(end)),
                Poll::Ready(Err(broken)) => self.ended = Some(Err(broken)),
                Poll::Pending => return,
            }
        }
    }
}
