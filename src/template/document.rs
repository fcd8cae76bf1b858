//! JSON bodies as minijinja's values.
//!
//! Bodies are parsed on the hot path, and most objects are small: a list of members is then built in
//! two thirds of the time that minijinja's own hash map takes.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ValueKind};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::budget::Spent;

/// From how many members on an object is a hash map. A hostile body thus cannot make a look-up long.
const MAX_LISTED: usize = 16;

/// What a value costs beside the text it may hold, in bytes: an item of a list, whose capacity may be twice
/// its length; a member of an object, hashed or not; a list, an object or a text on the heap.
const ITEM_BYTES: u64 = 2 * size_of::<Value>() as u64;
const MEMBER_BYTES: u64 = 4 * size_of::<Value>() as u64;
const HEAP_BYTES: u64 = 64;
/// Texts up to this length are part of their value.
const INLINE_BYTES: usize = 22;
/// Paid for at once, so that small documents ask seldom.
const PAYMENT_BYTES: u64 = 4 << 10;

/// Asked before so many bytes more are held.
pub(super) type Pay<'a> = dyn FnMut(u64) -> Result<(), Spent> + 'a;

/// The value of a JSON text; nothing when it is none, or nested deeper than 128 levels.
///
/// Of members with the same name the last counts.
///
/// # Errors
/// When `pay` refuses: dense JSON takes some 40 times as much memory as its text.
pub(super) fn parse(json: &[u8], pay: &mut Pay<'_>) -> Result<Option<Value>, Spent> {
    let meter = Meter { owed: Cell::new(0), pay: RefCell::new(pay), refused: Cell::new(false) };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = meter.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    if value.is_err() && meter.refused.get() {
        return Err(Spent);
    }
    // The rest, which may be all there was.
    let rest = meter.owed.get();
    let Ok(value) = value else { return Ok(None) };
    (meter.pay.into_inner())(rest)?;
    Ok(Some(value))
}

/// What a value may hold on the heap, in bytes; shared parts count each time.
pub(super) fn size(value: &Value) -> u64 {
    if let Some(text) = value.as_str() {
        return text_size(text);
    }
    if let Some(bytes) = value.as_bytes() {
        return HEAP_BYTES + bytes.len() as u64;
    }
    let Ok(items) = value.try_iter() else { return 0 };
    let of_item = |item: Value| match value.kind() {
        ValueKind::Map => {
            MEMBER_BYTES + size(&item) + value.get_item(&item).map_or(0, |member| size(&member))
        }
        _ => ITEM_BYTES + size(&item),
    };
    HEAP_BYTES + items.map(of_item).sum::<u64>()
}

fn text_size(text: &str) -> u64 {
    if text.len() > INLINE_BYTES { HEAP_BYTES + text.len() as u64 } else { 0 }
}

/// Builds values, and asks before it holds more.
struct Meter<'a, 'p> {
    owed: Cell<u64>,
    pay: RefCell<&'a mut Pay<'p>>,
    refused: Cell<bool>,
}

impl Meter<'_, '_> {
    fn owe<E: Error>(&self, bytes: u64) -> Result<(), E> {
        self.owed.set(self.owed.get() + bytes);
        if self.owed.get() < PAYMENT_BYTES {
            return Ok(());
        }
        let paid = (self.pay.borrow_mut())(self.owed.take());
        paid.map_err(|spent| {
            self.refused.set(true);
            E::custom(spent)
        })
    }
}

impl<'de> DeserializeSeed<'de> for &Meter<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Meter<'_, '_> {
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
        self.owe(text_size(value))?;
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.owe(HEAP_BYTES)?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self)? {
            self.owe(ITEM_BYTES)?;
            values.push(value);
        }
        Ok(Value::from(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.owe(HEAP_BYTES)?;
        let mut members: Vec<(Value, Value)> = Vec::new();
        while let Some((name, value)) = entries.next_entry_seed(self, self)? {
            self.owe(MEMBER_BYTES)?;
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

    fn parse(json: &[u8]) -> Option<Value> {
        super::parse(json, &mut |_| Ok(())).unwrap()
    }

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

    #[test]
    fn a_document_costs_what_its_values_hold_and_is_given_up_when_it_is_refused() {
        let cost = |json: &str| {
            let mut paid = 0;
            let value = super::parse(json.as_bytes(), &mut |bytes| {
                paid += bytes;
                Ok(())
            });
            assert_eq!(size(&value.unwrap().unwrap()), paid, "{json}");
            paid
        };
        let long = format!("\"{}\"", "x".repeat(10_000));
        for (json, expected) in [
            ("17", 0),
            ("\"inline\"", 0),
            (long.as_str(), 10_000 + HEAP_BYTES),
            ("[1,2]", HEAP_BYTES + 2 * ITEM_BYTES),
            ("{\"a\":[]}", 2 * HEAP_BYTES + MEMBER_BYTES),
        ] {
            assert_eq!(cost(json), expected, "{json}");
        }
        let dense = format!("[{}0]", "[],".repeat(10_000));
        assert!(cost(&dense) > 30 * dense.len() as u64);
        let mut room = 100 << 10;
        let mut pay = |bytes| {
            room = u64::checked_sub(room, bytes).ok_or(Spent)?;
            Ok(())
        };
        assert_eq!(super::parse(dense.as_bytes(), &mut pay), Err(Spent));
    }
}
