//! Which cases are left out, and why: those that load or expect native histograms, and those with what Prometheus
//! calls experimental. Nothing else.

use std::fmt;

use loadgate::promql::notation::StepValue;

use crate::script::Eval;
use crate::storage::Asked;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Skip {
    NativeHistograms,
    /// What `load_with_nhcb` makes of classic ones.
    ConvertedHistograms,
    StartTimestamps,
    Function(&'static str),
    Syntax(&'static str),
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Skip::NativeHistograms => write!(f, "native histograms"),
            Skip::ConvertedHistograms => write!(f, "native histograms made of classic ones"),
            Skip::StartTimestamps => write!(f, "start timestamps"),
            Skip::Function(name) => write!(f, "experimental {name}()"),
            Skip::Syntax(what) => write!(f, "experimental {what}"),
        }
    }
}

/// `Experimental: true` in Prometheus' `promql/parser/functions.go`, and its `IsExperimentalAggregator`.
const FUNCTIONS: [&str; 20] = [
    "double_exponential_smoothing",
    "end",
    "histogram_quantiles",
    "info",
    "limit_ratio",
    "limitk",
    "mad_over_time",
    "max_of",
    "min_of",
    "range",
    "sort_by_label",
    "sort_by_label_desc",
    "start",
    "start_timestamp",
    "step",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
    "integral",
];

/// From what is written; what is loaded is known only once it was asked for ([`of_asked`]).
pub(crate) fn of_text(eval: &Eval) -> Option<Skip> {
    let native = |(_, values): &(_, Vec<StepValue>)| values.contains(&StepValue::NativeHistogram);
    if eval.expected.series.iter().any(native) {
        return Some(Skip::NativeHistograms);
    }
    of_query(&eval.query)
}

pub(crate) fn of_asked(asked: Asked) -> Option<Skip> {
    if asked.native_histograms {
        Some(Skip::NativeHistograms)
    } else if asked.converted_histograms {
        Some(Skip::ConvertedHistograms)
    } else if asked.start_timestamps {
        Some(Skip::StartTimestamps)
    } else {
        None
    }
}

fn of_query(query: &str) -> Option<Skip> {
    let query = without_strings(query);
    if query.contains("</") || query.contains(">/") {
        return Some(Skip::Syntax("trim operator"));
    }
    words(&query).into_iter().find_map(|word| {
        let called = word.after.starts_with('(');
        match word.text {
            "anchored" | "smoothed" if !called && word.follows_an_operand() => {
                Some(Skip::Syntax("anchored, smoothed"))
            }
            "fill" | "fill_left" | "fill_right" if called => Some(Skip::Syntax("fill modifier")),
            // `@ end()` is a moment, and within durations these are Prometheus' own since 3.14.
            "start" | "end" if word.before.ends_with('@') => None,
            "step" | "range" | "min_of" | "max_of" if word.is_in_duration() => None,
            text => {
                let name = FUNCTIONS.iter().find(|name| **name == text)?;
                let aggregates = text.starts_with("limit") && word.is_followed_by(&["by", "without"]);
                (called || aggregates).then_some(Skip::Function(name))
            }
        }
    })
}

/// Strings and comments made blank, so that only what is evaluated is looked at.
fn without_strings(query: &str) -> String {
    let mut quote = None;
    let mut escaped = false;
    let blank = |c: char| match quote {
        Some(open) => {
            if escaped {
                escaped = false;
            } else if c == '\\' && open != '`' {
                escaped = true;
            } else if c == open || (open == '#' && c == '\n') {
                quote = None;
            }
            ' '
        }
        None if matches!(c, '"' | '\'' | '`' | '#') => {
            quote = Some(c);
            ' '
        }
        None => c,
    };
    query.chars().map(blank).collect()
}

/// An identifier and what stands around it, without the space between.
struct Word<'a> {
    before: &'a str,
    text: &'a str,
    after: &'a str,
}

