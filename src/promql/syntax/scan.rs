//! A look at the text before it is parsed: brackets and strings, and what the parser takes no care with (it panics at
//! durations that are no numbers, and its tree is as deep as the text has operators).

use std::ops::Range;

use promql_parser::util::{escape_string, unquote_string};

use super::duration::{self, Duration, Span};
use crate::promql::pattern;

/// A name before a parenthesis.
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    pub(super) at: usize,
}

pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
    /// Prometheus finds it as late as when it evaluates, and names no place.
    pub(super) late: bool,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Fault { at, message: message.into(), late: false }
    }
}

/// Operators and brackets in one expression: what is deeper than evaluation allows is refused later, but must not be
/// so deep that even looking at it would not end well.
const MAX_OPERATORS: usize = 2000;

pub(super) struct Scanned<'a> {
    pub(super) calls: Vec<Call<'a>>,
    /// What the parser is given instead of what stands in the text.
    pub(super) edits: Vec<(Range<usize>, String)>,
    /// A duration depends on step and range of the query.
    pub(super) depends: bool,
}

pub(super) fn scan(text: &str, span: Option<Span>) -> Result<Scanned<'_>, Fault> {
    let mut scan = Scan::new(text, span);
    while let Some(byte) = scan.peek() {
        scan.one(byte)?;
    }
    match scan.open.last() {
        Some((at, opened)) => Err(Fault::new(*at, format!("unclosed {:?}", char::from(*opened).to_string()))),
        None => Ok(Scanned { calls: scan.calls, edits: scan.edits, depends: scan.depends }),
    }
}

