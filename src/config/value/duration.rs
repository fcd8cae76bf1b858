//! Durations with units, in Go's grammar with days, as k6 has it.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::config::fields::{Reader, Value};
use crate::config::node::{Node, Typed};
use crate::config::schema::{Schemas, or_filled};

const EXPECTED: &str = "a duration with a unit such as `10s`";
/// Nothing here lasts longer, and sums of a few such durations cannot overflow.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Longer units first, so that `ms` is not taken for `m`.
const UNITS: [(&str, f64); 8] = [
    ("ms", 1e6),
    ("us", 1e3),
    ("µs", 1e3),
    ("ns", 1.0),
    ("d", 86_400e9),
    ("h", 3_600e9),
    ("m", 60e9),
    ("s", 1e9),
];

/// Reads a duration such as `500ms`, `10s`, `1h30m` or `1d`; at most 366 days.
///
/// # Errors
/// Says what was expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let nanos = nanos(text).ok_or_else(|| format!("expected {EXPECTED}"))?;
    if nanos > LONGEST.as_nanos() as f64 {
        return Err("expected a duration of at most 366d".to_owned());
    }
    // At most 3.2e16, which fits.
    Ok(Duration::from_nanos(nanos.round() as u64))
}

fn nanos(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, after) = rest.split_at(digits);
        if !number.contains(|character: char| character.is_ascii_digit()) {
            return None;
        }
        let (unit, factor) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        sum += number.parse::<f64>().ok()? * factor;
        rest = after.strip_prefix(unit)?;
    }
    (!text.is_empty()).then_some(sum)
}

fn read(node: &Node, reader: &mut Reader, least: Duration, expected: &str) -> Option<Duration> {
    if let Some(scalar) = node.scalar()
        && let Typed::Integer(_) | Typed::Float(_) = scalar.typed()
    {
        let found = node.found();
        let help = match &node.filled {
            None => format!("write `{0}s` or `{0}ms`", scalar.text),
            Some(_) => "add a unit such as `s` or `ms`".to_owned(),
        };
        reader.problem(node.place, format!("expected {expected}, found {found}"), help);
        return None;
    }
    reader.scalar(node, expected, |scalar| {
        parse_duration(&scalar.text).ok().filter(|duration| *duration >= least)
    })
}

fn schema() -> Json {
    or_filled(json!({"type": "string", "pattern": r"^([0-9]*\.?[0-9]+(d|h|m|s|ms|us|µs|ns))+$"}))
}

impl Value for Duration {
    fn expected() -> String {
        EXPECTED.to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        read(node, reader, Duration::ZERO, EXPECTED)
    }

    fn schema(_: &mut Schemas) -> Json {
        schema()
    }
}

/// A duration of at least so many milliseconds.
pub(crate) struct AtLeast<const MS: u64>(pub(crate) Duration);

impl<const MS: u64> Value for AtLeast<MS> {
    fn expected() -> String {
        let least = if MS.is_multiple_of(1000) { format!("{}s", MS / 1000) } else { format!("{MS}ms") };
        format!("a duration of at least {least}, with a unit such as `10s`")
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        read(node, reader, Duration::from_millis(MS), &Self::expected()).map(AtLeast)
    }

    fn schema(_: &mut Schemas) -> Json {
        schema()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, expected) in [
            ("0s", Duration::ZERO),
            ("500ms", Duration::from_millis(500)),
            ("10s", Duration::from_secs(10)),
            ("5m", Duration::from_secs(300)),
            ("1h30m", Duration::from_secs(5400)),
            ("1d", Duration::from_secs(86_400)),
            ("1.5s", Duration::from_millis(1500)),
            (".5s", Duration::from_millis(500)),
            ("1m500ms", Duration::from_millis(60_500)),
            ("20us", Duration::from_micros(20)),
            ("20µs", Duration::from_micros(20)),
            ("7ns", Duration::from_nanos(7)),
            ("366d", LONGEST),
        ] {
            assert_eq!(parse_duration(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "10",
            "s",
            ".s",
            "1.2.3s",
            "-1s",
            "1 s",
            "1x",
            "10s5",
            "1e3s",
            "367d",
            "1S",
            "99999999999999999999d",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
