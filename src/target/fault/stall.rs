//! A stall that comes again and again.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

use super::duration::Span;

const EVERY: Duration = Duration::from_secs(10);

/// Nothing is answered for `length` at the end of each period of `every`; the first period begins when the
/// fault is set. At the end, so that a preflight finds a service that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    length: Duration,
    every: Duration,
}

impl Stall {
    pub(super) const EXPECTED: &str = "DURATION/EVERY, EVERY not shorter, such as 1s/10s";

    /// How much longer nothing is answered, at `elapsed` since the fault was set.
    #[must_use]
    pub fn remaining(self, elapsed: Duration) -> Option<Duration> {
        let into_period = elapsed.as_nanos().checked_rem(self.every.as_nanos())?;
        let left = self.every.as_nanos() - into_period;
        (left <= self.length.as_nanos())
            .then(|| Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX)))
    }
}

/// The text is not a stall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", Stall::EXPECTED)]
pub struct NotAStall;

impl FromStr for Stall {
    type Err = NotAStall;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = |text: &str| text.parse::<Span>().map(|Span(span)| span).map_err(|_| NotAStall);
        let (length, every) = match text.split_once('/') {
            Some((length, every)) => (parse(length)?, parse(every)?),
            None => (parse(text)?, EVERY),
        };
        if length.is_zero() || length > every {
            return Err(NotAStall);
        }
        Ok(Self { length, every })
    }
}

impl Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Span(self.length), Span(self.every))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stall: &str, elapsed_millis: u64, remaining_millis: Option<u64>) {
        let remaining = stall.parse::<Stall>().unwrap().remaining(Duration::from_millis(elapsed_millis));
        assert_eq!(
            remaining,
            remaining_millis.map(Duration::from_millis),
            "{stall} after {elapsed_millis} ms"
        );
    }

    #[test]
    fn a_stall_fills_the_end_of_every_period() {
        check("1s/10s", 0, None);
        check("1s/10s", 8_999, None);
        check("1s/10s", 9_000, Some(1_000));
        check("1s/10s", 9_999, Some(1));
        check("1s/10s", 10_000, None);
        check("1s/10s", 79_400, Some(600));
    }

    #[test]
    fn a_stall_as_long_as_its_period_never_ends() {
        check("1s/1s", 0, Some(1_000));
        check("1s/1s", 999, Some(1));
        check("1s/1s", 1_000, Some(1_000));
    }

    #[test]
    fn a_stall_is_neither_empty_nor_longer_than_its_period() {
        for text in ["0s", "11s", "2s/1s", "1s/", "/1s", "1s/1s/1s", "0s/0s"] {
            assert!(text.parse::<Stall>().is_err(), "{text}");
        }
    }
}
