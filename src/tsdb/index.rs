//! Which series there are: by label set, by each label's name and value. Every text is held once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::slab::Handle;
use crate::labels::Labels;
use crate::promql::{MatchKind, Matcher};

/// One series, for as long as it is in the store.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) labels: Labels,
    pub(super) handle: Handle,
}

type Postings = Vec<Arc<Entry>>;

#[derive(Debug, Default)]
pub(super) struct Index {
    all: HashMap<Labels, Arc<Entry>>,
    by_label: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Postings>>,
    bytes: usize,
}

// What the tables hold, measured with an allocator that counts; slack of tables that double included.
const ENTRY_BYTES: usize = 240;
/// Of each label of each series: in its label set, in its origin's, and in the postings.
const LABEL_BYTES: usize = 76;
/// Of each different name and value, beside its text.
const TEXT_BYTES: usize = 120;

impl Index {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, labels: &Labels) -> Option<Handle> {
        self.all.get(labels).map(|entry| entry.handle)
    }

    /// The most that a new series can add.
    pub(super) fn cost(&self, labels: &Labels) -> usize {
        let new = |(name, value): &(Arc<str>, Arc<str>)| match self.by_label.get(name) {
            Some(values) if values.contains_key(value) => 0,
            Some(_) => TEXT_BYTES + value.len(),
            None => 2 * TEXT_BYTES + name.len() + value.len(),
        };
        entry_bytes(labels) + labels.pairs().map(new).sum::<usize>()
    }

    /// Adds a series that is not there yet.
    pub(super) fn insert(&mut self, labels: &Labels, handle: Handle) -> Arc<Entry> {
        let labels =
            Labels::new(labels.pairs().map(|(name, value)| self.intern(name, value)).collect::<Vec<_>>());
        self.bytes += entry_bytes(&labels);
        let entry = Arc::new(Entry { labels: labels.clone(), handle });
        for (name, value) in labels.pairs() {
            if let Some(postings) = self.by_label.get_mut(name).and_then(|values| values.get_mut(value)) {
                postings.push(Arc::clone(&entry));
            }
        }
        self.all.insert(labels, Arc::clone(&entry));
        entry
    }

    fn intern(&mut self, name: &Arc<str>, value: &Arc<str>) -> (Arc<str>, Arc<str>) {
        let known = self.by_label.get_key_value(name).map(|(name, _)| Arc::clone(name));
        let name = known.unwrap_or_else(|| {
            self.bytes += TEXT_BYTES + name.len();
            Arc::clone(name)
        });
        let values = self.by_label.entry(Arc::clone(&name)).or_default();
        let known = values.get_key_value(value).map(|(value, _)| Arc::clone(value));
        let value = known.unwrap_or_else(|| {
            self.bytes += TEXT_BYTES + value.len();
            values.insert(Arc::clone(value), Postings::new());
            Arc::clone(value)
        });
        (name, value)
    }

    /// Takes series out; `gone` says which, asked of all.
    pub(super) fn remove(&mut self, gone: impl Fn(&Entry) -> bool) {
        let Index { all, by_label, bytes } = self;
        all.retain(|labels, entry| {
            let stays = !gone(entry);
            *bytes -= if stays { 0 } else { entry_bytes(labels) };
            stays
        });
        by_label.retain(|name, values| {
            values.retain(|value, postings| {
                postings.retain(|entry| !gone(entry));
                *bytes -= if postings.is_empty() { TEXT_BYTES + value.len() } else { 0 };
                !postings.is_empty()
            });
            *bytes -= if values.is_empty() { TEXT_BYTES + name.len() } else { 0 };
            !values.is_empty()
        });
    }

    /// Series among which are all that the matchers match: those of the most telling label that one of them names.
    /// Regular expressions are left to the caller, who need not hold a lock for them.
    pub(super) fn candidates(&self, matchers: &[Matcher]) -> Postings {
        let mut fewest: Option<Vec<&Postings>> = None;
        for matcher in matchers {
            let Some(values) = literals(matcher) else { continue };
            let by_value = self.by_label.get(matcher.label.as_str());
            let postings = || values.iter().filter_map(|value| by_value?.get(*value)).collect::<Vec<_>>();
            let (found, size) =
                (postings(), |lists: &[&Postings]| lists.iter().map(|list| list.len()).sum::<usize>());
            if fewest.as_ref().is_none_or(|fewest| size(&found) < size(fewest)) {
                fewest = Some(found);
            }
        }
        match fewest {
            Some(lists) => lists.into_iter().flatten().cloned().collect(),
            None => self.all.values().cloned().collect(),
        }
    }

    pub(super) fn label_names(&self) -> impl Iterator<Item = &str> {
        self.by_label.keys().map(|name| &**name)
    }

    pub(super) fn label_values(&self, label: &str) -> impl Iterator<Item = &str> {
        self.by_label.get(label).into_iter().flat_map(BTreeMap::keys).map(|value| &**value)
    }
}

