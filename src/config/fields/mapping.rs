//! One mapping of the plan while it is read: which of its keys were asked for, and which nobody knows.

use super::{Choice, Reader, k6_spelling};
use crate::config::At;
use crate::config::node::{Kind, Node, shorten};
use crate::config::parse_duration;
use crate::config::problem::ENOUGH_PROBLEMS;
use crate::config::suggest::expected_one_of;
use crate::config::yaml::flow_help;

pub(super) struct Mapping<'a> {
    pub(super) node: &'a Node,
    pub(super) reader: &'a mut Reader,
    pub(super) known: Vec<&'static str>,
    /// Known, but not built yet.
    pub(super) later: Vec<&'static str>,
    /// Keys of kinds that were not chosen, each with its kind.
    pub(super) elsewhere: Vec<(String, &'static str)>,
}

/// Stands in the list of known keys when the kind is unknown: then keys of any kind may be right.
pub(super) const UNKNOWN_KIND: &str = "";

impl<'a> Mapping<'a> {
    pub(super) fn new(node: &'a Node, reader: &'a mut Reader) -> Self {
        Mapping { node, reader, known: Vec::new(), later: Vec::new(), elsewhere: Vec::new() }
    }

    pub(super) fn find(&self, key: &str) -> Option<&'a (At<String>, Node)> {
        self.node.entry(key).or_else(|| self.node.entry(k6_spelling(key)?))
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<(&'a At<String>, &'a Node)> {
        self.known.push(key);
        if let Some(spelling) = k6_spelling(key)
            && let (Some((first, _)), Some((second, _))) = (self.node.entry(key), self.node.entry(spelling))
        {
            let later = if (first.place.line, first.place.column) < (second.place.line, second.place.column) {
                second
            } else {
                first
            };
            let help = "they mean the same; keep one".to_owned();
            self.reader.problem(later.place, format!("both `{key}` and `{spelling}`"), help);
        }
        self.find(key).map(|(name, node)| (name, node))
    }

    pub(super) fn missing(&mut self, key: &str, expected: &str) {
        self.reader.problem(self.node.owner, format!("missing key `{key}`"), format!("expected {expected}"));
    }

    pub(super) fn choose<'k, T>(
        &mut self,
        key: &'static str,
        kinds: &'k [Choice<T>],
    ) -> Option<&'k Choice<T>> {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
        let Some((_, node)) = self.take(key) else {
            let help = expected_one_of("", &names, &[]);
            self.reader.problem(self.node.owner, format!("missing key `{key}`"), help);
            return None;
        };
        let chosen = node.scalar().and_then(|scalar| kinds.iter().find(|kind| kind.name == scalar.text));
        if chosen.is_none() && node.kind != Kind::Broken {
            let wrong = node.scalar().map_or("", |scalar| scalar.text.as_str());
            let help = expected_one_of(wrong, &names, &[]);
            self.reader.problem(node.place, format!("unknown {key} {}", node.found()), help);
        }
        chosen
    }

    pub(super) fn unknown_keys(self) {
        let Mapping { node, reader, known, later, elsewhere } = self;
        let any_kind = known.contains(&UNKNOWN_KIND);
        let names: Vec<&str> = known.into_iter().filter(|name| *name != UNKNOWN_KIND).collect();
        for (key, value) in node.entries().unwrap_or_default() {
            let written = key.value.as_str();
            let same = |name: &str| name == written || k6_spelling(name) == Some(written);
            if names.iter().chain(&later).any(|name| same(name)) {
                continue;
            }
            let kinds: Vec<String> = elsewhere
                .iter()
                .filter(|(name, _)| same(name))
                .map(|(_, kind)| format!("`{kind}`"))
                .collect();
            let help = match (kinds.as_slice(), flow_help(value)) {
                ([_, ..], _) if any_kind => continue,
                ([first @ .., last], _) if !first.is_empty() => {
                    Some(format!("it belongs to {} and {last}", first.join(", ")))
                }
                ([kind], _) => Some(format!("it belongs to {kind}")),
                (_, Some(flow)) if value.is_null() => Some(flow.to_owned()),
                _ if reader.problems.len() > ENOUGH_PROBLEMS => None,
                _ => Some(expected_one_of(written, &names, &later)),
            };
            reader.problem(key.place, format!("unknown key `{}`", shorten(written)), help);
        }
    }
}

/// Nothing is asked of a part that is not built.
pub(super) fn is_empty(node: &Node) -> bool {
    match &node.kind {
        Kind::Broken => true,
        Kind::Seq(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
        Kind::Scalar(scalar) => {
            node.is_null()
                || scalar.text == "0"
                || parse_duration(&scalar.text).is_ok_and(|duration| duration.is_zero())
        }
    }
}
