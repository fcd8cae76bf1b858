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

    /// All that a message in UTF-8 holds, wherever: whatever follows the word [`FIELD`] after quotes, backslashes, colons,
    /// equals signs and blanks. So it is found at any depth of a JSON document, in JSON that is a text within JSON, and
    /// in what is no JSON at all.
    pub fn all_in(message: &[u8]) -> impl Iterator<Item = Token> {
        // Nothing is parsed: most messages of a receiver may not be ours.
        let mut rest = std::str::from_utf8(message).unwrap_or_default();
        std::iter::from_fn(move || {
            loop {
                let (_, after) = rest.split_once(FIELD)?;
                let after = after.trim_start_matches(['"', '\\', ':', '=', '\'', ' ', '\t', '\r', '\n']);
                let end = after.find(|it: char| !it.is_ascii_hexdigit() && it != '.').unwrap_or(after.len());
                rest = &after[end..];
                if let Some(token) = Token::parse(&after[..end]) {
                    return Some(token);
                }
            }
        })
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
        let found = |text: String| Token::all_in(text.as_bytes()).next();
        assert_eq!(found(format!(r#"{{"a":1,"loadgateevent": "{TOKEN}","b":2}}"#)), Some(TOKEN));
        assert_eq!(found(format!(r#"{{"loadgateevent":"{TOKEN}"}}"#)), Some(TOKEN));
        assert_eq!(found(r#"{"loadgateevent":5}"#.to_owned()), None);
        assert_eq!(found("{}".to_owned()), None);
    }

    #[test]
    fn all_of_a_message_are_found_wherever_they_are() {
        let other = Token { number: 7, ..TOKEN };
        let found = |text: String| Token::all_in(text.as_bytes()).collect::<Vec<_>>();
        let batch = format!(r#"[{{"loadgateevent":"{TOKEN}"}},{{"a":{{"loadgateevent" : "{other}"}}}}]"#);
        assert_eq!(found(batch), [TOKEN, other]);
        let within = serde_json::json!({ "event": format!(r#"{{"loadgateevent": "{other}"}}"#) });
        assert_eq!(found(within.to_string()), [other]);
        assert_eq!(found(format!("loadgateevent={TOKEN};x=1")), [TOKEN]);
        assert_eq!(found(format!("<e loadgateevent='{TOKEN}'/>")), [TOKEN]);
        for none in
            ["", "loadgateevent", r#"{"loadgateevent":null,"loadgateevent":""}"#, "loadgateevent: later"]
        {
            assert_eq!(found(none.to_owned()), [], "{none}");
        }
        assert_eq!(Token::all_in(b"\xff loadgateevent=1.1.1.1").count(), 0, "no text");
    }
}
