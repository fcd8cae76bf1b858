//! Durations with units: `200ms`, `1.5s`, `1m30s`.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

/// A duration of at most a day, so that adding it to an instant cannot overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Units in seconds; a unit that begins like another one stands before it.
const UNITS: [(&str, f64); 7] =
    [("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0)];

impl Span {
    pub(super) const EXPECTED: &str = "a duration of at most a day, such as 200ms or 1m30s";
}

/// The text is not a duration with a unit, or longer than a day.
#[derive(Debug)]
pub(super) struct NotASpan;

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rest = text;
        let mut total_secs = 0.0;
        while !rest.is_empty() || text.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(NotASpan)?;
            let number: f64 = rest[..digits].parse().map_err(|_| NotASpan)?;
            let (unit, secs) =
                UNITS.iter().find(|(unit, _)| rest[digits..].starts_with(unit)).ok_or(NotASpan)?;
            total_secs += number * secs;
            rest = &rest[digits + unit.len()..];
        }
        match Duration::try_from_secs_f64(total_secs) {
            Ok(span) if span <= LONGEST => Ok(Self(span)),
            _ => Err(NotASpan),
        }
    }
}

/// In one unit: `90s`, not `1m30s`.
impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_numbers_with_units() {
        for (text, micros) in [
            ("0s", 0),
            ("200ms", 200_000),
            ("15µs", 15),
            ("15us", 15),
            ("1.5s", 1_500_000),
            ("1m30s", 90_000_000),
            ("1h", 3_600_000_000),
            ("1d", 86_400_000_000),
        ] {
            assert_eq!(text.parse::<Span>().unwrap().0, Duration::from_micros(micros), "{text}");
        }
    }

    #[test]
    fn what_has_no_unit_or_no_number_or_no_end_is_refused() {
        for text in
            ["", "5", "s", "5 s", "-1s", "1.2.3s", "1s2", "1e3s", "25h", "999999999999999999999d", "1µ"]
        {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
