//! How far back a rule looks.

use std::collections::HashMap;
use std::time::Duration;

use crate::promql::{MatchKind, Options, Query, SelectorUse};
use crate::rules::{GroupSpec, RuleKind};

/// How far back the rules look at most, each by itself: what a store must keep for them. A moment that `@` pins is not
/// known before the run.
pub fn longest_reach<'a>(groups: impl IntoIterator<Item = &'a GroupSpec>) -> Duration {
    let rules = groups.into_iter().flat_map(|group| &group.rules);
    let reach = rules.filter_map(|rule| rule.query.selectors(&Options::default()).reach());
    reach.max().unwrap_or_default()
}

/// Recording rules that read each other may form a circle.
const MAX_DEPTH: usize = 16;

/// The recording rules of some groups, by the metric that they record.
pub(super) struct Recorded<'a>(HashMap<&'a str, Vec<&'a Query>>);

impl<'a> Recorded<'a> {
    pub(super) fn of(groups: impl Iterator<Item = &'a GroupSpec>) -> Self {
        let mut recorded: HashMap<&str, Vec<&Query>> = HashMap::new();
        for rule in groups.flat_map(|group| &group.rules).filter(|rule| matches!(rule.kind, RuleKind::Record))
        {
            recorded.entry(&rule.name).or_default().push(&rule.query);
        }
        Recorded(recorded)
    }

    /// Ranges, subqueries and offsets, those of recording rules added; not the lookback, which asks for one sample.
    pub(super) fn window(&self, query: &Query) -> Duration {
        self.at_depth(query, 0)
    }

    fn at_depth(&self, query: &Query, depth: usize) -> Duration {
        let options = Options::default();
        let of_selector = |selector: &SelectorUse| {
            let reach = selector.reach.unwrap_or_default();
            let own = match selector.range {
                Some(_) => reach,
                None => reach.saturating_sub(options.lookback),
            };
            let of_records = self.recorded_by(selector).iter().map(|query| match depth {
                MAX_DEPTH.. => Duration::ZERO,
                _ => self.at_depth(query, depth + 1),
            });
            own + of_records.max().unwrap_or_default()
        };
        query.selectors(&options).iter().map(of_selector).max().unwrap_or_default()
    }

    fn recorded_by(&self, selector: &SelectorUse) -> &[&'a Query] {
        let named = selector
            .matchers
            .iter()
            .find(|matcher| matcher.label == "__name__" && matcher.kind == MatchKind::Equal);
        named.and_then(|name| self.0.get(name.value.as_str())).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleFile;

    #[test]
    fn a_window_is_what_an_expression_looks_back_through_what_it_reads() {
        let text = "groups: [{name: g, rules: [\
            {record: one, expr: 'rate(a[1m])'}, {record: two, expr: 'max_over_time(one[30s])'},\
            {record: round, expr: 'round offset 10s'}]}]";
        let file = RuleFile::read("rules.yml", text).unwrap().file;
        let recorded = Recorded::of(file.groups.iter());
        for (expr, secs) in [
            ("a > 1", 0),
            ("a offset 20s > 1", 20),
            ("rate(a[2m]) > 1", 120),
            ("rate(a[2m] offset 1m) > 1", 180),
            ("max_over_time(rate(a[1m])[5m:10s]) > 1", 360),
            ("rate(a[1m]) / rate(b[3m])", 180),
            ("one > 1", 60),
            ("one offset 20s > 1", 80),
            ("two > 1", 90),
            ("avg_over_time(two[10s]) > 1", 100),
            ("absent_over_time(b[4m])", 240),
            ("vector(1) > 2", 0),
        ] {
            let window = recorded.window(&Query::parse(expr).unwrap());
            assert_eq!(window, Duration::from_secs(secs), "{expr}");
        }
        let circle = recorded.window(&Query::parse("round").unwrap());
        assert!(circle < Duration::from_secs(600), "{circle:?}");
        assert_eq!(
            longest_reach(&file.groups),
            Duration::from_secs(310),
            "of `round`: 10 s and a lookback of 5 m"
        );
    }
}
