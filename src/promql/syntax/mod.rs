//! Text to syntax tree: promql-parser's, with errors that say where as far as can be known, and what helps.

mod duration;
mod scan;

use std::borrow::Cow;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};

use promql_parser::parser::{self, Expr};

pub(super) use self::duration::Span;
use self::scan::{Call, Fault, Scanned, scan};
use super::ParseError;
use super::functions;

pub(super) struct Parsed {
    pub(super) expr: Expr,
    /// A duration depends on step and range of the query: before those are known it is a second, an offset nothing.
    pub(super) depends: bool,
}

/// # Errors
/// What is wrong with the text.
pub(super) fn parse(text: &str, span: Option<Span>) -> Result<Parsed, ParseError> {
    let Scanned { calls, edits, depends } = scan(text, span).map_err(|fault| in_place(text, fault))?;
    for call in &calls {
        if let Some(message) = unknown(call.name) {
            return Err(ParseError::at(text, call.at, &message));
        }
    }
    // What makes the parser panic is refused by the scan; what it knows nothing of must not end the process.
    let edited = edited(text, &edits);
    match panic::catch_unwind(AssertUnwindSafe(|| parser::parse(&edited))) {
        Ok(Ok(expr)) => Ok(Parsed { expr, depends }),
        Ok(Err(message)) => Err(explained(text, &calls, &message)),
        Err(_) => Err(ParseError::somewhere("a number or a duration out of range")),
    }
}

fn in_place(text: &str, fault: Fault) -> ParseError {
    match fault {
        Fault { late: true, message, .. } => ParseError { message },
        Fault { at, message, .. } => ParseError::at(text, at, &message),
    }
}

/// The text with its edits, which are in its order.
fn edited<'a>(text: &'a str, edits: &[(Range<usize>, String)]) -> Cow<'a, str> {
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut edited = String::with_capacity(text.len());
    let mut done = 0;
    for (place, instead) in edits {
        edited.push_str(text.get(done..place.start).unwrap_or_default());
        edited.push_str(instead);
        done = place.end;
    }
    edited.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(edited)
}

/// Words that stand before a parenthesis and are no functions.
const KEYWORDS: [&str; 38] = [
    "and",
    "or",
    "unless",
    "atan2",
    "sum",
    "avg",
    "count",
    "min",
    "max",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "count_values",
    "quantile",
    "limitk",
    "limit_ratio",
    "offset",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "bool",
    "fill",
    "fill_left",
    "fill_right",
    "start",
    "end",
    "step",
    "range",
    "anchored",
    "smoothed",
    "inf",
    "nan",
    "info",
];

/// Experimental in Prometheus 3.14, `info` and those above aside.
const EXPERIMENTAL: [&str; 14] = [
    "double_exponential_smoothing",
    "histogram_quantiles",
    "integral",
    "mad_over_time",
    "max_of",
    "min_of",
    "sort_by_label",
    "sort_by_label_desc",
    "start_timestamp",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
    "holt_winters",
];

