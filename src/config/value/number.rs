//! Numbers with ranges.

use serde_json::{Value as Json, json};

use crate::config::fields::{Reader, Value};
use crate::config::node::{Node, Scalar, Typed};
use crate::config::schema::{Schemas, or_filled};

/// A whole number from `MIN` to `MAX`.
pub(crate) struct Count<const MIN: u64, const MAX: u64>(pub(crate) u64);

impl<const MIN: u64, const MAX: u64> Value for Count<MIN, MAX> {
    fn expected() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| match scalar.typed() {
            Typed::Integer(value) => {
                u64::try_from(value).ok().filter(|value| (MIN..=MAX).contains(value)).map(Count)
            }
            _ => None,
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"type": "integer", "minimum": MIN, "maximum": MAX}))
    }
}

/// How often something happens: above 0, at most a thousand million, whole or not.
pub(crate) struct Rate(pub(crate) f64);

/// A [`Rate`] that may be 0.
pub(crate) struct RateOrNone(pub(crate) f64);

const HIGHEST_RATE: f64 = 1e9;

impl Value for Rate {
    fn expected() -> String {
        "a number above 0, at most 1000000000".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| rate(scalar).filter(|value| *value > 0.0).map(Rate))
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"type": "number", "exclusiveMinimum": 0, "maximum": HIGHEST_RATE}))
    }
}

impl Value for RateOrNone {
    fn expected() -> String {
        "a number from 0 to 1000000000".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| rate(scalar).map(RateOrNone))
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"type": "number", "minimum": 0, "maximum": HIGHEST_RATE}))
    }
}

fn rate(scalar: &Scalar) -> Option<f64> {
    let value = match scalar.typed() {
        Typed::Integer(value) => value as f64,
        Typed::Float(value) => value,
        _ => return None,
    };
    (0.0..=HIGHEST_RATE).contains(&value).then_some(value)
}

/// A part of a whole, 0 to 1; also written in percent.
pub(crate) struct Share(pub(crate) f64);

impl Value for Share {
    fn expected() -> String {
        "a share from 0 to 1 such as `0.1%` or `0.001`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| {
            let value = match scalar.typed() {
                Typed::Integer(value) => value as f64,
                Typed::Float(value) => value,
                Typed::Text(text) => percent(text)?,
                _ => return None,
            };
            (0.0..=1.0).contains(&value).then_some(Share(value))
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        let number = json!({"type": "number", "minimum": 0, "maximum": 1});
        let percent = json!({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$"});
        or_filled(json!({"anyOf": [number, percent]}))
    }
}

/// `0.1%` is 0.001.
pub(crate) fn percent(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?.trim_end();
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    number.parse::<f64>().ok().filter(|_| plain).map(|value| value / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_shares() {
        assert_eq!(percent("0.1%"), Some(0.001));
        assert_eq!(percent("100%"), Some(1.0));
        assert_eq!(percent("inf%"), None);
        assert_eq!(percent("5"), None);
    }
}
