//! Whether a server that says nothing is still there: pings while a call is under way (gRPC's proposal A8). A connection
//! whose machine has gone would else be waited for until the call's deadline.

use std::task::{Context, Poll};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::time::Instant;

use crate::protocol::alarm::Alarm;
use crate::protocol::wire::Meter;

/// How often a silent server is asked, and how long it may take to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pings {
    pub after: Duration,
    pub timeout: Duration,
}

pub(super) struct Pulse {
    pings: PingPong,
    every: Pings,
    alarm: Alarm,
    /// As of when it was last heard of.
    received: u64,
    heard_at: Instant,
    /// Since when an answer is owed.
    asked_at: Option<Instant>,
}

impl Pulse {
    pub(super) fn new(pings: PingPong, every: Pings) -> Self {
        let heard_at = Instant::now();
        Pulse { pings, every, alarm: Alarm::default(), received: 0, heard_at, asked_at: None }
    }

    /// A call begins: between calls nobody listened.
    pub(super) fn begin(&mut self, every: Pings) {
        self.every = every;
        self.heard_at = Instant::now();
        self.asked_at = self.asked_at.map(|_| self.heard_at);
    }

    /// Ready when the server is taken for gone. Whatever comes from it shows that it is there, as an answer does.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, meter: &Meter) -> Poll<()> {
        let received = meter.bytes_received();
        if received != self.received {
            self.received = received;
            self.heard_at = Instant::now();
            self.asked_at = self.asked_at.map(|_| self.heard_at);
        }
        // Also an error is an end to it: whoever drives the connection sees the same.
        if self.asked_at.is_some() && self.pings.poll_pong(cx).is_ready() {
            self.asked_at = None;
        }
        if self.asked_at.is_none() {
            if self.alarm.poll(cx, self.heard_at + self.every.after).is_pending() {
                return Poll::Pending;
            }
            if self.pings.send_ping(Ping::opaque()).is_err() {
                return Poll::Pending;
            }
            self.asked_at = Some(Instant::now());
        }
        match self.asked_at {
            Some(asked_at) => self.alarm.poll(cx, asked_at + self.every.timeout),
            None => Poll::Pending,
        }
    }
}

impl std::fmt::Debug for Pulse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pulse")
            .field("every", &self.every)
            .field("asked_at", &self.asked_at)
            .finish_non_exhaustive()
    }
}