/// Whether a word stands in the text outside of strings and comments.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let mut scan = Scan::new(text, None);
    while let Some(byte) = scan.peek() {
        if is_name(byte) {
            if scan.name().1.eq_ignore_ascii_case(word) {
                return true;
            }
        } else if scan.one(byte).is_err() {
            return false;
        }
    }
    false
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// Brackets not closed yet, and where.
    open: Vec<(usize, u8)>,
    operators: usize,
    calls: Vec<Call<'a>>,
    edits: Vec<(Range<usize>, String)>,
    span: Option<Span>,
    depends: bool,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, span: Option<Span>) -> Self {
        let (open, calls, edits) = (Vec::new(), Vec::new(), Vec::new());
        Scan { text, at: 0, open, operators: 0, calls, edits, span, depends: false }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn one(&mut self, byte: u8) -> Result<(), Fault> {
        match byte {
            b'"' | b'\'' | b'`' => return self.string(byte),
            b'#' => {
                let line = self.text.as_bytes()[self.at..].iter().position(|byte| *byte == b'\n');
                self.at += line.unwrap_or(self.text.len() - self.at);
                return Ok(());
            }
            b'(' | b'{' => {
                self.open.push((self.at, byte));
                self.count()?;
            }
            b'[' => {
                self.open.push((self.at, byte));
                self.count()?;
                self.at += 1;
                return self.durations();
            }
            b')' => self.close(b'(')?,
            b'}' => self.close(b'{')?,
            b']' => self.close(b'[')?,
            b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'=' | b'!' | b'<' | b'>' | b'@' => self.count()?,
            byte if is_name(byte) => return self.word(),
            _ => {}
        }
        self.at += 1;
        Ok(())
    }

    fn count(&mut self) -> Result<(), Fault> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            let message = format!("more than {MAX_OPERATORS} operators and brackets in one expression");
            return Err(Fault::new(self.at, message));
        }
        Ok(())
    }

    fn close(&mut self, opening: u8) -> Result<(), Fault> {
        let closing = self.text.get(self.at..=self.at).unwrap_or_default();
        match self.open.pop() {
            Some((_, opened)) if opened == opening => Ok(()),
            Some((_, opened)) => {
                let expected = match opened {
                    b'(' => ")",
                    b'[' => "]",
                    _ => "}",
                };
                let message = format!("{closing:?} closes nothing: expected {expected:?}");
                Err(Fault::new(self.at, message))
            }
            None => Err(Fault::new(self.at, format!("{closing:?} closes nothing"))),
        }
    }

    fn string(&mut self, quote: u8) -> Result<(), Fault> {
        let start = self.at;
        let mut is_bytes = false;
        let bytes = self.text.as_bytes();
        self.at += 1;
        loop {
            match bytes.get(self.at) {
                Some(byte) if *byte == quote => break,
                Some(b'\\') if quote != b'`' => {
                    let high = |digits: Option<&[u8]>, radix: u32| {
                        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
                        digits.and_then(|digits| u32::from_str_radix(digits, radix).ok()).unwrap_or(0) > 0x7f
                    };
                    is_bytes |= match bytes.get(self.at + 1) {
                        Some(b'x') => high(bytes.get(self.at + 2..self.at + 4), 16),
                        Some(b'0'..=b'7') => high(bytes.get(self.at + 1..self.at + 4), 8),
                        _ => false,
                    };
                    self.at += 2;
                }
                Some(b'\n') if quote != b'`' => {
                    return Err(Fault::new(start, "unterminated quoted string"));
                }
                Some(_) => self.at += 1,
                None => return Err(Fault::new(start, "unterminated quoted string")),
            }
        }
        self.at += 1;
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        let raw = (quote == b'`').then(|| quoted.trim_matches('`').to_owned());
        // The parser takes backslashes for escapes in raw strings, and knows other regular expressions than RE2's.
        let pattern =
            self.is_pattern(start).then(|| raw.clone().or_else(|| unquote_string(quoted).ok())).flatten();
        if let Some(instead) = pattern.and_then(|pattern| pattern::accepted(&pattern)).or(raw) {
            self.edits.push((start..self.at, format!("\"{}\"", escape_string(&instead))));
        }
        if is_bytes {
            let string = self.text.get(start..self.at).unwrap_or_default();
            if self.calls.last().is_some_and(|call| call.name == "count_values") {
                return Err(Fault {
                    late: true,
                    ..Fault::new(start, format!("invalid label name {string}"))
                });
            }
            let message = format!("string {string}: write characters themselves, not their bytes");
            return Err(Fault::new(start, message));
        }
        Ok(())
    }

    /// Whether the string that begins here is that of a matcher by regular expression.
    fn is_pattern(&self, start: usize) -> bool {
        let before = self.text.get(..start).unwrap_or_default().trim_end();
        matches!(self.open.last(), Some((_, b'{'))) && (before.ends_with("=~") || before.ends_with("!~"))
    }

    fn name(&mut self) -> (usize, &'a str) {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| is_name(**byte)).count().max(1);
        (start, self.text.get(start..self.at).unwrap_or_default())
    }

    fn word(&mut self) -> Result<(), Fault> {
        let (start, word) = self.name();
        if matches!(self.open.last(), Some((_, b'{' | b'['))) {
            return Ok(());
        }
        match word.to_ascii_lowercase().as_str() {
            "and" | "or" | "unless" | "atan2" => self.count()?,
            "offset" => return self.offset(),
            _ => {}
        }
        let next = self.text.get(self.at..).unwrap_or_default().trim_start().bytes().next();
        if next == Some(b'(') && !word.as_bytes()[0].is_ascii_digit() {
            self.calls.push(Call { name: word, at: start });
        }
        Ok(())
    }

    /// After the word `offset`, which may be a metric, too.
    fn offset(&mut self) -> Result<(), Fault> {
        let rest = self.text.get(self.at..).unwrap_or_default().trim_start();
        let operand = rest.trim_start_matches(['+', '-']).trim_start().bytes().next();
        if !operand.is_some_and(|byte| byte == b'(' || byte == b'.' || byte.is_ascii_alphanumeric()) {
            return Ok(());
        }
        let start = self.text.len() - rest.len();
        let duration = duration::of_offset(self.text, start, self.span)?;
        self.take(start, &duration, "0");
        Ok(())
    }

    /// What stands in brackets, up to the closing one.
    fn durations(&mut self) -> Result<(), Fault> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            self.at += rest.len() - rest.trim_start().len();
            if matches!(self.peek(), Some(b']') | None) {
                return Ok(());
            }
            let start = self.at;
            let duration = duration::in_brackets(self.text, start, self.span)?;
            self.take(start, &duration, "1s");
            if self.peek() != Some(b':') {
                return Ok(());
            }
            self.at += 1;
        }
    }

    fn take(&mut self, start: usize, duration: &Duration, if_unknown: &str) {
        if duration.is_computed {
            self.edits.push((start..duration.end, duration.literal(if_unknown)));
        }
        self.depends |= duration.depends;
        self.at = duration.end;
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':' || byte == b'.' || byte >= 0x80
}
