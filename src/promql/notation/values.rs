//! Values of a series, one per step.

use std::iter::repeat_n;

use super::{NotationError, StepValue, number};
use crate::promql::STALE;

/// What one line may expand to; far more than Prometheus' own tests have, far less than memory.
const MOST_VALUES: usize = 1_000_000;

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
}
