//! A share of requests, and which ones it means.

use std::fmt::{self, Display};
use std::str::FromStr;

const MILLION: u32 = 1_000_000;

/// A share from 0 to 1, kept as millionths so that counting with it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    millionths: u32,
}

impl Ratio {
    pub(super) const EXPECTED: &str = "a share from 0 to 1, such as 0.1 or 10%";

    /// Whether the `index`-th of many, counted from 1, belongs to the share. Of any first n, the share of
    /// n rounded down do, as evenly spread as whole numbers allow: 0.1 means the 10th, the 20th and so on.
    #[must_use]
    pub fn takes(self, index: u64) -> bool {
        let taken_of = |n: u64| u128::from(n) * u128::from(self.millionths) / u128::from(MILLION);
        index > 0 && taken_of(index) > taken_of(index - 1)
    }
}

/// The text is not a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", Ratio::EXPECTED)]
pub struct NotARatio;

impl FromStr for Ratio {
    type Err = NotARatio;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, scale) = match text.strip_suffix('%') {
            Some(percent) => (percent, 0.01),
            None => (text, 1.0),
        };
        let share = number.parse::<f64>().map_err(|_| NotARatio)? * scale;
        if !(0.0..=1.0).contains(&share) {
            return Err(NotARatio);
        }
        let millionths = (share * f64::from(MILLION)).round() as u32;
        Ok(Self { millionths })
    }
}

impl Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.millionths) / f64::from(MILLION))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ratio: &str, first: u64, expected: &[u64]) {
        let ratio: Ratio = ratio.parse().unwrap();
        let taken: Vec<u64> = (1..=first).filter(|index| ratio.takes(*index)).collect();
        assert_eq!(taken, expected, "{ratio}");
    }

    #[test]
    fn a_share_is_spread_evenly() {
        check("0", 10, &[]);
        check("0.1", 30, &[10, 20, 30]);
        check("10%", 20, &[10, 20]);
        check("0.4", 10, &[3, 5, 8, 10]);
        check("1", 4, &[1, 2, 3, 4]);
    }

    #[test]
    fn a_share_is_exact_however_many_there_are() {
        let ratio: Ratio = "0.29".parse().unwrap();
        assert_eq!((1..=100_000).filter(|index| ratio.takes(*index)).count(), 29_000);
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["", "-0.1", "1.1", "101%", "NaN", "ten"] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
    }
}
