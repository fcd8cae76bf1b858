//! Times and durations as parameters hold them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::DateTime;

/// The earliest time that clients name (Go's `time.Time` from a Unix time), and what stands for no start.
pub(super) const MIN_MS: i64 = (i64::MIN / 1000 + 62_135_596_801) * 1000;
/// The latest, and what stands for no end.
pub(super) const MAX_MS: i64 = (i64::MAX / 1000 - 62_135_596_801) * 1000 + 999;

/// What Prometheus' client library writes for these two; no calendar of ours reaches them.
const MIN_TEXT: &str = "-292273086-05-16T16:47:06Z";
const MAX_TEXT: &str = "292277025-08-18T07:12:54.999999999Z";

const MS_PER_UNIT: [(&str, i64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Milliseconds since the Unix epoch, from seconds with a fraction or RFC 3339.
///
/// # Errors
/// In the words of Prometheus.
pub(super) fn parse_time(text: &str) -> Result<i64, String> {
    let failed = || format!("cannot parse {text:?} to a valid timestamp");
    if let Ok(secs) = text.parse::<f64>() {
        if !secs.is_finite() {
            return Err(failed());
        }
        let (whole, fraction) = (secs.trunc(), secs.fract());
        let whole_ms = (whole as i64).saturating_mul(1000);
        return Ok(whole_ms.saturating_add((fraction * 1000.0).round() as i64).clamp(MIN_MS, MAX_MS));
    }
    match text {
        MIN_TEXT => Ok(MIN_MS),
        MAX_TEXT => Ok(MAX_MS),
        _ => DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_millis()).map_err(|_| failed()),
    }
}

/// Nanoseconds, from seconds with a fraction or units from `y` to `ms`; may be negative, as in Prometheus.
///
/// # Errors
/// In the words of Prometheus.
pub(super) fn parse_duration(text: &str) -> Result<i64, String> {
    let failed = || format!("cannot parse {text:?} to a valid duration");
    if let Ok(secs) = text.parse::<f64>() {
        let nanos = secs * 1e9;
        if nanos.is_nan() {
            return Err(failed());
        }
        if nanos > i64::MAX as f64 || nanos < i64::MIN as f64 {
            return Err(format!("{}. It overflows int64", failed()));
        }
        return Ok(nanos as i64);
    }
    with_units(text).and_then(|ms| ms.checked_mul(1_000_000)).ok_or_else(failed)
}

/// Each unit at most once, the larger before the smaller.
fn with_units(text: &str) -> Option<i64> {
    let (mut rest, mut sum, mut units) = (text, 0_i64, MS_PER_UNIT.as_slice());
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit())?;
        let (digits, after) = rest.split_at(end);
        let letters = after.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let at = units.iter().position(|(known, _)| *known == unit)?;
        let (_, ms) = units.get(at)?;
        sum = sum.checked_add(digits.parse::<i64>().ok()?.checked_mul(*ms)?)?;
        units = units.get(at + 1..)?;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

/// As Prometheus writes a duration: `1m30s`, `500ms`; years and weeks only where nothing remains.
pub(super) fn format_duration(duration: Duration) -> String {
    let mut rest = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, ms) in MS_PER_UNIT {
        let exact_only = matches!(unit, "y" | "w");
        if rest >= ms && (!exact_only || rest % ms == 0) {
            text.push_str(&format!("{}{unit}", rest / ms));
            rest %= ms;
        }
    }
    text
}

/// Milliseconds since the Unix epoch.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(MAX_MS)
}

/// Go's JSON of a time; the zero time where there is none.
pub(super) fn rfc3339(at_ms: Option<i64>) -> String {
    let time = at_ms.and_then(DateTime::from_timestamp_millis);
    let Some(time) = time else { return "0001-01-01T00:00:00Z".to_owned() };
    let text = time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string();
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_rfc_3339() {
        for (text, expected) in [
            ("123", Some(123_000)),
            ("123.123", Some(123_123)),
            ("1543578564.705", Some(1_543_578_564_705)),
            ("1.4357814517815e9", Some(1_435_781_451_782)),
            ("-1.5", Some(-1_500)),
            ("2015-06-03T13:21:58.555Z", Some(1_433_337_718_555)),
            ("2015-06-03T14:21:58.555+01:00", Some(1_433_337_718_555)),
            ("2015-06-03T13:21:58Z", Some(1_433_337_718_000)),
            (MIN_TEXT, Some(MIN_MS)),
            (MAX_TEXT, Some(MAX_MS)),
            ("1582468023986", Some(1_582_468_023_986_000)),
            ("1e300", Some(MAX_MS)),
            ("", None),
            ("abc", None),
            ("30s", None),
            ("NaN", None),
            ("Inf", None),
            ("2015-06-03", None),
        ] {
            let expected = expected.ok_or_else(|| format!("cannot parse {text:?} to a valid timestamp"));
            assert_eq!(parse_time(text), expected);
        }
    }

    #[test]
    fn durations_are_seconds_or_have_units() {
        const SECOND: i64 = 1_000_000_000;
        for (text, expected) in [
            ("123", Ok(123 * SECOND)),
            ("123.333", Ok(123 * SECOND + 333_000_000)),
            ("0.0005", Ok(500_000)),
            ("-1", Ok(-SECOND)),
            ("0", Ok(0)),
            ("15s", Ok(15 * SECOND)),
            ("5m", Ok(300 * SECOND)),
            ("1h30m", Ok(5_400 * SECOND)),
            ("1y2w3d4h5m6s7ms", Ok((365 + 14 + 3) * 86_400 * SECOND + 14_706 * SECOND + 7_000_000)),
            ("", Err("")),
            ("abc", Err("")),
            ("1m1h", Err("")),
            ("1s1s", Err("")),
            ("1.5m", Err("")),
            ("-1m", Err("")),
            ("5", Ok(5 * SECOND)),
            ("NaN", Err("")),
            ("300y", Err("")),
            ("148966367200.372", Err(". It overflows int64")),
            ("-148966367200.372", Err(". It overflows int64")),
        ] {
            let expected = expected.map_err(|end| format!("cannot parse {text:?} to a valid duration{end}"));
            assert_eq!(parse_duration(text), expected);
        }
    }

    #[test]
    fn durations_are_written_as_prometheus_writes_them() {
        for (millis, expected) in [
            (0, "0s"),
            (500, "500ms"),
            (1_000, "1s"),
            (90_000, "1m30s"),
            (90_500, "1m30s500ms"),
            (86_400_000, "1d"),
            (7 * 86_400_000, "1w"),
            (8 * 86_400_000, "8d"),
        ] {
            assert_eq!(format_duration(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn times_are_written_as_go_writes_them() {
        for (at_ms, expected) in [
            (None, "0001-01-01T00:00:00Z"),
            (Some(0), "1970-01-01T00:00:00Z"),
            (Some(1_795_259_128_120), "2026-11-21T11:05:28.12Z"),
            (Some(1_795_259_128_005), "2026-11-21T11:05:28.005Z"),
            (Some(1_795_259_128_000), "2026-11-21T11:05:28Z"),
            (Some(i64::MAX), "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(at_ms), expected);
        }
    }
}
