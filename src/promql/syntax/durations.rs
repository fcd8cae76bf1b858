//! Durations that are calculated, `[5m * 2]` and `offset (step() / 2)`, made plain ones: promql-parser knows no others.
//! Grammar and arithmetic are Prometheus' (`duration_expr` of its `generated_parser.y`, `promql/durations.go`).

use std::borrow::Cow;
use std::ops::Range;

use crate::promql::ParseError;
use crate::promql::notation::number;

/// What `step()` and `range()` are; both are zero for an instant query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::promql) struct Span {
    pub(in crate::promql) step_ms: i64,
    pub(in crate::promql) range_ms: i64,
}

#[derive(Debug)]
pub(in crate::promql) struct Settled<'a> {
    pub(in crate::promql) text: Cow<'a, str>,
    /// Whether a duration depends on the span: without one it is settled only that it is a duration.
    pub(in crate::promql) depends: bool,
}

/// Parentheses, functions and signs within each other; far below what the stack holds.
const MAX_DEPTH: usize = 100;

/// Prometheus' durations are nanoseconds in 64 bits.
const MAX_SECS: f64 = 9_223_372_036.0;

/// Calculates what is more than a number or a duration. Without a span what depends on it becomes one second.
///
/// # Errors
/// Of division by zero, and of durations that are too large or, where they must not be, not above zero.
pub(in crate::promql) fn settle(text: &str, span: Option<Span>) -> Result<Settled<'_>, ParseError> {
    let mut plain = String::new();
    let mut done = 0;
    let mut depends = false;
    for place in places(text) {
        let mut sum = Sum::new(text, place.start, span);
        // What does not look like a duration is left to be refused by the parser.
        let Some(secs) = sum.of(&place) else { continue };
        let refused = |why| ParseError::at(text, place.start, why);
        if let Some(why) = sum.fault {
            return Err(refused(why));
        }
        depends |= sum.depends;
        plain.push_str(text.get(done..place.start).unwrap_or_default());
        if sum.depends && span.is_none() {
            plain.push('1');
        } else {
            plain.push_str(&written(secs, place.end.is_none()).map_err(refused)?);
        }
        done = sum.at;
    }
    if done == 0 {
        return Ok(Settled { text: Cow::Borrowed(text), depends });
    }
    plain.push_str(text.get(done..).unwrap_or_default());
    Ok(Settled { text: Cow::Owned(plain), depends })
}

/// In seconds, to the millisecond.
fn written(secs: f64, may_be_below: bool) -> Result<String, &'static str> {
    if !secs.is_finite() {
        return Err("duration is NaN or infinite");
    }
    if secs <= 0.0 && !may_be_below {
        return Err("duration must be greater than 0");
    }
    if secs.abs() > MAX_SECS {
        return Err("duration is out of range");
    }
    Ok(((secs * 1000.0).trunc() / 1000.0 + 0.0).to_string())
}

/// Where a duration stands: in brackets, up to an end; after `offset`, as far as it goes.
struct Place {
    start: usize,
    end: Option<usize>,
}

fn places(text: &str) -> Vec<Place> {
    let mut places = Vec::new();
    let bytes = text.as_bytes();
    let (mut at, mut in_braces) = (0, false);
    // Whether what came last can have an offset: else `offset` is a metric.
    let mut after_operand = false;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'"' | b'\'' | b'`' => at = after_string(bytes, start),
            b'#' => at += bytes[at..].iter().take_while(|byte| **byte != b'\n').count(),
            b'[' if !in_braces => {
                let end = at + bytes[at..].iter().take_while(|byte| **byte != b']').count();
                places.extend(parts(text, at..end).map(|part| Place { start: part.start, end: Some(part.end) }));
                at = end;
            }
            b'{' => in_braces = true,
            b'}' => (in_braces, after_operand) = (false, true),
            b']' | b')' => after_operand = true,
            byte if is_name(byte) => {
                at += bytes[at..].iter().take_while(|byte| is_name(**byte)).count();
                let word = text.get(start..at).unwrap_or_default().to_ascii_lowercase();
                if word == "offset" && after_operand && !in_braces {
                    places.push(Place { start: at + spaces(bytes, at), end: None });
                }
                after_operand = !["and", "or", "unless", "atan2", "bool", "offset"].contains(&word.as_str());
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => after_operand = false,
        }
    }
    places
}

/// What stands on either side of a subquery's colon.
fn parts(text: &str, inside: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = inside.start;
    text.get(inside).unwrap_or_default().split(':').map(move |part| {
        let trimmed = start + part.len() - part.trim_start().len()..start + part.trim_end().len();
        start += part.len() + 1;
        trimmed
    })
}

fn after_string(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        at += if byte == b'\\' && quote != b'`' { 2 } else { 1 };
        if byte == quote {
            break;
        }
    }
    at.min(bytes.len())
}

fn spaces(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':') || byte >= 0x80
}