/// What to say of a function that is not there.
fn unknown(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if KEYWORDS.contains(&lower.as_str()) || EXPERIMENTAL.contains(&name) && name != "holt_winters" {
        return None;
    }
    if functions::names().any(|known| known == name) {
        return None;
    }
    if name == "holt_winters" {
        return Some(
            "unknown function with name \"holt_winters\": Prometheus 3 calls it double_exponential_smoothing, \
             which is experimental and not supported"
                .to_owned(),
        );
    }
    let aggregations = KEYWORDS[4..16].iter().copied();
    let nearest = functions::names()
        .chain(aggregations)
        .map(|known| (strsim::jaro_winkler(known, &lower), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let hint = nearest.map(|(_, known)| format!("; did you mean {known:?}?")).unwrap_or_default();
    Some(format!("unknown function with name {name:?}{hint}"))
}

fn explained(text: &str, calls: &[Call<'_>], message: &str) -> ParseError {
    if message == "invalid promql query" {
        let word = |word: &str| scan::has_word(text, word);
        if word("anchored") || word("smoothed") {
            return ParseError::somewhere(
                "anchored and smoothed are experimental in Prometheus and not supported",
            );
        }
        return ParseError::somewhere(
            "not a PromQL expression: look for a missing operator, operand, quote or bracket",
        );
    }
    let message = in_words_of_prometheus(message);
    // An error that names a function is about its call, if there is only one.
    let named = calls.iter().filter(|call| message.contains(&format!("\"{}\"", call.name)));
    match named.collect::<Vec<_>>()[..] {
        [call] => ParseError::at(text, call.at, &message),
        _ => ParseError::somewhere(&message),
    }
}

fn in_words_of_prometheus(message: &str) -> String {
    let mut message = message.replace('\'', "\"");
    for (short, full) in [("vector", "instant vector"), ("matrix", "range vector")] {
        for (before, after) in [("type ", " in"), ("got ", "")] {
            message = message.replace(&format!("{before}{short}{after}"), &format!("{before}{full}{after}"));
        }
    }
    message
}

impl ParseError {
    /// At a byte of the text, counted as Prometheus counts: `line:column`, both from 1.
    pub(super) fn at(text: &str, at: usize, message: &str) -> Self {
        let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        ParseError { message: format!("{line}:{column}: parse error: {message}") }
    }

    pub(super) fn somewhere(message: &str) -> Self {
        ParseError { message: format!("parse error: {message}") }
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::Query;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let message = Query::parse(text).map(|_| String::new()).unwrap_or_else(|error| error.to_string());
        assert_eq!(message, expected, "{text}");
    }

    #[test]
    fn errors_say_where_and_what_helps() {
        for (text, expected) in [
            ("", "parse error: no expression found in input"),
            ("rat(x[5m])", "1:1: parse error: unknown function with name \"rat\"; did you mean \"rate\"?"),
            (
                "1 +\n  summ(x)",
                "2:3: parse error: unknown function with name \"summ\"; did you mean \"sum\"?",
            ),
            ("qwertyuiop(x)", "1:1: parse error: unknown function with name \"qwertyuiop\""),
            (
                "holt_winters(x[5m], 0.5, 0.5)",
                "1:1: parse error: unknown function with name \"holt_winters\": Prometheus 3 calls it \
                 double_exponential_smoothing, which is experimental and not supported",
            ),
            (
                "sum(rate(x))",
                "1:5: parse error: expected type range vector in call to function \"rate\", got instant vector",
            ),
            (
                "abs(x[5m])",
                "1:1: parse error: expected type instant vector in call to function \"abs\", got range vector",
            ),
            ("exp(Inf)", "expected type instant vector in call to function \"exp\""),
            ("sum(x", "1:4: parse error: unclosed \"(\""),
            ("sum(x))", "1:7: parse error: \")\" closes nothing"),
            ("sum(x]", "1:6: parse error: \"]\" closes nothing: expected \")\""),
            ("x{a=\"b}", "1:5: parse error: unterminated quoted string"),
            (
                "x y",
                "parse error: not a PromQL expression: look for a missing operator, operand, quote or bracket",
            ),
            ("{}", "parse error: vector selector must contain at least one non-empty matcher"),
            (
                "x == bool",
                "parse error: not a PromQL expression: look for a missing operator, operand, quote or bracket",
            ),
            ("1 == 1", "parse error: comparisons between scalars must use BOOL modifier"),
            (
                "x{a=\"1\" or b=\"2\"}",
                "`or` between matchers is not PromQL: write two selectors joined by `or`",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn what_prometheus_calls_experimental_is_refused_by_name() {
        for (text, what) in [
            ("mad_over_time(x[5m])", "function \"mad_over_time\""),
            ("limitk(2, x)", "limitk"),
            ("limit_ratio(0.5, x)", "limit_ratio"),
            ("info(x)", "function \"info\""),
            ("sort_by_label(x, \"a\")", "function \"sort_by_label\""),
            ("x + fill(0) y", "fill"),
            ("step()", "function \"step\""),
            ("start()", "function \"start\""),
        ] {
            let message = Query::parse(text).unwrap_err().to_string();
            let expected = format!("{what} is experimental in Prometheus and not supported");
            assert!(message.ends_with(&expected), "{text}: {message}");
        }
        for text in ["rate(x[5m] anchored)", "rate(x[5m] smoothed)"] {
            let message = Query::parse(text).unwrap_err().to_string();
            assert!(message.contains("anchored and smoothed are experimental"), "{message}");
        }
    }

    #[test]
    fn hostile_texts_are_refused_and_end_nothing() {
        for text in [
            "x[nan]",
            "x[inf]",
            "x[1e300]",
            "x offset nan",
            "x offset 1e300",
            "x offset -inf",
            "x[0]",
            "x[5m:0]",
            "x[0.0001]",
            "x @ 1e300",
            "x @ nan",
            "x[5m:1e300]",
            "x offset 1e+300",
            "x[NaN:1m]",
            "1x5",
            "x[1x5]",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
        for text in ["(", "-", "x+", "abs("] {
            let deep = format!("{}x", text.repeat(100_000));
            assert!(Query::parse(&deep).is_err(), "{text}");
        }
        let closed = format!("{}x{}", "(".repeat(1000), ")".repeat(1000));
        assert!(Query::parse(&closed).is_err());
        assert!(Query::parse(&format!("x{}", "^x".repeat(1000))).is_err());
    }

    #[test]
    fn what_only_looks_like_a_fault_is_none() {
        for text in [
            "x{a=\")\"}",
            "x # ( comment",
            "x{a='[nan]'}",
            "x{a=~\"a{2}|{b}\"}",
            "sum by (rate) (x)",
            "rate",
            "sum",
            "x[5m:]",
            "x[1h30m:15s]",
            "x offset 5",
            "x[300]",
            "x offset -1.5",
            "x @ start()",
            "x @ end()",
            "{\"a.b\"}",
            "x{\"le gs\"=\"1\"}",
            "-1 ^ 2",
            "Inf",
            "0x1F",
            "5m",
            "SUM(x)",
            "x and on() y",
            "x[0.5]",
            "count_values(\"\u{e5}\", x)",
            "x{a=\"\\\"(\"}",
            "sum(x) without (a)",
            "absent(x{a=`\\`})",
        ] {
            check(text, "");
        }
    }

    #[test]
    fn raw_strings_have_no_escapes() {
        let query = Query::parse("x{a=~`\\d+\"\n`} + y{b=`c`}").unwrap();
        let selectors = query.selectors(&crate::promql::Options::default());
        assert_eq!(selectors.iter().next().unwrap().matchers[1].value, "\\d+\"\n");
    }

    #[test]
    fn regular_expressions_are_those_of_re2() {
        for (text, matching, other) in [
            (r#"x{a=~"[a[b]"}"#, "[", "c"),
            (r#"x{a =~ "\\Qa.b\\E"}"#, "a.b", "axb"),
            (r"x{a=~`\Qa.b\E|\<`}", "<", "a"),
            (r"x{a!~'[\\w-z]'}", "}", "-"),
        ] {
            let query = Query::parse(text).unwrap();
            let selectors = query.selectors(&crate::promql::Options::default());
            let matcher = &selectors.iter().next().unwrap().matchers[1];
            assert!(matcher.matches(matching) && !matcher.matches(other), "{text}: {matcher:?}");
        }
        assert!(Query::parse(r#"x{a=~"("}"#).is_err());
        // Of another kind of matcher it is a text like any other.
        let query = Query::parse(r#"x{a="[a[b]"}"#).unwrap();
        let selectors = query.selectors(&crate::promql::Options::default());
        assert_eq!(selectors.iter().next().unwrap().matchers[1].value, "[a[b]");
    }

    #[test]
    fn strings_are_utf_8() {
        check("count_values(\"a\\xc5z\", x)", "invalid label name \"a\\xc5z\"");
        check(
            "x{a=\"\\377\"}",
            "1:5: parse error: string \"\\377\": write characters themselves, not their bytes",
        );
    }
}
