//! Texts without secrets: what may be written to logs, summaries, events and answers.

use std::fmt;
use std::sync::LazyLock;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::Regex;
use serde_json::Value as Json;

use super::vars::looks_secret;

const REDACTED: &str = "***";
/// A shorter value is part of too many words, and no secret.
const MIN_CHARS: usize = 4;

/// `//user:password@`, `//token@`
static USER_INFO: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"//[^/?#\s@"'<>]*@"#).ok());

/// Knows the values of secrets, and replaces them by `***` wherever they stand in a text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Redactor {
    /// In every spelling that is looked for, the longest first: one may hold another.
    values: Vec<String>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} hidden)", self.values.len())
    }
}

impl Redactor {
    /// `secrets` are values as they are; each is looked for as it stands in URLs, forms, JSON and XML, too.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let mut values: Vec<String> = secrets
            .into_iter()
            .filter(|secret| secret.chars().count() >= MIN_CHARS)
            .flat_map(spellings)
            .collect();
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Redactor { values }
    }

    /// Those of a plan: `from_outside` are the values that came from the command line and the environment under names that
    /// look secret; `vars` are the plan's own, of which those with such names are secret, too, unless they are numbers.
    pub(super) fn of_plan(from_outside: &[String], vars: &[(String, Json)]) -> Self {
        let own = vars.iter().filter(|(name, _)| looks_secret(name)).filter_map(|(_, value)| value.as_str());
        Redactor::new(from_outside.iter().map(String::as_str).chain(own))
    }

    /// The text with each secret, and the user and password of each URL, replaced.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), REDACTED);
            }
        }
        match USER_INFO.as_ref().filter(|_| text.contains('@')) {
            Some(pattern) => pattern.replace_all(&text, "//***@").into_owned(),
            None => text,
        }
    }
}

fn spellings(secret: &str) -> Vec<String> {
    let json = Json::from(secret).to_string();
    let xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    vec![
        secret.to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        json.get(1..json.len() - 1).unwrap_or_default().to_owned(),
        xml,
        // As it is shown where control characters are.
        secret.escape_debug().to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_in_every_spelling() {
        let redactor = Redactor::new(["s3cr&t \"x\"", "abc", "s3cr"]);
        for (text, shown) in [
            ("a s3cr&t \"x\" b", "a *** b"),
            ("a=s3cr%26t%20%22x%22&b", "a=***&b"),
            ("a=s3cr%26t+%22x%22&b", "a=***&b"),
            (r#"{"a": "s3cr&t \"x\""}"#, r#"{"a": "***"}"#),
            ("<a>s3cr&amp;t &quot;x&quot;</a>", "<a>***</a>"),
            ("too short: abc; within: s3cret", "too short: abc; within: ***et"),
            ("http://user:pw@host/ postgres://token@db?x=1", "http://***@host/ postgres://***@db?x=1"),
            ("mail me@example.com // not@this", "mail me@example.com // not@this"),
            ("http://host/a@b", "http://host/a@b"),
        ] {
            assert_eq!(redactor.redact(text), shown, "{text}");
        }
        assert_eq!(format!("{redactor:?}").find("s3cr"), None);
    }

    #[test]
    fn the_secrets_of_a_plan_are_what_came_from_outside_and_what_its_names_say() {
        let vars = [
            ("API_TOKEN".to_owned(), Json::from("in-the-file")),
            ("KEY_COUNT".to_owned(), Json::from(1000)),
            ("HOST".to_owned(), Json::from("example")),
        ];
        let redactor = Redactor::of_plan(&["from-outside".to_owned()], &vars);
        let text = "in-the-file from-outside 1000 example";
        assert_eq!(redactor.redact(text), "*** *** 1000 example");
    }
}
