//! How long a target takes to recover: from the end of a fault to the moment from which all has held for a stated time.

use std::time::Duration;

use crate::time::Elapsed;

/// Looks on from the beginning of the load. Times are exact to the interval at which it is shown something.
#[derive(Debug, Clone)]
pub struct Recovery {
    stable_for: Duration,
    within: Duration,
    cleared_at: Option<Elapsed>,
    /// Without a break until the last look.
    held_since: Option<Elapsed>,
    recovered: Option<Duration>,
    last_look: Elapsed,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryState {
    /// The fault is not over.
    NotYet,
    /// It holds for so long since it holds, or not at all, and the fault is over for so long.
    Open { held: Option<Duration>, since_cleared: Duration },
    /// After so long. Above `within` it is too late.
    Recovered(Duration),
    /// It has not held from any moment within its time; the fault is over for so long.
    TooLate { since_cleared: Duration },
}

impl Recovery {
    pub fn new(stable_for: Duration, within: Duration) -> Self {
        Recovery {
            stable_for,
            within,
            cleared_at: None,
            held_since: None,
            recovered: None,
            last_look: Elapsed::ZERO,
        }
    }

    /// The fault is over.
    pub fn cleared(&mut self, at: Elapsed) {
        self.cleared_at.get_or_insert(at);
    }

    /// Whether all holds now. What cannot be told does not hold. Once recovered, nothing changes that.
    pub fn look(&mut self, now: Elapsed, holds: bool) {
        self.last_look = now;
        self.held_since = if holds { Some(self.held_since.unwrap_or(now)) } else { None };
        if let (Some(cleared), Some(held), None) = (self.cleared_at, self.held_since, self.recovered) {
            // What never broke has recovered at once; it has to stay so, all the same.
            let from = held.max(cleared);
            if now.since(from) >= self.stable_for {
                self.recovered = Some(from.since(cleared));
            }
        }
    }

    /// As of the last look.
    pub fn state(&self) -> RecoveryState {
        let Some(cleared) = self.cleared_at else { return RecoveryState::NotYet };
        if let Some(took) = self.recovered {
            return RecoveryState::Recovered(took);
        }
        let since_cleared = self.last_look.since(cleared);
        let from = self.held_since.map(|held| held.max(cleared));
        match from {
            Some(from) if from.since(cleared) <= self.within => {
                RecoveryState::Open { held: Some(self.last_look.since(from)), since_cleared }
            }
            None if since_cleared <= self.within => RecoveryState::Open { held: None, since_cleared },
            _ => RecoveryState::TooLate { since_cleared },
        }
    }

    /// Whether what fires now may be the fault's doing: from its beginning until the target has recovered or should have.
    pub fn is_awaited(&self) -> bool {
        matches!(self.state(), RecoveryState::NotYet | RecoveryState::Open { .. })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(secs: u64) -> Elapsed {
        Duration::from_secs(secs).into()
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// Looks once a second; `holds` is one character a second, `+` or `-`.
    fn seen(cleared: u64, stable_for: u64, within: u64, holds: &str) -> RecoveryState {
        let mut recovery = Recovery::new(secs(stable_for), secs(within));
        for (second, sign) in holds.chars().enumerate() {
            let now = second as u64;
            if now >= cleared {
                recovery.cleared(at(cleared));
            }
            recovery.look(at(now), sign == '+');
        }
        recovery.state()
    }

    #[test]
    fn outages_that_are_known_are_measured_as_they_are() {
        let open = |held: Option<u64>, since| RecoveryState::Open {
            held: held.map(secs),
            since_cleared: secs(since),
        };
        for (what, cleared, stable_for, within, holds, expected) in [
            ("at once", 2, 3, 10, "--++++", RecoveryState::Recovered(secs(0))),
            ("it never broke", 2, 3, 10, "++++++", RecoveryState::Recovered(secs(0))),
            ("after three", 1, 2, 10, "----+++", RecoveryState::Recovered(secs(3))),
            ("a flap begins anew", 0, 3, 20, "-++-++-++++", RecoveryState::Recovered(secs(7))),
            ("flapping for ever", 0, 3, 5, "+-+-+-+-+-", RecoveryState::TooLate { since_cleared: secs(9) }),
            ("never", 0, 1, 4, "------", RecoveryState::TooLate { since_cleared: secs(5) }),
            ("never, but there was time", 0, 1, 5, "------", open(None, 5)),
            ("it still has to prove itself", 0, 5, 3, "---+++", open(Some(2), 5)),
            ("proven too late is recovered, and late", 0, 1, 2, "----++", RecoveryState::Recovered(secs(4))),
            ("the fault goes on", 9, 1, 5, "++++", RecoveryState::NotYet),
            ("no time to prove is needed", 1, 0, 5, "---+", RecoveryState::Recovered(secs(2))),
            ("it breaks again after it has recovered", 0, 1, 9, "-++--", RecoveryState::Recovered(secs(1))),
        ] {
            assert_eq!(seen(cleared, stable_for, within, holds), expected, "{what}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn the_time_is_that_of_the_first_stretch_that_was_long_enough(
            cleared in 0_u64..20,
            stable_for in 1_u64..6,
            holds in proptest::collection::vec(any::<bool>(), 20..80),
        ) {
            let text: String = holds.iter().map(|holds| if *holds { '+' } else { '-' }).collect();
            // By definition, without any state: the first moment from which it held for so long.
            let first = (cleared as usize..holds.len()).find(|from| {
                let to = from + stable_for as usize;
                to < holds.len() && holds[*from..=to].iter().all(|holds| *holds)
            });
            let state = seen(cleared, stable_for, 1_000, &text);
            match first {
                Some(from) => prop_assert_eq!(state, RecoveryState::Recovered(secs(from as u64 - cleared))),
                None => prop_assert!(matches!(state, RecoveryState::Open { .. }), "{:?}", state),
            }
        }
    }
}
