//! Metrics: a name, a label set, or both.

use super::{NotationError, quoted};
use crate::labels::Labels;

/// A metric alone: `name`, `{a="b"}`, `name{a="b"}`, `{"na.me", "la.bel"="b"}`.
///
/// # Errors
/// Says what stands there and what was expected.
pub fn metric(text: &str) -> Result<Labels, NotationError> {
    match leading(text.trim())? {
        (labels, "") => Ok(labels),
        (_, rest) => Err(NotationError(format!("expected the end of the metric, found {rest:?}"))),
    }
}

pub(super) fn leading(text: &str) -> Result<(Labels, &str), NotationError> {
    let end =
        text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(NotationError(format!("expected a metric, found {text:?}")));
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        // `{}` without a name is the empty label set, `{{` a histogram where a metric should be.
        Some(inside) if !inside.starts_with('{') => leading_set(inside)?,
        _ if name.is_empty() && !rest.is_empty() => {
            return Err(NotationError(format!("expected a metric, found {rest:?}")));
        }
        _ => (Labels::empty(), rest),
    };
    let labels = if name.is_empty() { labels } else { labels.with("__name__", name) };
    Ok((labels, rest))
}

/// What stands after `{`, up to and with its `}`.
fn leading_set(text: &str) -> Result<(Labels, &str), NotationError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((Labels::new(pairs), after));
        }
        let (name, after, quoted) = leading_name(rest)?;
        let after = after.trim_start();
        rest = match after.strip_prefix('=') {
            Some(value) => {
                let (value, after) = quoted::leading(value.trim_start())?;
                pairs.push((name, value));
                after
            }
            None if quoted => {
                pairs.push(("__name__".to_owned(), name));
                after
            }
            None => {
                return Err(NotationError(format!(
                    "expected \"=\" after the label {name:?}, found {after:?}"
                )));
            }
        }
        .trim_start();
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
        } else if !rest.starts_with('}') {
            return Err(NotationError(format!("expected \",\" or \"}}\" in the label set, found {rest:?}")));
        }
    }
}

/// The name, what follows, and whether it was quoted.
fn leading_name(text: &str) -> Result<(String, &str, bool), NotationError> {
    if text.starts_with(['"', '\'', '`']) {
        let (name, rest) = quoted::leading(text)?;
        return Ok((name, rest, true));
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(NotationError(format!("expected a label's name or \"}}\", found {text:?}")));
    }
    Ok((name.to_owned(), rest, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_in_every_form() {
        for (text, expected) in [
            ("up", r#"{__name__="up"}"#),
            ("a:b:c", r#"{__name__="a:b:c"}"#),
            ("{}", "{}"),
            (r#"up{job="x"}"#, r#"{__name__="up",job="x"}"#),
            (r#"up{ job = "x" , a='y', }"#, r#"{__name__="up",a="y",job="x"}"#),
            (r#"{"my.metric", "a.b"="c"}"#, r#"{__name__="my.metric",a.b="c"}"#),
            (r#"{__name__="up"}"#, r#"{__name__="up"}"#),
            (r#"up{a="\"\\\n\x41\u00e4\101"}"#, r#"{__name__="up",a="\"\\\nAäA"}"#),
            ("up{a=`\\n`}", r#"{__name__="up",a="\\n"}"#),
            (r#"up{a=""}"#, r#"{__name__="up"}"#),
        ] {
            assert_eq!(metric(text).map(|labels| labels.to_string()), Ok(expected.to_owned()), "{text}");
        }
        for text in [
            "1up",
            "up{",
            "up{a}",
            "up{a=}",
            r#"up{a="b" c="d"}"#,
            r#"up{a="b}"#,
            r#"up{a="\q"}"#,
            "up{{}}",
            "up 1",
        ] {
            assert!(metric(text).is_err(), "{text}");
        }
    }
}
