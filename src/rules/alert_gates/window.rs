//! How far back a rule looks.

use std::collections::HashMap;
use std::time::Duration;

use crate::promql::{MatchKind, Options, Query, SelectorUse};
use crate::rules::{GroupSpec, RuleKind};

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
