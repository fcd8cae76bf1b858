//! The notation for test series, `http_requests{job="api"} 0+10x3 _ stale`: of Prometheus' own test language and of
//! promtool's unit tests. Pure text to values; nothing here knows of time.

use std::iter::repeat_n;

use super::STALE;
use crate::labels::Labels;

/// What a series has at one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StepValue {
    /// `_`: no point.
    Gap,
    /// A point; `stale` is [`STALE`].
    Point(f64),
    /// `{{…}}`: a native histogram, which loadgate does not have. It is read over, so that who reads can say so.
    NativeHistogram,
}

/// Why a text is no series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotationError(String);

/// What one line may expand to; far more than Prometheus' own tests have, far less than memory.
const MOST_VALUES: usize = 1_000_000;

/// A metric and its values; grammar: `series_description` in Prometheus' `generated_parser.y`.
///
/// # Errors
/// Says what stands there and what was expected.
pub fn series(text: &str) -> Result<(Labels, Vec<StepValue>), NotationError> {
    let (labels, rest) = leading_metric(text.trim())?;
    if rest.starts_with(|c: char| !c.is_whitespace()) {
        return Err(NotationError(format!("expected a space before the values, found {rest:?}")));
    }
    Ok((labels, values(rest)?))
}

/// A metric alone: `name`, `{a="b"}`, `name{a="b"}`, `{"na.me", "la.bel"="b"}`.
///
/// # Errors
/// Says what stands there and what was expected.
pub fn metric(text: &str) -> Result<Labels, NotationError> {
    match leading_metric(text.trim())? {
        (labels, "") => Ok(labels),
        (_, rest) => Err(NotationError(format!("expected the end of the metric, found {rest:?}"))),
    }
}

/// Values alone, one per step: `1`, `_`, `_x3` (3 gaps), `1x3` (4 values), `1+2x3` (1 3 5 7), `1-2x3`, `stale`.
///
/// # Errors
/// Says which item is none, or that there are too many.
pub fn values(text: &str) -> Result<Vec<StepValue>, NotationError> {
    let mut values = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = item_end(rest)?;
        let room = MOST_VALUES - values.len();
        values.extend(Item::parse(&rest[..end])?.expand(room)?);
        rest = rest[end..].trim_start();
    }
    Ok(values)
}

/// A number as Prometheus reads it: Go's integers with any base (`0x1f`, `017`), else its floats, `Inf` and `NaN`.
pub fn number(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let digits = without_underscores(digits)?;
    let lower = digits.to_ascii_lowercase();
    let (radix, integer) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    let is_integer = integer.starts_with(|c: char| c.is_ascii_alphanumeric());
    let whole = if is_integer { i64::from_str_radix(integer, radix).ok() } else { None };
    #[expect(clippy::cast_precision_loss, reason = "Prometheus converts integers to float64 as well")]
    let value = match whole {
        Some(whole) => whole as f64,
        None => digits.parse::<f64>().ok()?,
    };
    Some(sign * value)
}

/// A text in `"`, `'` or backquotes without its quotes and escapes (Prometheus' `strutil.Unquote`).
///
/// # Errors
/// When it is not quoted, or an escape is none.
pub fn unquote(text: &str) -> Result<String, NotationError> {
    match leading_string(text)? {
        (unquoted, "") => Ok(unquoted),
        (_, rest) => Err(NotationError(format!("expected the end after the quoted text, found {rest:?}"))),
    }
}

/// `1_000`: underscores stand between digits only.
fn without_underscores(digits: &str) -> Option<String> {
    let apart = |c: char| c.is_ascii_alphanumeric();
    let parts: Vec<&str> = digits.split('_').collect();
    let last = parts.len() - 1;
    let fits = |(at, part): (usize, &&str)| {
        (at == 0 || part.starts_with(apart)) && (at == last || part.ends_with(apart))
    };
    parts.iter().enumerate().all(fits).then(|| parts.concat())
}

enum Item {
    Gaps(usize),
    Steps { start: StepValue, by: f64, count: usize },
}

