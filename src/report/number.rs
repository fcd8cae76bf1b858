//! Numbers and times as k6 writes them in its end-of-test summary.

use std::time::Duration;

use crate::metric::Unit;

const BYTE_UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// A value in display units (milliseconds for times).
pub(super) fn value(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Time => millis(value),
        Unit::Bytes => bytes(value),
        Unit::Plain => number(value),
    }
}

/// At most six decimals, without trailing zeros: `48.396958`, `2.5`, `287`.
pub(super) fn number(value: f64) -> String {
    decimals(value, 6)
}

/// Milliseconds in the unit that suits them, cut off (not rounded) after two decimals, as k6 does:
/// `500ns`, `355.67µs`, `20.14ms`, `1.23s`, `1m2s`, `1h2m3s`.
pub(super) fn millis(value: f64) -> String {
    if !value.is_finite() {
        return number(value);
    }
    // Counted in whole nanoseconds: cutting 20.15 off as a float would give 20.14.
    let nanos = (value.abs() * 1e6).round() as u64;
    let sign = if value < 0.0 && nanos > 0 { "-" } else { "" };
    format!("{sign}{}", nanos_text(nanos))
}

fn nanos_text(nanos: u64) -> String {
    const MICRO: u64 = 1_000;
    const MILLI: u64 = 1_000_000;
    const SECOND: u64 = 1_000_000_000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    match nanos {
        0 => "0s".to_owned(),
        n if n < MICRO => format!("{n}ns"),
        n if n < MILLI => format!("{}µs", hundredths(n, MICRO)),
        n if n < SECOND => format!("{}ms", hundredths(n, MILLI)),
        n if n < MINUTE => format!("{}s", hundredths(n, SECOND)),
        n if n < HOUR => format!("{}m{}s", n / MINUTE, n % MINUTE / SECOND),
        n => format!("{}h{}m{}s", n / HOUR, n % HOUR / MINUTE, n % MINUTE / SECOND),
    }
}

/// `count / unit`, cut off after two decimals.
fn hundredths(count: u64, unit: u64) -> String {
    decimals((count / (unit / 100)) as f64 / 100.0, 2)
}

/// Decimal units with one decimal below ten: `44 kB`, `8.3 kB`, `0 B`.
pub(super) fn bytes(value: f64) -> String {
    if value.is_nan() || value < 10.0 {
        return format!("{} B", decimals(value, 1));
    }
    let (mut scaled, mut unit) = (value, 0);
    while scaled >= 1000.0 && unit + 1 < BYTE_UNITS.len() {
        (scaled, unit) = (scaled / 1000.0, unit + 1);
    }
    let rounded = (scaled * 10.0).round() / 10.0;
    let precision = usize::from(rounded < 10.0);
    format!("{rounded:.precision$} {}", BYTE_UNITS[unit])
}

/// A share of 0 to 1 as per cent, cut off after two decimals so that 99.999 % is not called 100 %.
pub(super) fn share(value: f64) -> String {
    // A millionth of the last digit makes up for shares that no float holds exactly, such as 0.29.
    format!("{:.2}%", (value * 1e4 + 1e-6).floor() / 100.0)
}

