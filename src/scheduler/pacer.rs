//! Waiting for a moment, as precisely as pays.
//!
//! tokio's timer ticks once a millisecond. A timerfd wakes within some 30 µs, at the cost of a
//! wake-up per arrival; while a worker has more than 10,000 arrivals a second that cost is the
//! greater evil, and they are released together at ticks of half a millisecond. Either way an
//! arrival keeps its due time, so that latency counts from there.

use std::io;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::time::{Clock, Elapsed};

/// Arrivals closer together than this are released at ticks.
const PRECISE_ABOVE: Duration = Duration::from_micros(100);
const TICK: Duration = Duration::from_micros(500);

/// Which clock paces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timing {
    /// The system's, by timerfd.
    #[default]
    Precise,
    /// tokio's: 1 ms on a real clock; exact in virtual time.
    Tokio,
}

#[derive(Debug)]
pub(super) struct Pacer {
    clock: Clock,
    timing: Timing,
    timer: Option<AsyncFd<rustix::fd::OwnedFd>>,
}

impl Pacer {
    /// Without a timerfd (no descriptor left) it falls back to tokio's timer; its lateness is measured
    /// all the same.
    pub(super) fn new(clock: Clock, timing: Timing) -> Self {
        let timer = match timing {
            Timing::Precise => timerfd().ok(),
            Timing::Tokio => None,
        };
        Pacer { clock, timing, timer }
    }

    /// Returns at or after `moment`.
    pub(super) async fn until(&mut self, moment: Elapsed) {
        while let Some(wait) = remaining(moment, self.clock.now()) {
            match &self.timer {
                Some(timer) if arm(timer, wait).is_ok() => {
                    if let Ok(mut ready) = timer.readable().await {
                        ready.clear_ready();
                    }
                }
                _ => tokio::time::sleep_until(self.clock.instant(moment)).await,
            }
        }
    }

    /// [`until`](Self::until) the moment at which an arrival is due, `period` after the one before.
    pub(super) async fn until_due(&mut self, moment: Elapsed, period: Duration) {
        self.until(self.release(moment, period)).await;
    }

    fn release(&self, moment: Elapsed, period: Duration) -> Elapsed {
        if self.timing == Timing::Tokio || period >= PRECISE_ABOVE {
            return moment;
        }
        let tick = TICK.as_nanos() as u64;
        Elapsed::from_nanos(moment.as_nanos().div_ceil(tick) * tick)
    }
}

fn remaining(moment: Elapsed, now: Elapsed) -> Option<Duration> {
    (moment > now).then(|| moment.since(now))
}

#[expect(
    deprecated,
    reason = "its successor is unsafe; AsyncFd owns the descriptor, so nobody can close it early"
)]
fn timerfd() -> io::Result<AsyncFd<rustix::fd::OwnedFd>> {
    let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    AsyncFd::with_interest(fd, tokio::io::Interest::READABLE)
}

/// Arming anew also forgets an expiry that was never read, so that no read is needed.
fn arm(timer: &AsyncFd<rustix::fd::OwnedFd>, wait: Duration) -> io::Result<()> {
    let value = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
    let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
    timerfd_settime(timer.get_ref(), TimerfdTimerFlags::empty(), &once)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_never_returns_early() {
        let clock = Clock::start();
        for timing in [Timing::Precise, Timing::Tokio] {
            let mut pacer = Pacer::new(clock, timing);
            for micros in [0, 100, 2_300] {
                let moment = clock.now() + Duration::from_micros(micros);
                pacer.until(moment).await;
                assert!(clock.now() >= moment, "{timing:?} returned before {micros} µs had passed");
            }
        }
    }

    #[tokio::test]
    async fn fast_arrivals_are_released_at_ticks() {
        let pacer = Pacer::new(Clock::start(), Timing::Precise);
        let released = |nanos, period_micros| {
            let period = Duration::from_micros(period_micros);
            pacer.release(Elapsed::from_nanos(nanos), period).as_nanos()
        };
        for (due, period_micros, expected) in [
            (0, 20, 0),
            (1, 20, 500_000),
            (500_000, 20, 500_000),
            (500_001, 20, 1_000_000),
            // The rate fell.
            (500_001, 100, 500_001),
        ] {
            assert_eq!(released(due, period_micros), expected, "{due} ns, {period_micros} µs");
        }
    }
}
