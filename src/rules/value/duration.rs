//! Durations as Prometheus writes them: `1h30m`, `5s`, `250ms`, and `0`.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::config::fields::{Reader, Value};
use crate::config::node::Node;
use crate::config::schema::Schemas;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(in crate::rules) struct PromDuration(pub(in crate::rules) Duration);

/// In the only order that Prometheus takes; a year has 365 days. With the milliseconds of one.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

impl PromDuration {
    /// `None` for what Prometheus refuses, also for more than the 292 years that Go can hold.
    pub(in crate::rules) fn parse(text: &str) -> Option<Self> {
        const LONGEST_MS: u64 = i64::MAX.unsigned_abs() / 1_000_000;
        if text == "0" {
            return Some(PromDuration::default());
        }
        let mut rest = text;
        let mut units = UNITS.iter();
        let mut total_ms: u64 = 0;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at(digits);
            let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, after) = after.split_at(letters);
            let (_, ms) = units.find(|(name, _)| *name == unit)?;
            total_ms = total_ms.checked_add(number.parse::<u64>().ok()?.checked_mul(*ms)?)?;
            rest = after;
        }
        let given = !text.is_empty() && total_ms <= LONGEST_MS;
        given.then(|| PromDuration(Duration::from_millis(total_ms)))
    }
}

/// As Prometheus shows it: `1h30m`, `0s`. Years and weeks only where nothing else is left.
pub(in crate::rules) fn show_duration(duration: Duration) -> String {
    let mut rest_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest_ms == 0 {
        return "0s".to_owned();
    }
    let mut shown = String::new();
    for (unit, ms) in UNITS {
        let whole_only = matches!(unit, "y" | "w");
        if rest_ms < ms || whole_only && rest_ms % ms != 0 {
            continue;
        }
        let _ = write!(shown, "{}{unit}", rest_ms / ms);
        rest_ms %= ms;
    }
    shown
}

impl Value for PromDuration {
    fn expected() -> String {
        "a duration of Prometheus' such as `30s`, `5m` or `1h30m`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| PromDuration::parse(&scalar.text))
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({
            "type": ["string", "integer"],
            "pattern": "^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units_from_the_longest_to_the_shortest() {
        for (text, ms) in [
            ("0", 0),
            ("0s", 0),
            ("5s", 5000),
            ("250ms", 250),
            ("1m30s", 90_000),
            ("1h", 3_600_000),
            ("1d2h3m4s5ms", 93_784_005),
            ("1w", 604_800_000),
            ("1y", 31_536_000_000),
            ("90m", 5_400_000),
            ("292y", 9_208_512_000_000),
        ] {
            assert_eq!(PromDuration::parse(text), Some(PromDuration(Duration::from_millis(ms))), "{text}");
        }
        for text in
            ["", "5", "1.5h", "-5s", "5 s", "s", "1s1m", "1m1m", "5S", "1h30", "293y", "5sec", "00", "1µs"]
        {
            assert_eq!(PromDuration::parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_shown_as_prometheus_shows_them() {
        for (ms, shown) in [
            (0, "0s"),
            (90_000, "1m30s"),
            (3_600_000, "1h"),
            (86_400_000, "1d"),
            (604_800_000, "1w"),
            (694_800_000, "8d1h"),
            (1500, "1s500ms"),
            (31_536_000_000, "1y"),
        ] {
            assert_eq!(show_duration(Duration::from_millis(ms)), shown);
        }
    }
}
