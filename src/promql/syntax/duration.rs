//! Durations: literals, and what may be reckoned with them where a duration stands (`[1h / 2]`, `offset (step() * 2)`).
//! The parser knows literals alone, so it is given the result.

use super::scan::Fault;

/// What `step()` and `range()` mean in a query, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::promql) struct Span {
    pub(in crate::promql) step: f64,
    pub(in crate::promql) range: f64,
}

/// A duration as it stands in the text.
pub(super) struct Duration {
    pub(super) secs: f64,
    /// Where the text goes on.
    pub(super) end: usize,
    /// Not a literal.
    pub(super) is_computed: bool,
    /// It has `step()` or `range()` in it.
    pub(super) depends: bool,
}

/// Longer ones are no durations; some 9,000 years.
const MAX_SECS: f64 = 2.8e11;

const MAX_DEPTH: usize = 50;

/// What stands in brackets, or on one side of the colon there.
pub(super) fn in_brackets(text: &str, at: usize, span: Option<Span>) -> Result<Duration, Fault> {
    let mut reader = Reader::new(text, at, span);
    let secs = reader.sum(0)?;
    let duration = reader.checked(secs, at)?;
    // Below a millisecond it is none: what is reckoned is cut off there.
    if !(duration.secs >= 0.001 || duration.is_unknown()) {
        return Err(Fault::new(at, "duration must be greater than 0"));
    }
    Ok(duration)
}

/// After `offset`: signed, and without parentheses but one number, duration or function.
pub(super) fn of_offset(text: &str, at: usize, span: Option<Span>) -> Result<Duration, Fault> {
    let mut reader = Reader::new(text, at, span);
    reader.skip_blanks();
    let sign = match reader.peek() {
        Some(b'-') => -1.0,
        Some(b'+') => 1.0,
        _ => 0.0,
    };
    if sign != 0.0 {
        reader.at += 1;
    }
    let secs = reader.operand(0)?;
    reader.checked(if sign < 0.0 { -secs } else { secs }, at)
}

impl Duration {
    /// Nobody knows yet how long it is.
    fn is_unknown(&self) -> bool {
        self.secs.is_nan()
    }

    /// As a literal.
    pub(super) fn literal(&self, if_unknown: &str) -> String {
        if self.is_unknown() {
            return if_unknown.to_owned();
        }
        let secs = self.secs;
        let sign = if secs < 0.0 { "-" } else { "" };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within MAX_SECS")]
        let ms = (secs.abs() * 1000.0) as u64;
        if ms == 0 {
            return "0".to_owned();
        }
        const DAY_MS: u64 = 86_400_000;
        format!("{sign}{}d{}s{}ms", ms / DAY_MS, ms % DAY_MS / 1000, ms % 1000)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    span: Option<Span>,
    is_computed: bool,
    depends: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, at: usize, span: Option<Span>) -> Self {
        Reader { text, at, span, is_computed: false, depends: false }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// The next of these operators, taken.
    fn operator(&mut self, of: &[u8]) -> Option<u8> {
        self.skip_blanks();
        let found = self.peek().filter(|byte| of.contains(byte))?;
        self.at += 1;
        self.is_computed = true;
        Some(found)
    }

    fn checked(&self, secs: f64, at: usize) -> Result<Duration, Fault> {
        let unknown = self.depends && self.span.is_none();
        if !unknown && (secs.is_nan() || secs.abs() >= MAX_SECS) {
            return Err(Fault::new(at, "duration out of range"));
        }
        let secs = if unknown { f64::NAN } else { secs };
        Ok(Duration { secs, end: self.at, is_computed: self.is_computed, depends: self.depends })
    }

    fn sum(&mut self, depth: usize) -> Result<f64, Fault> {
        let mut sum = self.product(depth)?;
        while let Some(operator) = self.operator(b"+-") {
            let other = self.product(depth)?;
            sum = if operator == b'+' { sum + other } else { sum - other };
        }
        Ok(sum)
    }

    fn product(&mut self, depth: usize) -> Result<f64, Fault> {
        let mut product = self.signed(depth)?;
        while let Some(operator) = self.operator(b"*/%") {
            let at = self.at;
            let other = self.signed(depth)?;
            product = match operator {
                b'*' => product * other,
                _ if other == 0.0 => {
                    let what = if operator == b'/' { "division" } else { "modulo" };
                    return Err(Fault::new(at, format!("{what} by zero")));
                }
                b'/' => product / other,
                _ => product % other,
            };
        }
        Ok(product)
    }

    fn signed(&mut self, depth: usize) -> Result<f64, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::new(self.at, "the duration is nested too deep"));
        }
        match self.operator(b"+-") {
            Some(b'-') => Ok(-self.signed(depth + 1)?),
            Some(_) => self.signed(depth + 1),
            None => {
                let base = self.operand(depth)?;
                match self.operator(b"^") {
                    Some(_) => Ok(base.powf(self.signed(depth + 1)?)),
                    None => Ok(base),
                }
            }
        }
    }

    fn operand(&mut self, depth: usize) -> Result<f64, Fault> {
        self.skip_blanks();
        let start = self.at;
        match self.peek() {
            Some(b'(') => {
                self.at += 1;
                self.is_computed = true;
                let secs = self.sum(depth + 1)?;
                self.expect(b')')?;
                Ok(secs)
            }
            Some(byte) if byte.is_ascii_digit() || byte == b'.' => self.number(start),
            Some(byte) if byte.is_ascii_alphabetic() => self.function(start, depth),
            _ => Err(Fault::new(start, "expected a duration")),
        }
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Fault> {
        self.skip_blanks();
        if self.peek() != Some(wanted) {
            return Err(Fault::new(
                self.at,
                format!("expected {:?} in duration", char::from(wanted).to_string()),
            ));
        }
        self.at += 1;
        Ok(())
    }

    fn number(&mut self, start: usize) -> Result<f64, Fault> {
        let mut before = 0;
        while let Some(byte) = self.peek() {
            let is_hex = self.text[start..self.at].starts_with("0x");
            let is_exponent = matches!(before, b'e' | b'E') && matches!(byte, b'+' | b'-') && !is_hex;
            if !(byte.is_ascii_alphanumeric() || byte == b'.' || is_exponent) {
                break;
            }
            before = byte;
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let secs = match hex {
            Some(digits) => u32::from_str_radix(digits, 16).ok().map(f64::from),
            None => text.parse().ok().or_else(|| with_units(text)),
        };
        secs.ok_or_else(|| Fault::new(start, format!("not a valid duration: {text:?}")))
    }

    fn function(&mut self, start: usize, depth: usize) -> Result<f64, Fault> {
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.at += 1;
        }
        let name = self.text[start..self.at].to_ascii_lowercase();
        if !matches!(name.as_str(), "step" | "range" | "min_of" | "max_of") {
            return Err(Fault::new(start, "expected a duration"));
        }
        self.is_computed = true;
        self.expect(b'(')?;
        if matches!(name.as_str(), "step" | "range") {
            self.expect(b')')?;
            self.depends = true;
            let Some(Span { step, range }) = self.span else { return Ok(f64::NAN) };
            return Ok(if name == "step" { step } else { range });
        }
        if depth > MAX_DEPTH {
            return Err(Fault::new(start, "the duration is nested too deep"));
        }
        let first = self.sum(depth + 1)?;
        self.expect(b',')?;
        let second = self.sum(depth + 1)?;
        self.expect(b')')?;
        Ok(if name == "min_of" { first.min(second) } else { first.max(second) })
    }
}

