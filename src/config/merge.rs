//! JSON Merge Patch (RFC 7396) on trees that keep their places: how a profile changes a plan.

use std::collections::HashMap;

use super::At;
use super::node::{Kind, Node};

/// `target` with `patch` applied: mappings are merged, `null` deletes, anything else replaces.
pub(crate) fn patched(target: Option<Node>, patch: &Node) -> Node {
    let Kind::Map(changes) = &patch.kind else { return patch.clone() };
    let (old, place, owner, flow) = match target {
        Some(Node { kind: Kind::Map(entries), place, owner, flow, .. }) => (entries, place, owner, flow),
        _ => (Vec::new(), patch.place, patch.owner, patch.flow),
    };
    let positions: HashMap<String, usize> =
        old.iter().enumerate().map(|(at, (name, _))| (name.value.clone(), at)).collect();
    let mut kept: Vec<Option<(At<String>, Node)>> = old.into_iter().map(Some).collect();
    let mut added = Vec::new();
    for (key, change) in changes {
        match positions.get(&key.value).and_then(|at| kept.get_mut(*at)) {
            Some(entry) if change.is_null() => *entry = None,
            Some(entry) => *entry = entry.take().map(|(name, old)| (name, patched(Some(old), change))),
            None if change.is_null() => {}
            None => added.push((key.clone(), patched(None, change))),
        }
    }
    let entries = kept.into_iter().flatten().chain(added).collect();
    Node { owner, flow, ..Node::new(Kind::Map(entries), place) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::json::json;

    /// RFC 7396, appendix A.
    #[test]
    fn patches_as_the_appendix_of_the_rfc_has_it() {
        for (original, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let read = |text: &str| crate::config::yaml::read(text, &mut Vec::new()).unwrap();
            let result = json(&patched(Some(read(original)), &read(patch))).unwrap();
            assert_eq!(result.to_string(), expected, "{original} with {patch}");
        }
    }
}