fn words(query: &str) -> Vec<Word<'_>> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(start) = query[at..].find(part).map(|start| at + start) {
        let end = query[start..].find(|c| !part(c)).map_or(query.len(), |length| start + length);
        let (before, after) = (query[..start].trim_end(), query[end..].trim_start());
        words.push(Word { before, text: &query[start..end], after });
        at = end;
    }
    words
}

impl Word<'_> {
    fn follows_an_operand(&self) -> bool {
        self.before.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ']' | '}' | ')'))
    }

    fn is_followed_by(&self, words: &[&str]) -> bool {
        let end = self.after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.after.len());
        words.contains(&&self.after[..end])
    }

    /// Within brackets, or in what follows `offset`: its function, or its parentheses.
    fn is_in_duration(&self) -> bool {
        let depth = |text: &str, open: char, close: char| {
            text.matches(open).count().saturating_sub(text.matches(close).count())
        };
        let after_offset = self.before.rsplit_once("offset").is_some_and(|(_, after)| {
            after.trim().trim_start_matches(['+', '-']).is_empty() || depth(after, '(', ')') > 0
        });
        depth(self.before, '[', ']') > 0 || after_offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_experimental_is_left_out() {
        for (query, reason) in [
            ("mad_over_time(x[5m])", "experimental mad_over_time()"),
            ("sum(sort_by_label (x, \"a\"))", "experimental sort_by_label()"),
            ("limitk(1, x)", "experimental limitk()"),
            ("limit_ratio by (a) (0.5, x)", "experimental limit_ratio()"),
            ("limitk without(a) (1, x)", "experimental limitk()"),
            ("time() - start()", "experimental start()"),
            ("step()", "experimental step()"),
            ("max_of(1, 2)", "experimental max_of()"),
            ("rate(x[5m] anchored)", "experimental anchored, smoothed"),
            ("x smoothed", "experimental anchored, smoothed"),
            ("x{a=\"b\"} smoothed", "experimental anchored, smoothed"),
            ("a + fill(0) b", "experimental fill modifier"),
            ("a + on (x) fill_left (0) b", "experimental fill modifier"),
            ("x </ 2", "experimental trim operator"),
            ("x >/ 2", "experimental trim operator"),
            ("info(x)", "experimental info()"),
            ("x offset 5m + step()", "experimental step()"),
        ] {
            assert_eq!(of_query(query).map(|skip| skip.to_string()).as_deref(), Some(reason), "{query}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for query in [
            "rate(x[5m])",
            "start",
            "end + step",
            "limitk",
            "fill + smoothed",
            "anchored",
            "sum by (anchored) (x)",
            "info",
            "info{a=\"info(x)\"}",
            "label_replace(x, \"info()\", \"$1\", \"smoothed\", \"x anchored\")",
            "x @ start()",
            "x @ end ()",
            "rate(x[5m] @ end())",
            "max_over_time(x[range()] @ end())",
            "x offset (step() * 2)",
            "x offset -min_of(step(), 5m)",
            "rate(x[max_of(step(), 5m)])",
            "x[5m:step()]",
            "x # limitk(1, x)",
            "first_over_time(x[5m])",
            "histogram_quantile(0.9, x)",
            "histogram_count(x)",
            "quantile_over_time(0.5, x[5m])",
            "a / b < c",
            "my_info(x)",
            "x == bool 1",
        ] {
            assert_eq!(of_query(query), None, "{query}");
        }
    }

    #[test]
    fn what_is_asked_for_and_not_there_is_left_out() {
        assert_eq!(of_asked(Asked::default()), None);
        for (asked, skip) in [
            (Asked { native_histograms: true, ..Asked::default() }, Skip::NativeHistograms),
            (Asked { converted_histograms: true, ..Asked::default() }, Skip::ConvertedHistograms),
            (Asked { start_timestamps: true, ..Asked::default() }, Skip::StartTimestamps),
        ] {
            assert_eq!(of_asked(asked), Some(skip));
        }
    }
}