impl Item {
    fn parse(text: &str) -> Result<Item, NotationError> {
        let wrong = || {
            let forms = "1, 1x3, 1+2x3, 1-2x3, _, _x3, stale";
            NotationError(format!("{text:?} is no series value: expected one of {forms}"))
        };
        if text == "_" {
            return Ok(Item::Gaps(1));
        }
        if let Some(times) = text.strip_prefix("_x") {
            return Ok(Item::Gaps(repetition(times).ok_or_else(wrong)?));
        }
        if text == "stale" {
            return Ok(Item::Steps { start: StepValue::Point(STALE), by: 0.0, count: 1 });
        }
        // The last `x`: none can stand in a number, there is no hexadecimal here.
        let (head, count) = match text.rsplit_once('x') {
            Some((head, times)) if !times.ends_with("}}") => {
                (head, repetition(times).and_then(|times| times.checked_add(1)).ok_or_else(wrong)?)
            }
            _ => (text, 1),
        };
        if head.starts_with("{{") {
            return Ok(Item::Steps { start: StepValue::NativeHistogram, by: 0.0, count });
        }
        let split = head
            .char_indices()
            .skip(1)
            .find(|&(at, c)| matches!(c, '+' | '-') && !head[..at].ends_with(['e', 'E']));
        let (start, by) = match split {
            Some((at, _)) if head.len() < text.len() => {
                (&head[..at], decimal(&head[at..]).ok_or_else(wrong)?)
            }
            Some(_) => return Err(wrong()),
            None => (head, 0.0),
        };
        Ok(Item::Steps { start: StepValue::Point(decimal(start).ok_or_else(wrong)?), by, count })
    }

    fn expand(self, room: usize) -> Result<Vec<StepValue>, NotationError> {
        let (Item::Gaps(count) | Item::Steps { count, .. }) = self;
        if count > room {
            return Err(NotationError(format!("a series has at most {MOST_VALUES} values")));
        }
        Ok(match self {
            Item::Gaps(count) => vec![StepValue::Gap; count],
            Item::Steps { start: StepValue::Point(start), by, count } if by != 0.0 => {
                // Added up one by one, as Prometheus does: the last digits are the same then.
                let next = |value: &f64| Some(value + by);
                std::iter::successors(Some(start), next).take(count).map(StepValue::Point).collect()
            }
            Item::Steps { start, count, .. } => repeat_n(start, count).collect(),
        })
    }
}

/// Where the first item ends; only histograms have spaces within.
fn item_end(text: &str) -> Result<usize, NotationError> {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        if rest.starts_with("{{") {
            let close = rest.find("}}").ok_or_else(|| NotationError(format!("no }}}} closes {rest:?}")))?;
            at += close + 2;
        } else {
            match rest.chars().next() {
                Some(c) if !c.is_whitespace() => at += c.len_utf8(),
                _ => return Ok(at),
            }
        }
    }
}

fn repetition(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A number without hexadecimal, where `x` says how often.
fn decimal(text: &str) -> Option<f64> {
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E' | '_');
    let named = text.trim_start_matches(['+', '-']);
    let known = named.eq_ignore_ascii_case("inf") || named.eq_ignore_ascii_case("nan");
    (known || text.chars().all(plain)).then(|| number(text)).flatten()
}

fn leading_metric(text: &str) -> Result<(Labels, &str), NotationError> {
    let end =
        text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(NotationError(format!("expected a metric, found {text:?}")));
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        // `{}` without a name is the empty label set, `{{` a histogram where a metric should be.
        Some(inside) if !inside.starts_with('{') => leading_label_set(inside)?,
        _ if name.is_empty() && !rest.is_empty() => {
            return Err(NotationError(format!("expected a metric, found {rest:?}")));
        }
        _ => (Labels::empty(), rest),
    };
    let labels = if name.is_empty() { labels } else { labels.with("__name__", name) };
    Ok((labels, rest))
}