fn entry_bytes(labels: &Labels) -> usize {
    ENTRY_BYTES + labels.len() * LABEL_BYTES
}

/// The values of which a series must have one, where a matcher lists them: `=`, and `=~` of plain words.
fn literals(matcher: &Matcher) -> Option<Vec<&str>> {
    let mut values: Vec<&str> = match matcher.kind {
        MatchKind::Equal => vec![&matcher.value],
        MatchKind::Regex => matcher.value.split('|').collect(),
        MatchKind::NotEqual | MatchKind::NotRegex => return None,
    };
    let plain = |value: &&str| value.chars().all(|c| c.is_alphanumeric() || "_-/:, ".contains(c));
    let is_list = matcher.kind == MatchKind::Equal || values.iter().all(plain);
    // One that may be empty matches series without the label, too.
    if !is_list || values.iter().any(|value| value.is_empty()) {
        return None;
    }
    values.sort_unstable();
    values.dedup();
    Some(values)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn a_matcher_lists_values_only_where_each_series_it_matches_has_one() {
        let regex = |value: &str| Matcher {
            label: "a".to_owned(),
            kind: MatchKind::Regex,
            value: value.to_owned(),
            regex: Regex::new(value).ok(),
        };
        for (matcher, expected) in [
            (Matcher::equal("a", "x.y"), Some(vec!["x.y"])),
            (Matcher::equal("a", ""), None),
            (regex("x"), Some(vec!["x"])),
            (regex("y|x|y"), Some(vec!["x", "y"])),
            (regex("x|"), None),
            (regex("x.|y"), None),
            (regex("(x|y)"), None),
            (regex(r"x\|y"), None),
            (regex("(?i)x"), None),
            (regex("^x|y$"), None),
            (Matcher { kind: MatchKind::NotEqual, ..Matcher::equal("a", "x") }, None),
            (Matcher { kind: MatchKind::NotRegex, ..regex("x") }, None),
        ] {
            assert_eq!(literals(&matcher), expected, "{matcher:?}");
        }
    }

    #[test]
    fn what_was_added_and_taken_out_leaves_nothing() {
        let mut index = Index::default();
        for at in 0..100_u32 {
            let labels = Labels::new([("__name__", format!("m{}", at % 3)), ("i", at.to_string())]);
            let cost = index.cost(&labels);
            let before = index.bytes();
            let entry = index.insert(&labels, Handle { slot: at, generation: 0 });
            assert_eq!((index.bytes() - before, &entry.labels), (cost, &labels));
            assert_eq!(index.get(&labels), Some(entry.handle));
        }
        assert_eq!(index.label_values("__name__").collect::<Vec<_>>(), ["m0", "m1", "m2"]);
        index.remove(|entry| entry.labels.value("__name__") == Some("m1"));
        assert_eq!(index.label_values("__name__").collect::<Vec<_>>(), ["m0", "m2"]);
        assert_eq!(index.label_names().collect::<Vec<_>>(), ["__name__", "i"]);
        assert_eq!(index.len(), 67);
        index.remove(|_| true);
        assert_eq!((index.len(), index.bytes(), index.label_names().count()), (0, 0, 0));
    }
}
