//! Plain selectors, `name{label="value"}`, for probes. The rest of PromQL is not here yet.

mod parse;

use regex::Regex;

pub use parse::{SelectorError, SelectorErrorKind};

use crate::family::Family;
use crate::labels::Labels;

/// An instant vector selector without offset and `@`.
#[derive(Debug, Clone)]
pub struct Selector {
    /// That of the name as a matcher of `__name__`.
    matchers: Vec<Matcher>,
}

#[derive(Debug, Clone)]
struct Matcher {
    label: String,
    negated: bool,
    pattern: Pattern,
}

#[derive(Debug, Clone)]
enum Pattern {
    Equal(String),
    /// Anchored at both ends.
    Regex(Regex),
}

/// One sample that a selector found.
#[derive(Debug, Clone, PartialEq)]
pub struct Selected {
    /// Without the metric's name.
    pub labels: Labels,
    pub value: f64,
}

impl Selector {
    /// Reads a selector as PromQL writes it; see [`SelectorErrorKind`] for what is refused.
    pub fn parse(text: &str) -> Result<Selector, SelectorError> {
        parse::selector(text)
    }

    /// The samples it matches, in order, under the names that a store gives them (`x_bucket`, `x_count`).
    pub fn select(&self, families: &[Family]) -> Vec<Selected> {
        let mut selected = Vec::new();
        for family in families.iter().filter(|family| self.may_match(family)) {
            family.each_sample(|name, labels, value| {
                if self.matches(name, labels) {
                    selected.push(Selected { labels: labels.clone(), value });
                }
            });
        }
        selected
    }

    fn matches(&self, name: &str, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| {
            let value =
                if matcher.label == NAME { name } else { labels.value(&matcher.label).unwrap_or_default() };
            matcher.matches(value)
        })
    }

    /// False for families none of whose samples can have the wanted name.
    fn may_match(&self, family: &Family) -> bool {
        self.matchers.iter().all(|matcher| match &matcher.pattern {
            Pattern::Equal(name) if matcher.label == NAME && !matcher.negated => {
                name.starts_with(&family.name)
            }
            _ => true,
        })
    }
}

const NAME: &str = "__name__";

impl Matcher {
    /// A label that is absent has the empty value, as in Prometheus.
    fn matches(&self, value: &str) -> bool {
        let matched = match &self.pattern {
            Pattern::Equal(wanted) => wanted == value,
            Pattern::Regex(regex) => regex.is_match(value),
        };
        matched != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Format, Limits, parse};

    const BODY: &str = "hz{job=\"backend\",zone=\"a\"} 100\nhz{job=\"backend\",zone=\"b\"} 99\nhz{job=\"other\"} 1\n\
        {\"loop.hz\"} 5\n# TYPE d histogram\nd_bucket{le=\"10\"} 3\nd_bucket{le=\"+Inf\"} 4\nd_sum 1\nd_count 4\n";

    #[track_caller]
    fn check(selector: &str, expected: &[f64]) {
        let families = parse(BODY.as_bytes(), Format::Text, &Limits::default()).unwrap().families;
        let selector = Selector::parse(selector).unwrap();
        let values: Vec<f64> = selector.select(&families).iter().map(|found| found.value).collect();
        assert_eq!(values, expected);
    }

    #[test]
    fn matchers_choose_samples_as_in_prometheus() {
        check("hz", &[100.0, 99.0, 1.0]);
        check("  hz { } ", &[100.0, 99.0, 1.0]);
        check("hz{job=\"backend\"}", &[100.0, 99.0]);
        check("hz{job='backend',zone!=`a`,}", &[99.0]);
        check("hz{zone=\"\"}", &[1.0]);
        check("hz{zone!=\"\"}", &[100.0, 99.0]);
        check("hz{job=~\"back.*|oth\"}", &[100.0, 99.0]);
        check("hz{job=~\"back\"}", &[]);
        check("hz{job!~\"back.+\"}", &[1.0]);
        check("{__name__=\"hz\",zone=\"a\"}", &[100.0]);
        check("{__name__=~\"h.\",zone=\"a\"}", &[100.0]);
        check("{\"loop.hz\"}", &[5.0]);
        check("d_bucket{le=\"10.0\"}", &[3.0]);
        check("d_count", &[4.0]);
        check("d", &[]);
        check("{job=\"backend\"}", &[100.0, 99.0]);
    }

    #[test]
    fn what_is_selected_keeps_its_labels() {
        let families = parse(BODY.as_bytes(), Format::Text, &Limits::default()).unwrap().families;
        let selected = Selector::parse("hz{zone=\"a\"}").unwrap().select(&families);
        assert_eq!(selected[0].labels, Labels::new([("job", "backend"), ("zone", "a")]));
    }
}
