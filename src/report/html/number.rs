//! Values as they are written into a file: as JSON, and no more exact than a chart can show.

use std::fmt::Write as _;

/// Above it whole numbers are exact enough, below it five digits are.
const WHOLE_FROM: f64 = 1e5;
/// From here on not each whole number has a float of its own.
const MAX_WHOLE: f64 = 9e15;

/// To five significant digits; whole numbers exactly, as counts are compared with the summary's.
pub(super) fn write_rounded(out: &mut String, value: f64) {
    let rounded = if value.abs() >= WHOLE_FROM {
        value.round()
    } else if value.fract() == 0.0 {
        value
    } else {
        format!("{value:.4e}").parse().unwrap_or(value)
    };
    write_exact(out, rounded);
}

/// What JSON has no number for is a text, as in Prometheus' API.
pub(super) fn write_exact(out: &mut String, value: f64) {
    // Writing to memory does not fail.
    let _ = if value.is_nan() {
        write!(out, "\"NaN\"")
    } else if value.is_infinite() {
        write!(out, "\"{}Inf\"", if value > 0.0 { '+' } else { '-' })
    } else if value.fract() == 0.0 && value.abs() < MAX_WHOLE {
        write!(out, "{}", value as i64)
    } else {
        write!(out, "{}", serde_json::json!(value))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_what_can_be_seen_and_counts_are_not() {
        for (value, rounded, exact) in [
            (0.0, "0", "0"),
            (-0.0, "0", "0"),
            (0.000_123_456_789, "0.00012346", "0.000123456789"),
            (-1.234_567, "-1.2346", "-1.234567"),
            (99_999.9, "100000", "99999.9"),
            (123_456.7, "123457", "123456.7"),
            (1_234_567.0, "1234567", "1234567"),
            (1_795_230_995.25, "1795230995", "1795230995.25"),
            (1e300, "1e+300", "1e+300"),
            (f64::NAN, "\"NaN\"", "\"NaN\""),
            (f64::INFINITY, "\"+Inf\"", "\"+Inf\""),
            (f64::NEG_INFINITY, "\"-Inf\"", "\"-Inf\""),
        ] {
            let (mut short, mut whole) = (String::new(), String::new());
            write_rounded(&mut short, value);
            write_exact(&mut whole, value);
            assert_eq!((short.as_str(), whole.as_str()), (rounded, exact));
            assert!(serde_json::from_str::<serde_json::Value>(&short).is_ok());
        }
    }
}
