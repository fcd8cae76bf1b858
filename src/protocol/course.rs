//! The course of one exchange while it is under way, and the [`Exchange`] it becomes.

use std::time::Duration;

use tokio::time::Instant;

use super::dial::DialTimes;
use super::wire::Meter;
use crate::sample::{ErrorCode, Exchange, Phases};
use crate::time::{Clock, Elapsed};

pub(super) struct Course {
    clock: Clock,
    due: Elapsed,
    started: Elapsed,
    /// When the connection was at hand; phases after it come from the connection's meter.
    handed: Option<Elapsed>,
    phases: Phases,
    bytes_sent: u64,
    bytes_received: u64,
    pub(super) status: u16,
}

impl Course {
    pub(super) fn begin(clock: Clock, due: Option<Elapsed>) -> Self {
        let started = clock.now();
        Course {
            clock,
            due: due.unwrap_or(started),
            started,
            handed: None,
            phases: Phases::default(),
            bytes_sent: 0,
            bytes_received: 0,
            status: 0,
        }
    }

    pub(super) fn deadline(&self, timeout: Duration) -> Instant {
        self.clock.instant(self.started + timeout)
    }

    /// A connection that was kept alive is at hand: nothing blocked.
    pub(super) fn reused(&mut self) {
        self.handed = Some(self.started);
    }

    /// The same connection is used again for the same exchange: until now it was blocked.
    pub(super) fn resumed(&mut self) {
        self.handed = Some(self.clock.now());
    }

    /// A new connection was made, or could not be: then all the time until the end was blocked.
    pub(super) fn dialed(&mut self, times: DialTimes, connected: bool) {
        self.phases.looking_up = times.looking_up;
        self.phases.connecting = times.connecting;
        self.phases.tls_handshaking = times.tls_handshaking;
        self.handed = connected.then(|| self.clock.now());
    }

    /// The connection broke before it carried the exchange, and another is made: what went over it counts.
    pub(super) fn discard(&mut self, meter: &Meter) {
        self.count_bytes(meter);
        self.handed = None;
    }

    pub(super) fn finish(mut self, meter: Option<&Meter>, error: Option<ErrorCode>) -> Exchange {
        let finished = self.clock.now();
        let handed = self.handed.unwrap_or(finished);
        self.phases.blocked = handed.since(self.started);
        if let Some(meter) = meter {
            self.count_bytes(meter);
            let first_read = meter.first_read_at().unwrap_or(finished);
            // A server may answer before the whole request was written.
            let written = meter.written_at().unwrap_or(finished).min(first_read);
            self.phases.sending = written.since(handed);
            self.phases.waiting = first_read.since(written);
            self.phases.receiving = finished.since(first_read);
        }
        Exchange {
            due: self.due,
            started: self.started,
            finished,
            phases: self.phases,
            status: self.status,
            error,
            bytes_sent: self.bytes_sent,
            bytes_received: self.bytes_received,
        }
    }

    fn count_bytes(&mut self, meter: &Meter) {
        let (sent, received) = meter.take_bytes();
        self.bytes_sent += sent;
        self.bytes_received += received;
    }
}
