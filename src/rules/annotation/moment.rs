//! Moments and spans of time as Go's `time` writes them, always in UTC.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

use super::number::format_float;

/// `time.Time`
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    pub(super) at: DateTime<Utc>,
    /// As `toTime` gives it.
    pub(super) is_pointer: bool,
}

/// `time.Duration`
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) nanos: i64,
    /// As `toDuration` gives it.
    pub(super) is_pointer: bool,
}

impl Moment {
    /// Of seconds since the Unix epoch, cut to milliseconds. `None` where nanoseconds in 64 bits do not reach.
    pub(super) fn of_seconds(seconds: f64) -> Option<Moment> {
        let nanos = seconds * 1e9;
        if !(i64::MIN as f64..=i64::MAX as f64).contains(&nanos) {
            return None;
        }
        let at = DateTime::from_timestamp_millis(nanos as i64 / 1_000_000)?;
        Some(Moment { at, is_pointer: true })
    }

    pub(super) fn of_utc(at: DateTime<Utc>) -> Moment {
        Moment { at, is_pointer: false }
    }

    /// As Go's layouts say, which show how the moment `Mon Jan 2 15:04:05 2006` is to be written.
    pub(super) fn format(&self, layout: &str) -> String {
        let mut out = String::new();
        let mut rest = layout;
        while let Some(first) = rest.chars().next() {
            let piece = PIECES.iter().find(|(piece, _)| is_next(rest, piece));
            if let Some((piece, write)) = piece {
                out.push_str(&write(&self.at));
                rest = &rest[piece.len()..];
            } else if let Some((length, written)) = self.fraction(rest, &out) {
                out.push_str(&written);
                rest = &rest[length..];
            } else {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        out
    }

    /// `.000` or `.999`, with a comma too: a fraction right behind the seconds.
    fn fraction(&self, rest: &str, before: &str) -> Option<(usize, String)> {
        let (separator, digits) = (rest.chars().next()?, &rest[1.min(rest.len())..]);
        if !matches!(separator, '.' | ',') {
            return None;
        }
        let digit = digits.chars().next().filter(|c| matches!(c, '0' | '9'))?;
        let count = digits.len() - digits.trim_start_matches(digit).len();
        let followed = digits[count..].starts_with(|c: char| c.is_ascii_digit());
        if followed || digit == '9' && !before.ends_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let shown = format!("{:09}", self.at.nanosecond());
        let shown = format!("{shown:0<count$}");
        let mut shown = &shown[..count];
        if digit == '9' {
            shown = shown.trim_end_matches('0');
        }
        let written = if shown.is_empty() { String::new() } else { format!("{separator}{shown}") };
        Some((1 + count, written))
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }
}

type Piece = (&'static str, fn(&DateTime<Utc>) -> String);

/// Longer ones first.
const PIECES: [Piece; 34] = [
    ("January", |at| at.format("%B").to_string()),
    ("Jan", |at| at.format("%b").to_string()),
    ("Monday", |at| at.format("%A").to_string()),
    ("Mon", |at| at.format("%a").to_string()),
    ("MST", |_| "UTC".to_owned()),
    ("2006", |at| format!("{:04}", at.year())),
    ("__2", |at| format!("{:3}", at.ordinal())),
    ("_2", |at| format!("{:2}", at.day())),
    ("002", |at| format!("{:03}", at.ordinal())),
    ("01", |at| format!("{:02}", at.month())),
    ("02", |at| format!("{:02}", at.day())),
    ("03", |at| format!("{:02}", at.hour12().1)),
    ("04", |at| format!("{:02}", at.minute())),
    ("05", |at| format!("{:02}", at.second())),
    ("06", |at| format!("{:02}", at.year().rem_euclid(100))),
    ("15", |at| format!("{:02}", at.hour())),
    ("PM", |at| if at.hour() < 12 { "AM" } else { "PM" }.to_owned()),
    ("pm", |at| if at.hour() < 12 { "am" } else { "pm" }.to_owned()),
    ("-07:00:00", |_| "+00:00:00".to_owned()),
    ("-070000", |_| "+000000".to_owned()),
    ("-07:00", |_| "+00:00".to_owned()),
    ("-0700", |_| "+0000".to_owned()),
    ("-07", |_| "+00".to_owned()),
    ("Z07:00:00", |_| "Z".to_owned()),
    ("Z070000", |_| "Z".to_owned()),
    ("Z07:00", |_| "Z".to_owned()),
    ("Z0700", |_| "Z".to_owned()),
    ("Z07", |_| "Z".to_owned()),
    ("1", |at| at.month().to_string()),
    ("2", |at| at.day().to_string()),
    ("3", |at| at.hour12().1.to_string()),
    ("4", |at| at.minute().to_string()),
    ("5", |at| at.second().to_string()),
    // What follows an underscore and is no day stays as it is.
    ("_2006", |at| format!("_{:04}", at.year())),
];

fn is_next(layout: &str, piece: &str) -> bool {
    let Some(after) = layout.strip_prefix(piece) else { return false };
    match piece {
        // `Monthly` and `Janet` are words.
        "Jan" | "Mon" => !after.starts_with(|c: char| c.is_ascii_lowercase()),
        "_2" => !after.starts_with("006"),
        _ => true,
    }
}

impl Span {
    pub(super) fn of_nanos(nanos: i64) -> Span {
        Span { nanos, is_pointer: false }
    }

    pub(super) fn seconds(&self) -> f64 {
        // Whole seconds and the rest apart, as Go does it, and rounds.
        (self.nanos / 1_000_000_000) as f64 + (self.nanos % 1_000_000_000) as f64 / 1e9
    }
}

impl std::fmt::Display for Span {
    /// `1h30m0s`, `1.5s`, `2ms`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = self.nanos.unsigned_abs();
        let sign = if self.nanos < 0 { "-" } else { "" };
        let small = [(1_000_000, "ms"), (1_000, "µs"), (1, "ns")];
        if size == 0 {
            return f.write_str("0s");
        }
        if size < 1_000_000_000 {
            let (unit, name) = small.into_iter().find(|(unit, _)| size >= *unit).unwrap_or((1, "ns"));
            return write!(f, "{sign}{}{name}", decimal(size, unit));
        }
        let seconds = size / 1_000_000_000;
        let rest = decimal(size % 60_000_000_000, 1_000_000_000);
        match (seconds / 3600, seconds / 60 % 60) {
            (0, 0) => write!(f, "{sign}{rest}s"),
            (0, minutes) => write!(f, "{sign}{minutes}m{rest}s"),
            (hours, minutes) => write!(f, "{sign}{hours}h{minutes}m{rest}s"),
        }
    }
}

/// How many units these are, with as many decimals as it takes.
fn decimal(nanos: u64, unit: u64) -> String {
    let (whole, rest) = (nanos / unit, nanos % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let fraction = format!("{rest:0width$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// Prometheus' durations (`1h30m`, `-5m`, `0`) in seconds.
pub(super) fn parse_duration(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 365 * 86_400_000),
        ("w", 7 * 86_400_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    let whole = text.strip_prefix('-').unwrap_or(text);
    let bad = || format!("not a valid duration string: {}", super::quote::quoted(whole, false));
    let out_of_range = || "duration out of range".to_owned();
    if whole.is_empty() {
        return Err("empty duration string".to_owned());
    }
    let (mut rest, mut millis, mut units) = (whole, 0u64, &UNITS[..]);
    if whole == "0" {
        return Ok(0.0);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (count, after) = rest.split_at(digits);
        let length = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(length);
        let count: u64 = count.parse().map_err(|_| bad())?;
        if unit.is_empty() {
            return Err(bad());
        }
        if UNITS.iter().all(|(name, _)| *name != unit) {
            let quote = |text: &str| super::quote::quoted(text, false);
            return Err(format!("unknown unit {} in duration {}", quote(unit), quote(whole)));
        }
        let at = units.iter().position(|(name, _)| *name == unit).ok_or_else(bad)?;
        let added = count.checked_mul(units[at].1).and_then(|added| millis.checked_add(added));
        millis = added.filter(|millis| *millis <= i64::MAX as u64 / 1_000_000).ok_or_else(out_of_range)?;
        (rest, units) = (after, &units[at + 1..]);
    }
    let seconds = millis as f64 / 1000.0;
    Ok(if text.starts_with('-') { -seconds } else { seconds })
}

/// What `humanizeTimestamp` and `toTime` say of a moment beyond nanoseconds in 64 bits.
pub(super) fn beyond_nanos(seconds: f64) -> String {
    let value = format_float(seconds, 'g', None);
    format!("{value} cannot be represented as a nanoseconds timestamp since it overflows int64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_follow_go_layouts() {
        let moment = Moment::of_seconds(1_435_065_584.128).unwrap();
        for (layout, expected) in [
            ("2006-01-02T15:04:05.000Z07:00", "2015-06-23T13:19:44.128Z"),
            ("Mon Jan _2 15:04:05 MST 2006", "Tue Jun 23 13:19:44 UTC 2015"),
            ("Monday, January 2, 2006 at 3:04pm", "Tuesday, June 23, 2015 at 1:19pm"),
            ("06/1/2 03:4:5 PM -0700", "15/6/23 01:19:44 PM +0000"),
            ("15:04:05.99999", "13:19:44.128"),
            ("002 __2 Janet Monthly", "174 174 Janet Monthly"),
        ] {
            assert_eq!(moment.format(layout), expected, "{layout}");
        }
        assert_eq!(moment.to_string(), "2015-06-23 13:19:44.128 +0000 UTC");
        assert_eq!(Moment::of_seconds(0.0).unwrap().to_string(), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(Moment::of_seconds(1e10), None);
    }

    #[test]
    fn spans_are_written_as_go_writes_them() {
        for (nanos, expected) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (-5_400_000_000_000, "-1h30m0s"),
            (18_367_001_000_000, "5h6m7.001s"),
        ] {
            assert_eq!(Span::of_nanos(nanos).to_string(), expected);
        }
    }

    #[test]
    fn durations_are_prometheus() {
        for (text, expected) in
            [("1h2m10ms", 3720.01), ("-30m", -1800.0), ("0", 0.0), ("1y1w1d", 32_227_200.0)]
        {
            assert_eq!(parse_duration(text), Ok(expected), "{text}");
        }
        for text in ["", "1", "1x", "m", "1m1h", "1.5h", "300y", "99999999999999999999s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
