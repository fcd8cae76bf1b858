//! Values as text: strings as they are, everything else as JSON.

use std::fmt::Write;

use minijinja::Value;
use minijinja::value::ValueKind;

use super::error::EvalError;

/// Appends what `{{ value }}` renders: a string raw, `true`, `false`, `null`, numbers, lists and
/// maps as compact JSON.
pub(super) fn push_text(out: &mut String, value: &Value) -> Result<(), EvalError> {
    match value.as_str() {
        Some(text) => {
            out.push_str(text);
            Ok(())
        }
        None => push_json(out, value),
    }
}

/// Appends the value as compact JSON.
pub(super) fn push_json(out: &mut String, value: &Value) -> Result<(), EvalError> {
    match value.kind() {
        ValueKind::String => {
            out.push('"');
            push_escaped(out, value.as_str().unwrap_or_default());
            out.push('"');
        }
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number if value.is_integer() => {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "{value}");
        }
        ValueKind::Number if !f64::try_from(value.clone()).is_ok_and(f64::is_finite) => {
            return Err(EvalError::new(format!("{value} cannot be written: JSON knows finite numbers only")));
        }
        ValueKind::Bytes => {
            out.push('"');
            push_escaped(out, &String::from_utf8_lossy(value.as_bytes().unwrap_or_default()));
            out.push('"');
        }
        ValueKind::Plain => return Err(EvalError::new("a function cannot be written: call it with `()`")),
        _ => {
            let json = serde_json::to_string(value);
            out.push_str(
                &json.map_err(|error| EvalError::new(format!("cannot be written as JSON: {error}")))?,
            );
        }
    }
    Ok(())
}

/// Appends text as it stands between the quotes of a JSON string (RFC 8259, section 7).
pub(super) fn push_escaped(out: &mut String, text: &str) {
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x00..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[written..at]);
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
        written = at + 1;
    }
    out.push_str(&text[written..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: impl Into<Value>) -> String {
        let mut out = String::new();
        push_text(&mut out, &value.into()).unwrap();
        out
    }

    #[test]
    fn values_read_as_json_does_and_strings_as_they_are() {
        assert_eq!(text("a \"b\""), "a \"b\"");
        assert_eq!(text(true), "true");
        assert_eq!(text(()), "null");
        assert_eq!(text(7_u64), "7");
        assert_eq!(text(u64::MAX), "18446744073709551615");
        assert_eq!(text(-1.5), "-1.5");
        assert_eq!(text(2.0), "2.0");
        assert_eq!(text(vec![Value::from("a"), Value::from(1), Value::from(())]), "[\"a\",1,null]");
        assert_eq!(text(Value::from_pairs([("b", true), ("a", false)])), "{\"b\":true,\"a\":false}");
    }

    #[test]
    fn what_json_cannot_say_is_an_error() {
        for value in [Value::from(f64::NAN), Value::from(f64::INFINITY)] {
            let error = push_text(&mut String::new(), &value).unwrap_err();
            assert!(error.to_string().contains("finite numbers only"), "{error}");
        }
    }

    #[test]
    fn escaping_is_serde_jsons() {
        let all: String = (0..=0x2fff).filter_map(char::from_u32).collect();
        let mut out = String::from("\"");
        push_escaped(&mut out, &all);
        out.push('"');
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), all);
    }
}