/// Reads a sum and calculates it, in seconds, at once.
struct Sum<'a> {
    text: &'a str,
    at: usize,
    span: Option<Span>,
    depends: bool,
    /// Nothing but a number or a duration, and signs.
    plain: bool,
    depth: usize,
    fault: Option<&'static str>,
}

impl<'a> Sum<'a> {
    fn new(text: &'a str, at: usize, span: Option<Span>) -> Self {
        Sum { text, at, span, depends: false, plain: true, depth: 0, fault: None }
    }

    /// None for what is no duration, and for what is a plain one.
    fn of(&mut self, place: &Place) -> Option<f64> {
        let secs = match place.end {
            Some(end) => self.additive().filter(|_| self.at == end)?,
            // `offset 1 + 2` is `(… offset 1) + 2`.
            None => self.signed(Sum::primary)?,
        };
        (!self.plain).then_some(secs)
    }

    fn additive(&mut self) -> Option<f64> {
        let mut left = self.multiplicative()?;
        while let Some(operator) = self.next_of(b"+-") {
            let right = self.multiplicative()?;
            left = if operator == b'+' { left + right } else { left - right };
        }
        Some(left)
    }

    fn multiplicative(&mut self) -> Option<f64> {
        let mut left = self.signed(Sum::power)?;
        while let Some(operator) = self.next_of(b"*/%") {
            let right = self.signed(Sum::power)?;
            // What is not known yet cannot be zero yet.
            let is_zero = right == 0.0 && !(self.depends && self.span.is_none());
            left = match operator {
                b'*' => left * right,
                b'/' => {
                    self.refuse_if(is_zero, "division by zero");
                    left / right
                }
                _ => {
                    self.refuse_if(is_zero, "modulo by zero");
                    left % right
                }
            };
        }
        Some(left)
    }

    /// From the right, and before signs: `-2 ^ 2` is -4.
    fn power(&mut self) -> Option<f64> {
        let base = self.primary()?;
        match self.next_of(b"^") {
            Some(_) => self.signed(Sum::power).map(|exponent| base.powf(exponent)),
            None => Some(base),
        }
    }

    fn signed(&mut self, operand: fn(&mut Self) -> Option<f64>) -> Option<f64> {
        let mut sign = 1.0;
        while let Some(byte) = self.peek().filter(|byte| b"+-".contains(byte)) {
            self.at += 1;
            sign = if byte == b'-' { -sign } else { sign };
        }
        self.deeper(operand).map(|secs| sign * secs)
    }

    fn primary(&mut self) -> Option<f64> {
        if self.peek()? == b'(' {
            self.at += 1;
            self.plain = false;
            let secs = self.deeper(Sum::additive)?;
            return self.expect(b')').then_some(secs);
        }
        let start = self.at;
        let word = self.word();
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return number(word).or_else(|| duration_secs(word));
        }
        let function = word.to_ascii_lowercase();
        self.plain = false;
        if !self.expect(b'(') {
            self.at = start;
            return None;
        }
        self.deeper(|sum| sum.call(&function))
    }

    fn call(&mut self, function: &str) -> Option<f64> {
        let secs = match function {
            "step" | "range" => {
                self.depends = true;
                let span = self.span.unwrap_or(Span { step_ms: 0, range_ms: 0 });
                let ms = if function == "step" { span.step_ms } else { span.range_ms };
                #[expect(clippy::cast_precision_loss, reason = "spans are below 2^53 ms")]
                let secs = ms as f64 / 1000.0;
                secs
            }
            "min_of" | "max_of" => {
                let left = self.additive()?;
                let right = self.expect(b',').then(|| self.additive())??;
                if function == "min_of" { left.min(right) } else { left.max(right) }
            }
            _ => return None,
        };
        self.expect(b')').then_some(secs)
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> Option<f64>) -> Option<f64> {
        if self.depth >= MAX_DEPTH {
            self.fault = Some("duration expression is nested too deeply");
            return None;
        }
        self.depth += 1;
        let secs = inner(self);
        self.depth -= 1;
        secs
    }

    fn refuse_if(&mut self, wrong: bool, why: &'static str) {
        if wrong {
            self.fault.get_or_insert(why);
        }
    }

    fn peek(&mut self) -> Option<u8> {
        let next = self.at + spaces(self.text.as_bytes(), self.at);
        let byte = self.text.as_bytes().get(next).copied();
        // Space after the end of a duration is none of its own.
        if byte.is_some_and(|byte| byte != b']' && byte != b':') {
            self.at = next;
        }
        byte
    }

    fn next_of(&mut self, operators: &[u8]) -> Option<u8> {
        let before = self.at;
        match self.peek() {
            Some(byte) if operators.contains(&byte) => {
                self.at += 1;
                self.plain = false;
                Some(byte)
            }
            _ => {
                self.at = before;
                None
            }
        }
    }

    fn expect(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    /// `5m`, `1.5e+3`, `step`.
    fn word(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_hex = rest.starts_with("0x") || rest.starts_with("0X");
        let belongs = |(index, c): (usize, char)| {
            let number = rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') && !is_hex;
            let exponent = number && matches!(c, '+' | '-') && rest[..index].ends_with(['e', 'E']);
            c.is_ascii_alphanumeric() || matches!(c, '_' | '.') || exponent
        };
        let end = rest.char_indices().find(|at| !belongs(*at)).map_or(rest.len(), |(index, _)| index);
        self.at += end;
        &rest[..end]
    }
}

