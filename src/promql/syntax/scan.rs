//! A look at the text before it is parsed: brackets and strings, and what the parser takes no care with (it panics at
//! durations that are no numbers, and its tree is as deep as the text has operators).

use std::ops::Range;

/// A name before a parenthesis.
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    pub(super) at: usize,
}

pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

/// Operators and brackets in one expression: what is deeper than evaluation allows is refused later, but must not be
/// so deep that even looking at it would not end well.
const MAX_OPERATORS: usize = 2000;

/// Longer durations than this many seconds are no durations.
const MAX_SECS: f64 = 2.8e11;

pub(super) struct Scanned<'a> {
    pub(super) calls: Vec<Call<'a>>,
    /// Where the strings in backticks are, with those.
    pub(super) raw: Vec<Range<usize>>,
}

pub(super) fn scan(text: &str) -> Result<Scanned<'_>, Fault> {
    let mut scan = Scan::new(text);
    while let Some(byte) = scan.peek() {
        scan.one(byte)?;
    }
    match scan.open.last() {
        Some((at, opened)) => {
            Err(Fault { at: *at, message: format!("unclosed {:?}", char::from(*opened).to_string()) })
        }
        None => Ok(Scanned { calls: scan.calls, raw: scan.raw }),
    }
}

/// Whether a word stands in the text outside of strings and comments.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let mut scan = Scan::new(text);
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
    raw: Vec<Range<usize>>,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Self {
        Scan { text, at: 0, open: Vec::new(), operators: 0, calls: Vec::new(), raw: Vec::new() }
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
            b'(' | b'{' | b'[' => {
                if byte == b'[' {
                    self.durations()?;
                }
                self.open.push((self.at, byte));
                self.count()?;
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
            return Err(Fault { at: self.at, message });
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
                Err(Fault { at: self.at, message })
            }
            None => Err(Fault { at: self.at, message: format!("{closing:?} closes nothing") }),
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
                    return Err(Fault { at: start, message: "unterminated quoted string".to_owned() });
                }
                Some(_) => self.at += 1,
                None => return Err(Fault { at: start, message: "unterminated quoted string".to_owned() }),
            }
        }
        self.at += 1;
        if quote == b'`' {
            self.raw.push(start..self.at);
        }
        if is_bytes {
            let string = self.text.get(start..self.at).unwrap_or_default();
            let names_label = self.calls.last().is_some_and(|call| call.name == "count_values");
            let message = if names_label {
                format!("invalid label name {string}")
            } else {
                format!("string {string}: write characters themselves, not their bytes")
            };
            return Err(Fault { at: start, message });
        }
        Ok(())
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
        let rest = self.text.get(self.at..).unwrap_or_default();
        let after = rest.trim_start().trim_start_matches(['+', '-']).trim_start();
        let at = self.at + rest.len() - after.len();
        let end = after
            .char_indices()
            .find(|(index, character)| {
                let exponent = after[..*index].ends_with(['e', 'E']) && matches!(character, '+' | '-');
                !(character.is_ascii_alphanumeric() || *character == '.' || exponent)
            })
            .map_or(after.len(), |(index, _)| index);
        duration(&after[..end], at, true)
    }

    /// What stands in brackets.
    fn durations(&self) -> Result<(), Fault> {
        let inside = self.text.get(self.at + 1..).unwrap_or_default();
        let inside = inside.split(']').next().unwrap_or_default();
        let is_sum = |text: &str| {
            text.contains(['*', '/', '%', '^', '('])
                || text.trim_start_matches(['+', '-']).contains(['+', '-']) && text.parse::<f64>().is_err()
        };
        for part in inside.split(':') {
            if is_sum(part.trim()) {
                let message = "duration expressions are not supported: write the duration itself".to_owned();
                return Err(Fault { at: self.at + 1, message });
            }
            duration(part.trim(), self.at + 1, false)?;
        }
        Ok(())
    }
}

fn duration(text: &str, at: usize, may_be_zero: bool) -> Result<(), Fault> {
    // With a unit it is the parser's business.
    let Ok(secs) = text.parse::<f64>() else { return Ok(()) };
    if !secs.is_finite() || !(0.0..MAX_SECS).contains(&secs) {
        return Err(Fault { at, message: "duration out of range".to_owned() });
    }
    if secs < 0.001 && !(may_be_zero && secs == 0.0) {
        return Err(Fault { at, message: "duration must be greater than 0".to_owned() });
    }
    Ok(())
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':' || byte == b'.' || byte >= 0x80
}
