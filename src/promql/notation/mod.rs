//! The notation for test series, `http_requests{job="api"} 0+10x3 _ stale`: of Prometheus' own test language and of
//! promtool's unit tests. Pure text to values; nothing here knows of time.

mod quoted;
mod number;
mod metric;
mod values;

use crate::labels::Labels;

pub use metric::metric;
pub use number::number;
pub use quoted::unquote;
pub use values::values;

/// What a series has at one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StepValue {
    /// `_`: no point.
    Gap,
    /// A point; `stale` is [`STALE`](super::STALE).
    Point(f64),
    /// `{{…}}`: a native histogram, which loadgate does not have. It is read over, so that who reads can say so.
    NativeHistogram,
}

/// Why a text is no series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotationError(String);

/// A metric and its values; grammar: `series_description` in Prometheus' `generated_parser.y`.
///
/// # Errors
/// Says what stands there and what was expected.
pub fn series(text: &str) -> Result<(Labels, Vec<StepValue>), NotationError> {
    let (labels, rest) = metric::leading(text.trim())?;
    if rest.starts_with(|c: char| !c.is_whitespace()) {
        return Err(NotationError(format!("expected a space before the values, found {rest:?}")));
    }
    Ok((labels, values(rest)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_a_metric_and_values() {
        let (labels, values) = series("\tup{job=\"x 1\"}\t\t1 _ ").unwrap();
        assert_eq!(labels.to_string(), r#"{__name__="up",job="x 1"}"#);
        assert_eq!(values, [StepValue::Point(1.0), StepValue::Gap]);
        assert_eq!(series("up").unwrap().1, []);
        assert!(series(r#"up{job="x"}1"#).is_err());
    }
}
