//! A rate of the loop.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

/// A whole number of ticks a second, 1 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hz(u16);

impl Hz {
    /// 100, the rate the plans are written for.
    pub const NOMINAL: Self = Self(100);

    pub(in super::super) const EXPECTED: &str = "a whole rate from 1 to 1000, such as 60";

    /// The rate of `ticks` a second, if it is from 1 to 1000.
    #[must_use]
    pub fn new(ticks: u16) -> Option<Self> {
        (1..=1000).contains(&ticks).then_some(Self(ticks))
    }

    pub(super) fn per_second(self) -> f64 {
        f64::from(self.0)
    }

    /// How long `ticks` take: a function of their number, never a sum of rounded periods.
    pub(super) fn duration_of(self, ticks: u64) -> Duration {
        const NANOS_PER_SEC: u64 = 1_000_000_000;
        let hz = u64::from(self.0);
        Duration::from_secs(ticks / hz) + Duration::from_nanos(ticks % hz * NANOS_PER_SEC / hz)
    }
}

/// The text is not a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", Hz::EXPECTED)]
pub struct NotAnHz;

impl FromStr for Hz {
    type Err = NotAnHz;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().and_then(Self::new).ok_or(NotAnHz)
    }
}

impl Display for Hz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_take_what_their_number_says_without_drift() {
        let sixty = Hz::new(60).unwrap();
        assert_eq!(sixty.duration_of(1), Duration::from_nanos(16_666_666));
        assert_eq!(sixty.duration_of(3), Duration::from_millis(50));
        assert_eq!(sixty.duration_of(60 * 86_400), Duration::from_secs(86_400));
    }

    #[test]
    fn a_rate_is_from_one_to_a_thousand() {
        assert_eq!([0, 1001].map(Hz::new), [None, None]);
        assert_eq!("60".parse(), Ok(Hz(60)));
        for text in ["", "0", "-5", "59.9", "70000"] {
            assert_eq!(text.parse::<Hz>(), Err(NotAnHz), "{text}");
        }
    }
}
