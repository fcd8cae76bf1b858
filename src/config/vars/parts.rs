//! A text and the `${}` in it.

use crate::config::node::shorten;

#[derive(Debug, PartialEq)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Variable { name: &'a str, default: Option<&'a str>, offset: usize, length: usize },
}

/// A text at its `${NAME}` and `${NAME:-default}`; `$${` is `${` itself.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, (usize, String)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find("${").map(|at| from + at) {
        if text[from..open].ends_with('$') {
            found.push(Part::Text(&text[from..open - 1]));
            found.push(Part::Text("${"));
            from = open + 2;
            continue;
        }
        if open > from {
            found.push(Part::Text(&text[from..open]));
        }
        let Some(length) = text[open + 2..].find('}') else {
            return Err((open, "`${` without `}`".to_owned()));
        };
        let inner = &text[open + 2..open + 2 + length];
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        if !is_variable_name(name) {
            return Err((open, format!("`{}` is no name of a variable", shorten(name))));
        }
        found.push(Part::Variable { name, default, offset: open, length: length + 3 });
        from = open + length + 3;
    }
    if from < text.len() {
        found.push(Part::Text(&text[from..]));
    }
    Ok(found)
}

pub(crate) fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_at_its_variables() {
        let variable = |name, default, offset, length| Part::Variable { name, default, offset, length };
        for (text, expected) in [
            ("plain $5", vec![Part::Text("plain $5")]),
            ("${A}", vec![variable("A", None, 0, 4)]),
            ("x${A}y", vec![Part::Text("x"), variable("A", None, 1, 4), Part::Text("y")]),
            ("${A:-http://b:1}", vec![variable("A", Some("http://b:1"), 0, 16)]),
            ("${A:-}", vec![variable("A", Some(""), 0, 6)]),
            ("$${A}", vec![Part::Text(""), Part::Text("${"), Part::Text("A}")]),
        ] {
            assert_eq!(parts(text), Ok(expected), "{text}");
        }
        for text in ["${", "${A", "${}", "${1A}", "${A-b}", "${ A }", "ok ${A} ${"] {
            assert!(parts(text).is_err(), "{text}");
        }
    }
}
