//! A place in the body, and the tokens that both formats share. Each byte is looked at a fixed number of times.

use std::borrow::Cow;

use super::error::{Fault, Found, ParseErrorKind, excerpt};
use crate::exposition::{is_metric_name_byte, is_metric_name_start};

pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Steps over `token` if it is next.
    pub(super) fn eat(&mut self, token: &[u8]) -> bool {
        let next = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(token));
        if next {
            self.at += token.len();
        }
        next
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    pub(super) fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// Up to the line feed, which stays.
    pub(super) fn rest_of_line(&mut self) -> &'a [u8] {
        self.take_while(|byte| byte != b'\n')
    }

    pub(super) fn expect(&mut self, token: &[u8], expected: &'static str) -> Result<(), Fault> {
        if self.eat(token) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    pub(super) fn unexpected(&self, expected: &'static str) -> Fault {
        let kind = match self.peek() {
            Some(b'\r') => ParseErrorKind::CarriageReturn,
            Some(byte) => ParseErrorKind::Unexpected { expected, found: Found::Byte(byte) },
            None => ParseErrorKind::Unexpected { expected, found: Found::End },
        };
        Fault::new(self.at, kind)
    }

    /// A metric name without quotes, if one is next; a label's name when `colons` is false.
    pub(super) fn plain_name(
        &mut self,
        colons: bool,
        max_bytes: usize,
    ) -> Result<Option<Cow<'a, str>>, Fault> {
        let allowed = |byte: u8| colons || byte != b':';
        if !self.peek().is_some_and(|byte| is_metric_name_start(byte) && allowed(byte)) {
            return Ok(None);
        }
        let start = self.at;
        let name = self.take_while(|byte| is_metric_name_byte(byte) && allowed(byte));
        text(name, start, max_bytes).map(Some)
    }

    /// A string whose opening quote is next, without its quotes and escapes.
    pub(super) fn quoted(&mut self, line_feeds: bool, max_bytes: usize) -> Result<Cow<'a, str>, Fault> {
        let opening = self.at;
        self.expect(b"\"", "a quoted string")?;
        let start = self.at;
        loop {
            self.take_while(|byte| byte != b'"' && byte != b'\\' && (byte != b'\n' || line_feeds));
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        None | Some(b'\n') => {
                            return Err(Fault::new(opening, ParseErrorKind::UnterminatedString));
                        }
                        Some(_) => self.at += 1,
                    }
                }
                _ => return Err(Fault::new(opening, ParseErrorKind::UnterminatedString)),
            }
        }
        let raw = self.bytes.get(start..self.at).unwrap_or_default();
        self.at += 1;
        // An escape is two bytes for one, so this bounds what is copied before the limit is asked.
        let raw = text(raw, start, max_bytes.saturating_mul(2))?;
        let plain = unescaped(raw, true);
        if plain.len() > max_bytes {
            return Err(Fault::new(start, ParseErrorKind::LabelTooLong { limit: max_bytes }));
        }
        Ok(plain)
    }

    /// A number as Go's `strconv.ParseFloat` reads it, without hexadecimal and `_`, up to a byte of `end`.
    pub(super) fn number(&mut self, end: &[u8]) -> Result<f64, Fault> {
        let start = self.at;
        let token = self.take_while(|byte| !end.contains(&byte));
        if token.is_empty() {
            return Err(self.unexpected("a value"));
        }
        number(token).map_err(|kind| Fault::new(start, kind))
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// `bytes`, which begin at `at`, as text of at most `max_bytes`.
pub(super) fn text(bytes: &[u8], at: usize, max_bytes: usize) -> Result<Cow<'_, str>, Fault> {
    if bytes.len() > max_bytes {
        return Err(Fault::new(at, ParseErrorKind::LabelTooLong { limit: max_bytes }));
    }
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|error| Fault::new(at + error.valid_up_to(), ParseErrorKind::NotUtf8))
}

/// Resolves `\\`, `\n` and, with `quotes`, `\"`. Any other backslash stands for itself, as in Prometheus.
pub(super) fn unescaped(raw: Cow<'_, str>, quotes: bool) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return raw;
    }
    let mut plain = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('\\') => plain.push('\\'),
            Some('"') if quotes => plain.push('"'),
            other => {
                plain.push('\\');
                plain.extend(other);
            }
        }
    }
    Cow::Owned(plain)
}

/// A whole token as a number.
pub(super) fn number(token: &[u8]) -> Result<f64, ParseErrorKind> {
    let not_a_number = || match token.last() {
        Some(b'\r') => ParseErrorKind::CarriageReturn,
        _ => ParseErrorKind::NotANumber(excerpt(token)),
    };
    let written = std::str::from_utf8(token).map_err(|_| not_a_number())?;
    let value: f64 = written.parse().map_err(|_| not_a_number())?;
    let unsigned = written.trim_start_matches(['+', '-']);
    if value.is_nan() && unsigned.len() != written.len() {
        return Err(not_a_number()); // Go knows no sign of NaN
    }
    if value.is_infinite() && !unsigned.starts_with(['i', 'I']) {
        return Err(ParseErrorKind::OutOfRange(excerpt(token)));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        let accepted = [
            ("1", 1.0),
            ("+1", 1.0),
            ("-1.5e3", -1500.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("1E-400", 0.0),
            ("Inf", f64::INFINITY),
            ("+inf", f64::INFINITY),
            ("-INFINITY", f64::NEG_INFINITY),
        ];
        for (token, expected) in accepted {
            assert_eq!(number(token.as_bytes()), Ok(expected), "{token}");
        }
        assert!(number(b"nAn").unwrap().is_nan());
        for refused in
            ["0x10", "0x1p4", "1_000", "1e", ".", "-", "e5", "-NaN", "+nan", "1e309", "-1e309", "١"]
        {
            assert!(number(refused.as_bytes()).is_err(), "{refused}");
        }
        assert_eq!(number(b"1\r"), Err(ParseErrorKind::CarriageReturn));
    }

    #[test]
    fn a_backslash_before_anything_else_stands_for_itself() {
        assert_eq!(unescaped(Cow::Borrowed(r#"\\n \n \" \t \"#), true), "\\n \n \" \\t \\");
        assert_eq!(unescaped(Cow::Borrowed(r#"\\ \n \""#), false), "\\ \n \\\"");
    }
}
