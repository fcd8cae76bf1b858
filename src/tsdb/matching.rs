//! Which of some series matchers match. No lock is held here: a regular expression takes what time it takes.

use std::collections::HashMap;
use std::sync::Arc;

use super::index::Entry;
use crate::labels::Labels;
use crate::promql::{MatchKind, Matcher};

/// Keeps the series that all matchers match.
pub(super) fn retain(entries: &mut Vec<Arc<Entry>>, matchers: &[Matcher]) {
    let mut matched = vec![false; entries.len()];
    {
        let mut matchers: Vec<_> = matchers.iter().map(Remembering::new).collect();
        for (entry, matched) in entries.iter().zip(&mut matched) {
            *matched = matchers.iter_mut().all(|matcher| matcher.matches(&entry.labels));
        }
    }
    let mut matched = matched.into_iter();
    entries.retain(|_| matched.next().unwrap_or_default());
}

pub(super) fn matches(labels: &Labels, matchers: &[Matcher]) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels.value(&matcher.label).unwrap_or_default()))
}

/// A matcher that asks its regular expression once for each value.
struct Remembering<'m, 'v> {
    matcher: &'m Matcher,
    known: HashMap<&'v str, bool>,
}

impl<'m, 'v> Remembering<'m, 'v> {
    fn new(matcher: &'m Matcher) -> Self {
        Remembering { matcher, known: HashMap::new() }
    }

    fn matches(&mut self, labels: &'v Labels) -> bool {
        let value = labels.value(&self.matcher.label).unwrap_or_default();
        match self.matcher.kind {
            MatchKind::Equal | MatchKind::NotEqual => self.matcher.matches(value),
            MatchKind::Regex | MatchKind::NotRegex => {
                *self.known.entry(value).or_insert_with(|| self.matcher.matches(value))
            }
        }
    }
}
