//! Series in PromQL: names, matchers, and numbers and texts as the language writes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// `name{test="shop",a="b",le="0.5"}`
pub(super) fn selector(
    name: &str,
    test: &str,
    tags: &BTreeMap<String, String>,
    more: &[(&str, &str)],
) -> String {
    let mut text = format!("{name}{{");
    let matchers = [("test", test)]
        .into_iter()
        .chain(tags.iter().map(|(tag, value)| (tag.as_str(), value.as_str())))
        .chain(more.iter().copied());
    for (at, (label, value)) in matchers.enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _infallible = write!(text, "{comma}{label}={}", quoted(value));
    }
    text.push('}');
    text
}

/// A string in double quotes, with Go's escapes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // Neither YAML nor a terminal should see them.
            other if other.is_control() => {
                let _infallible = write!(quoted, "\\u{:04x}", u32::from(other));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::Query;

    fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_tags_value_is_a_string_of_promql_whatever_is_in_it() {
        for (value, expected) in [
            ("chat", r#""chat""#),
            (r#"a "b" \c"#, r#""a \"b\" \\c""#),
            ("/order/{{ id }}", r#""/order/{{ id }}""#),
            ("zwei\nZeilen\tä\u{1b}", r#""zwei\nZeilen\tä\u001b""#),
        ] {
            assert_eq!(quoted(value), expected);
            let text = selector("k6_http_reqs_total", "shop", &tags(&[("name", value)]), &[]);
            Query::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }

    #[test]
    fn matchers_are_the_test_then_the_tags_then_what_the_threshold_adds() {
        let tags = tags(&[("scenario", "chat"), ("group", ""), ("expected_response", "true")]);
        let text = selector("k6_x_bucket", "shop", &tags, &[("le", "0.5")]);
        assert_eq!(
            text,
            r#"k6_x_bucket{test="shop",expected_response="true",group="",scenario="chat",le="0.5"}"#
        );
    }
}
