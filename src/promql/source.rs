//! What a query reads: series by matchers and time.

use std::ops::ControlFlow;

use regex::Regex;

use super::{Sample, Series, pattern};
use crate::labels::Labels;

/// A value at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    pub value: f64,
}

/// The NaN that says: from here on there is no such series (Prometheus' `value.StaleNaN`).
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Whether a value is the staleness marker; any other NaN is a value.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE.to_bits()
}

/// Both ends belong to it; milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    pub from_ms: i64,
    pub to_ms: i64,
}

/// One condition on a label; the metric's name is the label `__name__`.
#[derive(Debug, Clone)]
pub struct Matcher {
    pub label: String,
    pub kind: MatchKind,
    /// As it was written.
    pub value: String,
    /// For the kinds that need it: anchored at both ends, `.` matches line ends.
    pub regex: Option<Regex>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchKind {
    Equal,
    NotEqual,
    Regex,
    NotRegex,
}

impl Matcher {
    pub fn equal(label: &str, value: &str) -> Self {
        Matcher { label: label.to_owned(), kind: MatchKind::Equal, value: value.to_owned(), regex: None }
    }

    /// # Errors
    /// A pattern that is no regular expression, in a sentence.
    pub fn new(label: &str, kind: MatchKind, value: &str) -> Result<Self, String> {
        let regex = match kind {
            MatchKind::Equal | MatchKind::NotEqual => None,
            MatchKind::Regex | MatchKind::NotRegex => {
                Some(pattern::anchored(value).map_err(|_| format!("illegal regular expression {value:?}"))?)
            }
        };
        Ok(Matcher { label: label.to_owned(), kind, value: value.to_owned(), regex })
    }

    /// A label that is absent has the empty value, as in Prometheus.
    pub fn matches(&self, value: &str) -> bool {
        let by_regex = || self.regex.as_ref().is_some_and(|regex| regex.is_match(value));
        match self.kind {
            MatchKind::Equal => self.value == value,
            MatchKind::NotEqual => self.value != value,
            MatchKind::Regex => by_regex(),
            MatchKind::NotRegex => !by_regex(),
        }
    }
}

/// Where series come from. Answers need not be sorted by labels; points are in ascending order, staleness markers
/// among them, and a series without points in the range may be left out.
pub trait Source {
    /// The series that all matchers match, with their points in the range. Labels include `__name__`.
    ///
    /// # Errors
    /// What could not be read; a query then fails as a whole.
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError>;

    /// The same, one series after the other until `take` breaks off: what a query calls, so that a source need not
    /// hold the points of all of them at a time.
    ///
    /// # Errors
    /// As of [`Source::select`].
    fn visit(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        take: &mut dyn FnMut(&Labels, &[Point]) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        for series in self.select(matchers, range)? {
            if take(&series.labels, &series.points).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The last point in the range of each of these series, a staleness marker included: what an instant selector
    /// asks, without the points before it.
    ///
    /// # Errors
    /// As of [`Source::select`].
    fn latest(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Sample>, SourceError> {
        let last = |series: Series| Some(Sample { point: *series.points.last()?, labels: series.labels });
        Ok(self.select(matchers, range)?.into_iter().filter_map(last).collect())
    }
}

/// Why series could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_matchers_are_those_of_re2_and_match_the_whole_value() {
        for (pattern, value, expected) in [
            ("a|b", "ab", false),
            (r"\d+", "12", true),
            (r"\d+", "١", false),
            (r"\w", "é", false),
            ("a.b", "a\nb", true),
            ("[a[b]", "[", true),
            ("[a&&b]", "&", true),
            (r"\Qa.b\E", "a.b", true),
            (r"\Qa.b\E", "axb", false),
            ("/users/{id}", "/users/{id}", true),
            ("x{2}", "xx", true),
        ] {
            let matcher = Matcher::new("l", MatchKind::Regex, pattern).unwrap();
            assert_eq!(matcher.matches(value), expected, "{pattern} on {value}");
            let matcher = Matcher::new("l", MatchKind::NotRegex, pattern).unwrap();
            assert_eq!(matcher.matches(value), !expected, "{pattern} on {value}");
        }
        assert_eq!(Matcher::new("l", MatchKind::Regex, "(").unwrap_err(), "illegal regular expression \"(\"");
    }
}