/// [`share`] of two counts, exactly.
pub(super) fn share_of(part: u64, all: u64) -> String {
    let hundredths = u128::from(part) * 10_000 / u128::from(all.max(1));
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// The time since the start in the length that `longest` needs: `08.0s`, `01m08.0s`, `00h01m08.0s`.
pub(super) fn clock(elapsed: Duration, longest: Duration) -> String {
    let tenths = (elapsed.as_millis() + 50) / 100;
    let (minutes, tenths) = (tenths / 600, tenths % 600);
    let seconds = format!("{:02}.{}s", tenths / 10, tenths % 10);
    match (minutes, longest.max(elapsed).as_secs()) {
        (0, longest) if longest < 60 => seconds,
        (minutes, longest) if minutes < 60 && longest < 3600 => format!("{minutes:02}m{seconds}"),
        (minutes, _) => format!("{:02}h{:02}m{seconds}", minutes / 60, minutes % 60),
    }
}

/// `count` with its noun: `1 sample`, `2 samples`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// At most `precision` decimals, rounded, without trailing zeros.
fn decimals(value: f64, precision: usize) -> String {
    let fixed = format!("{value:.precision$}");
    let short = if fixed.contains('.') { fixed.trim_end_matches('0').trim_end_matches('.') } else { &fixed };
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What k6 1.1.0 printed in its summary for samples of these values.
    #[test]
    fn times_are_written_as_k6_wrote_them() {
        for (value, expected) in [
            (0.0, "0s"),
            (0.0005, "500ns"),
            (0.000_999, "999ns"),
            (0.001, "1µs"),
            (0.0159, "15.9µs"),
            (0.490_95, "490.95µs"),
            (0.9999, "999.9µs"),
            (1.0, "1ms"),
            (12.5, "12.5ms"),
            (20.149, "20.14ms"),
            (66.77, "66.77ms"),
            (999.999, "999.99ms"),
            (1000.0, "1s"),
            (1234.5, "1.23s"),
            (59_999.0, "59.99s"),
            (60_000.0, "1m0s"),
            (60_001.0, "1m0s"),
            (62_000.0, "1m2s"),
            (119_999.9, "1m59s"),
            (3_600_000.0, "1h0m0s"),
            (3_723_456.0, "1h2m3s"),
        ] {
            assert_eq!(millis(value), expected, "{value} ms");
        }
    }

    #[test]
    fn a_time_that_no_float_holds_exactly_is_not_cut_to_the_digit_below() {
        for (value, expected) in [(20.15, "20.15ms"), (0.35567, "355.67µs"), (-1.5, "-1.5ms")] {
            assert_eq!(millis(value), expected);
        }
        assert_eq!(millis(f64::INFINITY), "inf");
    }

    /// Printed by k6 1.1.0.
    #[test]
    fn plain_numbers_are_written_as_k6_wrote_them() {
        for (value, expected) in [
            (0.0, "0"),
            (0.123_456_7, "0.123457"),
            (1.0 / 3.0, "0.333333"),
            (48.396_958, "48.396958"),
            (1e6, "1000000"),
            (123_456_789.5, "123456789.5"),
            (-3.25, "-3.25"),
            (-1e-9, "0"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn bytes_are_written_as_k6_wrote_them() {
        for (value, expected) in [
            (0.0, "0 B"),
            (9.0, "9 B"),
            (10.0, "10 B"),
            (999.0, "999 B"),
            (5_120.0, "5.1 kB"),
            (8_340.0, "8.3 kB"),
            (10_960.0, "11 kB"),
            (67_000.0, "67 kB"),
            (1_500_000.0, "1.5 MB"),
            (2e12, "2.0 TB"),
        ] {
            assert_eq!(bytes(value), expected);
        }
    }

    /// Printed by k6 1.1.0.
    #[test]
    fn shares_are_cut_off_and_never_rounded_up() {
        for (part, all, expected) in [
            (1, 1, "100.00%"),
            (1, 3, "33.33%"),
            (2, 3, "66.66%"),
            (999, 1000, "99.90%"),
            (99_999, 100_000, "99.99%"),
            (7, 574, "1.21%"),
            (29, 100, "29.00%"),
            (0, 0, "0.00%"),
        ] {
            assert_eq!(share_of(part, all), expected, "{part} of {all}");
            assert_eq!(
                share(part as f64 / f64::max(all as f64, 1.0)),
                expected,
                "{part} of {all} as a float"
            );
        }
    }

    #[test]
    fn clocks_have_the_length_of_the_longest() {
        let at = |secs| Duration::from_secs_f64(secs);
        for (elapsed, longest, expected) in [
            (8.04, 8.0, "08.0s"),
            (0.2, 600.0, "00m00.2s"),
            (68.0, 8.0, "01m08.0s"),
            (59.97, 10.0, "01m00.0s"),
            (68.0, 7200.0, "00h01m08.0s"),
        ] {
            assert_eq!(clock(at(elapsed), at(longest)), expected);
        }
    }
}