/// What stands after `{`, up to and with its `}`.
fn leading_label_set(text: &str) -> Result<(Labels, &str), NotationError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((Labels::new(pairs), after));
        }
        let (name, after, quoted) = leading_label_name(rest)?;
        let after = after.trim_start();
        rest = match after.strip_prefix('=') {
            Some(value) => {
                let (value, after) = leading_string(value.trim_start())?;
                pairs.push((name, value));
                after
            }
            None if quoted => {
                pairs.push(("__name__".to_owned(), name));
                after
            }
            None => {
                return Err(NotationError(format!(
                    "expected \"=\" after the label {name:?}, found {after:?}"
                )));
            }
        }
        .trim_start();
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
        } else if !rest.starts_with('}') {
            return Err(NotationError(format!("expected \",\" or \"}}\" in the label set, found {rest:?}")));
        }
    }
}

/// The name, what follows, and whether it was quoted.
fn leading_label_name(text: &str) -> Result<(String, &str, bool), NotationError> {
    if text.starts_with(['"', '\'', '`']) {
        let (name, rest) = leading_string(text)?;
        return Ok((name, rest, true));
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(NotationError(format!("expected a label's name or \"}}\", found {text:?}")));
    }
    Ok((name.to_owned(), rest, false))
}

fn leading_string(text: &str) -> Result<(String, &str), NotationError> {
    let unterminated = || NotationError(format!("expected a quoted text, found {text:?}"));
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')).ok_or_else(unterminated)?;
    let inside = &text[1..];
    if quote == '`' {
        let (raw, rest) = inside.split_once('`').ok_or_else(unterminated)?;
        return Ok((raw.to_owned(), rest));
    }
    let mut bytes = Vec::new();
    let mut rest = inside;
    loop {
        let c = rest.chars().next().filter(|&c| c != '\n').ok_or_else(unterminated)?;
        rest = &rest[c.len_utf8()..];
        if c == quote {
            let unquoted =
                String::from_utf8(bytes).map_err(|_| NotationError(format!("{text:?} is not UTF-8")))?;
            return Ok((unquoted, rest));
        }
        if c == '\\' {
            let after = escape(rest, quote, &mut bytes);
            rest =
                after.ok_or_else(|| NotationError(format!("no such escape in a quoted text: \"\\{rest}")))?;
        } else {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// Go's escapes; `\x` and octal ones are bytes, `\u` and `\U` characters.
fn escape<'a>(text: &'a str, quote: char, into: &mut Vec<u8>) -> Option<&'a str> {
    let kind = text.chars().next()?;
    let after = &text[kind.len_utf8()..];
    let simple = match kind {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        c if c == quote => quote as u8,
        'x' => {
            let (byte, after) = digits(after, 2, 16)?;
            into.push(u8::try_from(byte).ok()?);
            return Some(after);
        }
        '0'..='7' => {
            let (byte, after) = digits(text, 3, 8)?;
            into.push(u8::try_from(byte).ok()?);
            return Some(after);
        }
        'u' | 'U' => {
            let (code, after) = digits(after, if kind == 'u' { 4 } else { 8 }, 16)?;
            let c = char::from_u32(code)?;
            into.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(after);
        }
        _ => return None,
    };
    into.push(simple);
    Some(after)
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let (head, rest) = text.split_at_checked(count)?;
    let all = head.chars().all(|c| c.is_digit(radix));
    all.then(|| u32::from_str_radix(head, radix).ok()).flatten().map(|code| (code, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::is_stale;

    /// `_` for a gap, `H` for a histogram.
    fn shown(text: &str) -> String {
        let one = |value: &StepValue| match value {
            StepValue::Gap => "_".to_owned(),
            StepValue::Point(value) if is_stale(*value) => "stale".to_owned(),
            StepValue::Point(value) => value.to_string(),
            StepValue::NativeHistogram => "H".to_owned(),
        };
        values(text)
            .map(|values| values.iter().map(one).collect::<Vec<_>>().join(" "))
            .unwrap_or("error".to_owned())
    }

    #[test]
    fn values_are_expanded_as_prometheus_expands_them() {
        for (text, expected) in [
            ("", ""),
            ("1", "1"),
            ("  1   2 ", "1 2"),
            ("_", "_"),
            ("_x3", "_ _ _"),
            ("_x0", ""),
            ("1x3", "1 1 1 1"),
            ("1x0", "1"),
            ("1+2x3", "1 3 5 7"),
            ("1-2x3", "1 -1 -3 -5"),
            ("-4+2x2", "-4 -2 0"),
            ("+4-2x1", "4 2"),
            ("1e2+1e1x2", "100 110 120"),
            ("1e+2", "100"),
            ("1e-1x1", "0.1 0.1"),
            (".5 5.", "0.5 5"),
            ("1_000", "1000"),
            ("017", "15"),
            ("089", "89"),
            ("NaN Inf -Inf +Inf inf nan", "NaN inf -inf inf inf NaN"),
            ("1 stale 2", "1 stale 2"),
            // There is no hexadecimal here: zero, ten times more.
            ("0x10", "0 0 0 0 0 0 0 0 0 0 0"),
            ("{{schema:1 count:2}} 1", "H 1"),
            ("{{}}x2 _", "H H H _"),
            ("{{sum:1}}+{{sum:2 count:3}}x2", "H H H"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for text in [
            "x",
            "1x",
            "1xa",
            "1x-1",
            "1+x3",
            "1+2",
            "1++2x3",
            "1.2.3",
            "__",
            "_y",
            "stalex3",
            "later",
            "{{schema:1",
            "1_",
            "_1",
            "1__0",
            "1x99999999999",
            "0x1fx2",
            "1m",
        ] {
            assert_eq!(shown(text), "error", "{text:?}");
        }
    }

    #[test]
    fn a_line_too_long_is_refused_before_it_fills_memory() {
        let wrong = values("1x600000 1x600000").unwrap_err();
        assert_eq!(wrong.to_string(), "a series has at most 1000000 values");
    }

    #[test]
    fn metrics_are_read_in_every_form() {
        for (text, expected) in [
            ("up", r#"{__name__="up"}"#),
            ("a:b:c", r#"{__name__="a:b:c"}"#),
            ("{}", "{}"),
            (r#"up{job="x"}"#, r#"{__name__="up",job="x"}"#),
            (r#"up{ job = "x" , a='y', }"#, r#"{__name__="up",a="y",job="x"}"#),
            (r#"{"my.metric", "a.b"="c"}"#, r#"{__name__="my.metric",a.b="c"}"#),
            (r#"{__name__="up"}"#, r#"{__name__="up"}"#),
            (r#"up{a="\"\\\n\x41\u00e4\101"}"#, r#"{__name__="up",a="\"\\\nAäA"}"#),
            ("up{a=`\\n`}", r#"{__name__="up",a="\\n"}"#),
            (r#"up{a=""}"#, r#"{__name__="up"}"#),
        ] {
            assert_eq!(metric(text).map(|labels| labels.to_string()), Ok(expected.to_owned()), "{text}");
        }
        for text in [
            "1up",
            "up{",
            "up{a}",
            "up{a=}",
            r#"up{a="b" c="d"}"#,
            r#"up{a="b}"#,
            r#"up{a="\q"}"#,
            "up{{}}",
            "up 1",
        ] {
            assert!(metric(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_series_is_a_metric_and_values() {
        let (labels, values) = series("\tup{job=\"x 1\"}\t\t1 _ ").unwrap();
        assert_eq!(labels.to_string(), r#"{__name__="up",job="x 1"}"#);
        assert_eq!(values, [StepValue::Point(1.0), StepValue::Gap]);
        assert_eq!(series("up").unwrap().1, []);
        assert!(series(r#"up{job="x"}1"#).is_err());
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("0x1F", Some(31.0)),
            ("-0x10", Some(-16.0)),
            ("0b11", Some(3.0)),
            ("017", Some(15.0)),
            ("1e3", Some(1000.0)),
            ("", None),
            ("-", None),
            ("--1", None),
            ("1 2", None),
            ("abc", None),
            ("+Inf", Some(f64::INFINITY)),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
    }
}