/// `1h30m`, in seconds.
fn with_units(text: &str) -> Option<f64> {
    let mut secs = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        secs += count
            * match rest.get(..letters)? {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                "w" => 604_800.0,
                "y" => 31_536_000.0,
                _ => return None,
            };
        rest = rest.get(letters..)?;
    }
    Some(secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { step: 15.0, range: 3600.0 };

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match in_brackets(text, 0, Some(SPAN)) {
            Ok(duration) => format!("{} {}", duration.literal(""), &text[duration.end..]),
            Err(fault) => format!("{}: {}", fault.at, fault.message),
        };
        assert_eq!(shown.trim_end(), expected, "{text}");
    }

    #[test]
    fn durations_are_reckoned_with_the_usual_precedence() {
        check("5m", "0d300s0ms");
        check("1h30m % 1h", "0d1800s0ms");
        check("24m+((1.5*2m)+2m)", "0d1740s0ms");
        check("-5m+35m", "0d1800s0ms");
        check("2 ^ 3 ^ 2", "0d512s0ms");
        check("10 - -2 ^ 2", "0d14s0ms");
        check("min_of(step() + 1, 1h)", "0d16s0ms");
        check("MAX_OF(range(), 2d)", "2d0s0ms");
        check("10 - 2 - 3:5m", "0d5s0ms :5m");
        check("1ms * 1.5", "0d0s1ms");
        check("0x10", "0d16s0ms");
        check("1e2", "0d100s0ms");
    }

    #[test]
    fn what_is_no_duration_is_refused_in_its_place() {
        check("5m - 5m", "0: duration must be greater than 0");
        check("1 / (2 - 2)", "3: division by zero");
        check("1e300 * 2", "0: duration out of range");
        check("5q", "0: not a valid duration: \"5q\"");
        check("5m +", "4: expected a duration");
        check("(5m", "3: expected \")\" in duration");
        check("foo()", "0: expected a duration");
        check(&"(".repeat(1000), "51: the duration is nested too deep");
    }

    #[test]
    fn an_offset_without_parentheses_is_one_operand() {
        for (text, expected, rest) in [
            ("5m + 2", 300.0, " + 2"),
            ("-2 ^ 2", -2.0, " ^ 2"),
            ("-(2 * 3)*4", -6.0, "*4"),
            ("-step()*2", -15.0, "*2"),
            ("+min_of(step(), 1s)^0", 1.0, "^0"),
            ("0", 0.0, ""),
        ] {
            let duration = of_offset(text, 0, Some(SPAN)).map_err(|fault| fault.message).unwrap();
            assert_eq!((duration.secs, &text[duration.end..]), (expected, rest), "{text}");
        }
    }

    #[test]
    fn what_depends_on_the_query_is_known_in_the_query() {
        let duration = in_brackets("step() * 2", 0, None).map_err(|fault| fault.message).unwrap();
        assert!(duration.depends);
        assert_eq!(duration.literal("1s"), "1s");
    }
}