/// `1h30m`: Prometheus' `model.ParseDuration`, units from the longest to the shortest.
fn duration_secs(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 7] = [
        ("y", 365.0 * 86_400.0),
        ("w", 7.0 * 86_400.0),
        ("d", 86_400.0),
        ("h", 3600.0),
        ("m", 60.0),
        ("s", 1.0),
        ("ms", 0.001),
    ];
    let (mut secs, mut rest, mut units) = (0.0, text, &UNITS[..]);
    while !rest.is_empty() {
        let (count, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let at = units.iter().position(|(known, _)| *known == unit)?;
        secs += count.parse::<f64>().ok()? * units[at].1;
        (rest, units) = (after, &units[at + 1..]);
    }
    Some(secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { step_ms: 5_000, range_ms: 60_000 };

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let settled = settle(text, Some(SPAN)).map_or_else(|error| error.message, |settled| settled.text.into_owned());
        assert_eq!(settled, expected, "{text}");
    }

    #[test]
    fn sums_become_seconds() {
        for (text, expected) in [
            ("rate(x[26m+4m])", "rate(x[1800])"),
            ("x[ 2m * (10 + 5) ]", "x[ 1800 ]"),
            ("x[24m+((1.5*2m)+2m)]", "x[1740]"),
            ("x[-5m+35m]", "x[1800]"),
            ("x[1h30m % 1h]", "x[1800]"),
            ("x[2 ^ 3 ^ 2]", "x[512]"),
            ("x[10-2^2]", "x[6]"),
            ("x[2^-1*4]", "x[2]"),
            ("x[29s+1s:5s + 5s]", "x[30:10]"),
            ("x[1m+1m:]", "x[120:]"),
            ("x[1m:2*15s] offset (1h/2)", "x[1m:30] offset 1800"),
            ("x offset -(1s + 1ms)", "x offset -1.001"),
            ("x offset (100 + 2) + 3", "x offset 102 + 3"),
            ("x offset (-2 * 2)", "x offset -4"),
            ("x offset (1 - 1)", "x offset 0"),
            ("x[step()]", "x[5]"),
            ("x[1+(STep()-3)*2]", "x[5]"),
            ("x[max_of( min_of(step()+1, 1h), 1ms )]", "x[6]"),
            ("x offset step()*2", "x offset 5*2"),
            ("x offset -range() ^ 2", "x offset -60 ^ 2"),
            ("x[1e+2*2]", "x[200]"),
            ("x[0x10+1]", "x[17]"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn what_is_plain_or_no_duration_is_left_alone() {
        for text in [
            "rate(x[5m])",
            "x[5m:1m] offset 5m + 2",
            "x[5m:] offset -1h30m",
            "x offset 5 * 2",
            "label_replace(x, \"[1+1]\", 'offset (1+1)', `x[2*2]`, \"\\\"[1+1]\")",
            "x{offset=\"(1+1)\"}",
            "sum by (offset) (x)",
            "offset (1 + 1)",
            "x and offset - (1 + 1)",
            "x + offset",
            "x # [1+1]\n",
            "x[5m + ]",
            "x[y]",
            "x[(5m]",
            "x[5m 1m]",
            "x[1.5s+0.5]",
            "x[hour()]",
            "x offset (y)",
            "x[",
            "x offset",
            "\"",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused_where_it_stands() {
        for (text, expected) in [
            ("x[5m - 5m]", "1:3: parse error: duration must be greater than 0"),
            ("x[(-5m)]", "1:3: parse error: duration must be greater than 0"),
            ("x[5m / 0]", "1:3: parse error: division by zero"),
            ("x[5m % (1-1)]", "1:3: parse error: modulo by zero"),
            ("x[9^99]", "1:3: parse error: duration is out of range"),
            ("x offset (9^999)", "1:10: parse error: duration is NaN or infinite"),
            ("x[5m:0*5m]", "1:6: parse error: duration must be greater than 0"),
        ] {
            check(text, expected);
        }
        let deep = format!("x[{}1{}]", "(".repeat(5000), ")".repeat(5000));
        check(&deep, &deep);
    }

    #[test]
    fn what_depends_on_the_query_waits_for_it() {
        for (text, depends) in [("x[step()]", true), ("x[5m] offset (1 / range())", true), ("x[5m*2]", false)] {
            assert_eq!(settle(text, None).unwrap().depends, depends, "{text}");
        }
        assert_eq!(settle("x[60 / step() + 5m]", None).unwrap().text, "x[1]");
    }
}
