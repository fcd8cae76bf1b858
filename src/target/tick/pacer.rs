//! When the next tick is due. Pure: it is told the time.

use std::time::{Duration, Instant};

use super::Hz;

/// How late the loop may be and still make up for it. Fixed-step loops do this so that a hiccup of the
/// machine does not slow what they simulate, and do it within bounds so that a stall does not become a
/// burst. The interval between ticks shows both.
const CATCH_UP: Duration = Duration::from_millis(250);

/// Absolute deadlines: tick i is due at `anchor` + i periods.
pub(super) struct Pacer {
    anchor: Instant,
    hz: Hz,
    next: u64,
}

impl Pacer {
    /// The first tick is due one period after `now`.
    pub(super) fn new(now: Instant, hz: Hz) -> Self {
        Self { anchor: now, hz, next: 1 }
    }

    pub(super) fn due(&self) -> Instant {
        self.anchor + self.hz.duration_of(self.next)
    }

    /// Goes on after the tick at `now`, at the rate `hz`.
    pub(super) fn ticked(&mut self, hz: Hz, now: Instant) {
        let late = now.saturating_duration_since(self.due());
        if hz != self.hz || late > CATCH_UP {
            *self = Self::new(now, hz);
        } else {
            self.next += 1;
        }
    }

    /// Forgets what was due before `now`.
    pub(super) fn restart(&mut self, now: Instant) {
        *self = Self::new(now, self.hz);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUNDRED: Hz = Hz::NOMINAL;

    /// Runs a loop for `length`, woken late as `lateness` says; gives the ticks' times in ms.
    fn ticks_millis(length_millis: u64, lateness: impl Fn(u64) -> u64) -> Vec<u64> {
        let begun = Instant::now();
        let mut pacer = Pacer::new(begun, HUNDRED);
        let mut now = begun;
        let mut ticks = Vec::new();
        loop {
            let due = pacer.due().saturating_duration_since(begun);
            let due_millis = u64::try_from(due.as_millis()).unwrap();
            now = now.max(begun + Duration::from_millis(due_millis + lateness(due_millis)));
            let at = u64::try_from((now - begun).as_millis()).unwrap();
            if at > length_millis {
                return ticks;
            }
            ticks.push(at);
            pacer.ticked(HUNDRED, now);
        }
    }

    #[test]
    fn ticks_that_come_late_do_not_delay_those_after() {
        assert_eq!(ticks_millis(50, |due| if due == 20 { 4 } else { 1 }), [11, 24, 31, 41]);
    }

    #[test]
    fn a_hiccup_is_made_up_for() {
        let ticks = ticks_millis(1000, |due| if due == 500 { 127 } else { 0 });
        assert_eq!(ticks.len(), 100);
        assert_eq!(ticks.iter().filter(|at| **at == 627).count(), 13);
    }

    #[test]
    fn a_stall_is_not() {
        let ticks = ticks_millis(1000, |due| if due == 500 { 300 } else { 0 });
        assert_eq!(ticks.len(), 49 + 1 + 20);
    }

    #[test]
    fn another_rate_counts_from_the_tick_at_which_it_was_seen() {
        let begun = Instant::now();
        let mut pacer = Pacer::new(begun, HUNDRED);
        pacer.ticked(Hz::new(50).unwrap(), begun + Duration::from_millis(10));
        assert_eq!(pacer.due() - begun, Duration::from_millis(30));
    }
}
