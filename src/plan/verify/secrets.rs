//! What no message about a verification may show: who asks, and values that came from outside the plan.

use std::fmt;
use std::sync::Arc;

use crate::config::Source;

const HIDDEN: &str = "[redacted]";
/// A text of this length or more is looked for everywhere, a shorter one only as a word of its own.
const LONG: usize = 4;

/// Users and passwords of a verification's URL, in every spelling.
#[derive(Clone)]
pub struct Secrets {
    source: Arc<Source>,
    /// The longest first: one may hold another.
    credentials: Vec<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Secrets { source, credentials: Vec::new() }
    }

    pub(super) fn add(&mut self, text: &str) {
        if !text.is_empty() && !self.credentials.iter().any(|known| known == text) {
            self.credentials.push(text.to_owned());
            self.credentials.sort_by_key(|text| std::cmp::Reverse(text.len()));
        }
    }

    /// The text without them.
    pub fn hide(&self, text: &str) -> String {
        let mut shown = self.source.redact(text);
        for secret in &self.credentials {
            shown = if secret.chars().count() >= LONG {
                shown.replace(secret.as_str(), HIDDEN)
            } else {
                replace_words(&shown, secret)
            };
        }
        shown
    }
}

fn replace_words(text: &str, word: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, found) = rest.split_at(at);
        let after = &found[word.len()..];
        let part_of_word =
            |next: Option<char>| next.is_some_and(|next| next.is_alphanumeric() || next == '_');
        let within = part_of_word(
            before.chars().next_back().or(out.chars().next_back().filter(|_| before.is_empty())),
        ) || part_of_word(after.chars().next());
        out.push_str(before);
        out.push_str(if within { word } else { HIDDEN });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden_wherever_they_stand_and_short_ones_as_words() {
        let mut secrets = Secrets::new(Arc::new(Source::new("plan.yml", "", vec!["outside".to_owned()])));
        ["hunter2", "sa", "hun", ""].into_iter().for_each(|secret| secrets.add(secret));
        for (text, shown) in [
            (
                "password authentication failed for user \"sa\"",
                "password authentication failed for user \"[redacted]\"",
            ),
            ("sale of sa, sa: psalm", "sale of [redacted], [redacted]: psalm"),
            ("xhunter2x and hun", "x[redacted]x and [redacted]"),
            ("from outside", "from ***"),
        ] {
            assert_eq!(secrets.hide(text), shown);
        }
    }
}
