//! What an event carries so that whoever receives it knows which one it is: text, fit for a header, a field of JSON or an
//! extension attribute of a CloudEvent.

use std::fmt;

/// `RUN.PRODUCER.NUMBER.DUE`, in hexadecimal but for the number, which people look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Drawn for each run, so that what an earlier one left is not taken for this one's.
    pub run: u64,
    pub producer: u32,
    /// From 1.
    pub number: u64,
    /// When it was due, in nanoseconds since 1970.
    pub due_nanos: u64,
}

/// The name of the header, where a protocol has headers.
pub const HEADER: &str = "Loadgate-Event";
/// The name of the field at the top of a JSON message, and of the extension attribute of a CloudEvent.
pub const FIELD: &str = "loadgateevent";

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Token { run, producer, number, due_nanos } = self;
        write!(f, "{run:x}.{producer:x}.{number}.{due_nanos:x}")
    }
}

impl Token {
    /// Nothing for a text that is none.
    pub fn parse(text: &str) -> Option<Token> {
        let mut parts = text.split('.');
        let mut next = || parts.next();
        let token = Token {
            run: u64::from_str_radix(next()?, 16).ok()?,
            producer: u32::from_str_radix(next()?, 16).ok()?,
            number: next()?.parse().ok()?,
            due_nanos: u64::from_str_radix(next()?, 16).ok()?,
        };
        parts.next().is_none().then_some(token)
    }

    /// From the field of a JSON message, or of what is `data` in it, as the parts of a structured CloudEvent are.
    pub fn find_in_json(json: &[u8]) -> Option<Token> {
        // Looked for before it is parsed: most messages of a consumer may not be ours.
        let text = std::str::from_utf8(json).ok()?;
        let (_, after) = text.split_once(&format!("\"{FIELD}\""))?;
        let after = after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        Token::parse(after.split('"').next()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Token =
        Token { run: 0xabc, producer: 17, number: 100_000, due_nanos: 1_790_000_000_123_456_789 };

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let text = TOKEN.to_string();
        assert!(text.starts_with("abc.11.100000."), "{text}");
        assert_eq!(Token::parse(&text), Some(TOKEN));
        for wrong in ["", "abc", "abc.11.1", "abc.11.x.1", &format!("{text}.1"), "-1.0.1.0"] {
            assert_eq!(Token::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn it_is_found_in_a_json_message() {
        let found = |text: String| Token::find_in_json(text.as_bytes());
        assert_eq!(found(format!(r#"{{"a":1,"loadgateevent": "{TOKEN}","b":2}}"#)), Some(TOKEN));
        assert_eq!(found(format!(r#"{{"loadgateevent":"{TOKEN}"}}"#)), Some(TOKEN));
        assert_eq!(found(r#"{"loadgateevent":5}"#.to_owned()), None);
        assert_eq!(found("{}".to_owned()), None);
    }
}
