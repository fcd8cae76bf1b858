//! Which statistics of trends the summary shows: k6's `--summary-trend-stats`.

use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TrendStat {
    Avg,
    Min,
    Med,
    Max,
    Count,
    /// 0 to 100.
    Percentile(f64),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrendStatError {
    #[error(
        "`{0}` is not a statistic of a trend: expected avg, min, med, max, count or p(N), as in `avg,p(95),p(99.9)`"
    )]
    Unknown(String),
    #[error("the percentile of `{0}` is not a number from 0 to 100, as in `p(95)`")]
    Percentile(String),
}

impl TrendStat {
    /// k6's: `avg,min,med,max,p(90),p(95)`.
    pub const DEFAULT: [TrendStat; 6] = [
        TrendStat::Avg,
        TrendStat::Min,
        TrendStat::Med,
        TrendStat::Max,
        TrendStat::Percentile(90.0),
        TrendStat::Percentile(95.0),
    ];

    /// What an export holds unless told otherwise: the default, p(99) and the count.
    pub const EXPORTED: [TrendStat; 8] = [
        TrendStat::Avg,
        TrendStat::Min,
        TrendStat::Med,
        TrendStat::Max,
        TrendStat::Percentile(90.0),
        TrendStat::Percentile(95.0),
        TrendStat::Percentile(99.0),
        TrendStat::Count,
    ];

    /// Reads `avg,p(95),…`. Spaces around a statistic are left out; an empty list shows none.
    ///
    /// # Errors
    /// Names the first statistic that does not exist.
    pub fn list(text: &str) -> Result<Vec<TrendStat>, TrendStatError> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        text.split(',').map(str::parse).collect()
    }
}

impl FromStr for TrendStat {
    type Err = TrendStatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "avg" => Ok(TrendStat::Avg),
            "min" => Ok(TrendStat::Min),
            "med" => Ok(TrendStat::Med),
            "max" => Ok(TrendStat::Max),
            "count" => Ok(TrendStat::Count),
            text => percentile(text),
        }
    }
}

fn percentile(text: &str) -> Result<TrendStat, TrendStatError> {
    let inner = text.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.ok_or_else(|| TrendStatError::Unknown(text.to_owned()))?;
    match inner.trim().parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(TrendStat::Percentile(percent)),
        _ => Err(TrendStatError::Percentile(text.to_owned())),
    }
}

impl fmt::Display for TrendStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrendStat::Avg => f.write_str("avg"),
            TrendStat::Min => f.write_str("min"),
            TrendStat::Med => f.write_str("med"),
            TrendStat::Max => f.write_str("max"),
            TrendStat::Count => f.write_str("count"),
            TrendStat::Percentile(percent) => write!(f, "p({percent})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_written_as_k6_does() {
        let stats = TrendStat::list("avg, count,p(99.9),med").unwrap();
        let expected =
            [TrendStat::Avg, TrendStat::Count, TrendStat::Percentile(99.9), TrendStat::Med].to_vec();
        assert_eq!(stats, expected);
        let written: Vec<String> = TrendStat::DEFAULT.iter().map(ToString::to_string).collect();
        assert_eq!(written.join(","), "avg,min,med,max,p(90),p(95)");
        assert_eq!(TrendStat::list(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_statistic_is_named_with_what_was_expected() {
        for (text, expected) in [
            (
                "avg,foo",
                "`foo` is not a statistic of a trend: expected avg, min, med, max, count or p(N), as in `avg,p(95),p(99.9)`",
            ),
            (
                "avg,",
                "`` is not a statistic of a trend: expected avg, min, med, max, count or p(N), as in `avg,p(95),p(99.9)`",
            ),
            ("p(101)", "the percentile of `p(101)` is not a number from 0 to 100, as in `p(95)`"),
            ("p(NaN)", "the percentile of `p(NaN)` is not a number from 0 to 100, as in `p(95)`"),
            ("p(x)", "the percentile of `p(x)` is not a number from 0 to 100, as in `p(95)`"),
        ] {
            assert_eq!(TrendStat::list(text).unwrap_err().to_string(), expected);
        }
    }
}
