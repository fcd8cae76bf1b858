//! Amounts of memory with units.

use serde_json::{Value as Json, json};

use crate::config::fields::{Reader, Value};
use crate::config::node::Node;
use crate::config::schema::{Schemas, or_filled};

/// In bytes; at least 1 MiB, at most 1 TiB.
pub(crate) struct Size(pub(crate) u64);

/// Of one message, in bytes; at least 1, at most what gRPC can say, 4 GiB.
pub(crate) struct MessageSize(pub(crate) u64);

const MOST_OF_MESSAGE: u64 = (4 << 30) - 1;
const LEAST: u64 = 1 << 20;
const MOST: u64 = 1 << 40;
/// Longer units first, so that `MiB` is not taken for `B`.
const UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

impl Value for Size {
    fn expected() -> String {
        "a size from 1MiB to 1024GiB such as `128MiB`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| {
            parse(&scalar.text).filter(|bytes| (LEAST..=MOST).contains(bytes)).map(Size)
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?([KMG]iB|[kMG]B|B)$"}))
    }
}

impl Value for MessageSize {
    fn expected() -> String {
        "a size from 1B to 4GiB such as `4MiB`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| {
            parse(&scalar.text).filter(|bytes| (1..=MOST_OF_MESSAGE).contains(bytes)).map(MessageSize)
        })
    }

    fn schema(schemas: &mut Schemas) -> Json {
        Size::schema(schemas)
    }
}

/// `128MiB`, `1.5 GB`; nothing without a unit.
fn parse(text: &str) -> Option<u64> {
    let (number, factor) =
        UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let number = number.strip_suffix(' ').unwrap_or(number);
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = number.parse().ok().filter(|_| plain)?;
    // Saturates far above the most that is allowed.
    Some((number * *factor as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024_or_of_1000() {
        for (text, bytes) in [
            ("128MiB", Some(128 << 20)),
            ("64MB", Some(64_000_000)),
            ("1.5 GiB", Some(3 << 29)),
            ("2097152B", Some(2 << 20)),
            ("128", None),
            ("128M", None),
            ("MiB", None),
            ("-1MiB", None),
            ("infMiB", None),
            ("1e3MiB", None),
        ] {
            assert_eq!(parse(text), bytes, "{text}");
        }
    }
}
