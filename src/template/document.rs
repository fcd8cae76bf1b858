//! JSON bodies as minijinja's values.
//!
//! Bodies are parsed on the hot path, and most objects are small: a list of members is then built in
//! two thirds of the time that minijinja's own hash map takes.

use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// From how many members on an object is a hash map. A hostile body thus cannot make a look-up long.
const MAX_LISTED: usize = 16;

/// The value of a JSON text; nothing when it is none, or nested deeper than 128 levels.
///
/// Of members with the same name the last counts.
pub(super) fn parse(json: &[u8]) -> Option<Value> {
    serde_json::from_slice(json).ok().map(|Parsed(value)| value)
}

struct Parsed(Value);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Builder).map(Parsed)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::from(()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Parsed(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::from(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members: Vec<(Value, Value)> = Vec::new();
        while let Some((Parsed(name), Parsed(value))) = entries.next_entry()? {
            // Beyond the limit the hash map sorts out names that come twice.
            let listed = members.iter_mut().take(MAX_LISTED).find(|(known, _)| *known == name);
            match listed {
                Some((_, old)) => *old = value,
                None => members.push((name, value)),
            }
        }
        Ok(if members.len() > MAX_LISTED {
            Value::from_pairs(members)
        } else {
            Value::from_object(Members(members))
        })
    }
}

/// A small JSON object, its members in the order in which they came.
#[derive(Debug)]
struct Members(Vec<(Value, Value)>);

impl Object for Members {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let member = self.0.iter().find(|(name, _)| name.as_str() == Some(key));
        member.map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.iter().map(|(name, _)| name.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_document_equals_what_minijinja_reads_and_writes_the_same() {
        let many: Vec<String> = (0..40).map(|n| format!("\"k{}\":{n}", n % 30)).collect();
        let many = format!("{{{}}}", many.join(","));
        for json in [
            "null",
            "[]",
            "{}",
            "[1,-2,2.5,18446744073709551615,true,\"x\\n\\u00e9\"]",
            "{\"b\":1,\"a\":{\"c\":[{}]}}",
            "{\"a\":1,\"b\":2,\"a\":{\"a\":3}}",
            many.as_str(),
        ] {
            let parsed = parse(json.as_bytes()).unwrap();
            assert_eq!(parsed, plain(json), "{json}");
            assert_eq!(plain(json), parsed, "{json}");
            let written = |value: &Value| serde_json::to_string(value).unwrap();
            assert_eq!(written(&parsed), written(&plain(json)));
            assert_eq!(
                (parsed.len(), parsed.is_true()),
                (plain(json).len(), plain(json).is_true()),
                "{json}"
            );
        }
    }

    #[test]
    fn the_last_of_several_members_with_one_name_counts() {
        let mut members: Vec<String> = (0..20).map(|n| format!("\"k{n}\":{n}")).collect();
        members.push("\"k0\":100".to_owned());
        members.push("\"k19\":119".to_owned());
        let parsed = parse(format!("{{{}}}", members.join(",")).as_bytes()).unwrap();
        assert_eq!(parsed.get_attr("k0").unwrap(), Value::from(100));
        assert_eq!(parsed.get_attr("k19").unwrap(), Value::from(119));
        assert_eq!(parsed.len(), Some(20));
    }

    #[test]
    fn what_is_not_one_json_text_is_nothing() {
        for json in ["", "{", "1 2", "{\"a\":1,}", "\"\\ud800\"", "1e999", "nul", "\u{feff}1"] {
            assert!(parse(json.as_bytes()).is_none(), "{json}");
        }
        assert!(parse(b"\"\xff\"").is_none());
        assert!(parse("[".repeat(1_000_000).as_bytes()).is_none());
    }
}
