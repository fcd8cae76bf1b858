//! Text to selector, after PromQL's grammar.

use regex::Regex;

use super::{Matcher, NAME, Pattern, Selector};
use crate::exposition::{is_metric_name_byte, is_metric_name_start};

/// What is wrong with a selector, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct SelectorError {
    /// Characters from the start of the text.
    pub offset: usize,
    pub kind: SelectorErrorKind,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorErrorKind {
    #[error("not supported yet: only a plain selector such as backend_loop_hz{{job=\"backend\"}}")]
    NotSupported,
    #[error("expected {0}")]
    Expected(&'static str),
    #[error("the string does not end")]
    UnterminatedString,
    #[error("unknown escape; in a string write \\\\ for a backslash")]
    UnknownEscape,
    #[error("the metric name is given twice")]
    SecondName,
    #[error("at least one matcher must refuse the empty value, as in PromQL")]
    MatchesEverything,
    #[error("{0}")]
    Regex(String),
}

pub(super) fn selector(text: &str) -> Result<Selector, SelectorError> {
    let mut parser = Parser { text, at: 0 };
    parser
        .selector()
        .map_err(|(at, kind)| SelectorError { offset: text.get(..at).unwrap_or(text).chars().count(), kind })
}

/// A byte of the text and what is wrong there.
type Fault = (usize, SelectorErrorKind);

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn selector(&mut self) -> Result<Selector, Fault> {
        let mut matchers = Vec::new();
        self.skip_blanks();
        let start = self.at;
        if let Some(name) = self.name(true) {
            matchers.push(Matcher::named(name.to_owned()));
        }
        self.skip_blanks();
        if self.eat("{") {
            self.matchers(&mut matchers)?;
        } else if matchers.is_empty() {
            return Err((
                start,
                if self.rest().is_empty() {
                    SelectorErrorKind::Expected("a metric name or `{`")
                } else {
                    SelectorErrorKind::NotSupported
                },
            ));
        }
        self.skip_blanks();
        if !self.rest().is_empty() {
            return Err((self.at, SelectorErrorKind::NotSupported));
        }
        if matchers.iter().all(|matcher| matcher.matches("")) {
            return Err((start, SelectorErrorKind::MatchesEverything));
        }
        Ok(Selector { matchers })
    }

    fn matchers(&mut self, matchers: &mut Vec<Matcher>) -> Result<(), Fault> {
        loop {
            self.skip_blanks();
            if self.eat("}") {
                return Ok(());
            }
            let start = self.at;
            let quoted = self.rest().starts_with(['"', '\'', '`']);
            let label = match self.name(false) {
                Some(name) => name.to_owned(),
                None if quoted => self.string()?,
                None => return Err((start, SelectorErrorKind::Expected("a label name or `}`"))),
            };
            self.skip_blanks();
            if quoted && (self.rest().starts_with([',', '}'])) {
                if matchers.iter().any(|matcher| matcher.label == NAME) {
                    return Err((start, SelectorErrorKind::SecondName));
                }
                matchers.push(Matcher::named(label));
            } else {
                matchers.push(self.matcher(label)?);
            }
            self.skip_blanks();
            if !self.eat(",") && !self.rest().starts_with('}') {
                return Err((self.at, SelectorErrorKind::Expected("`,` or `}`")));
            }
        }
    }

    /// From the operator on.
    fn matcher(&mut self, label: String) -> Result<Matcher, Fault> {
        let operators = [("=~", true, false), ("!~", true, true), ("!=", false, true), ("=", false, false)];
        let found = operators.into_iter().find(|(operator, ..)| self.eat(operator));
        let Some((_, regex, negated)) = found else {
            return Err((self.at, SelectorErrorKind::Expected("`=`, `!=`, `=~` or `!~`")));
        };
        self.skip_blanks();
        let start = self.at;
        if !self.rest().starts_with(['"', '\'', '`']) {
            return Err((start, SelectorErrorKind::Expected("a value in quotes")));
        }
        let value = self.string()?;
        let pattern = if regex {
            Pattern::Regex(anchored(&value).map_err(|kind| (start, kind))?)
        } else {
            Pattern::Equal(value)
        };
        Ok(Matcher { label, negated, pattern })
    }

    /// A string in any of PromQL's three quotes, without them and its escapes.
    fn string(&mut self) -> Result<String, Fault> {
        let opening = self.at;
        let mut characters = self.rest().char_indices();
        let quote = characters.next().map(|(_, quote)| quote);
        let mut value = String::new();
        while let Some((offset, character)) = characters.next() {
            if Some(character) == quote {
                self.at = opening + offset + character.len_utf8();
                return Ok(value);
            }
            match character {
                '\\' if quote != Some('`') => match characters.next().map(|(_, escaped)| escaped) {
                    Some('n') => value.push('\n'),
                    Some('t') => value.push('\t'),
                    Some('r') => value.push('\r'),
                    Some(escaped @ ('\\' | '"' | '\'')) => value.push(escaped),
                    _ => return Err((opening + offset, SelectorErrorKind::UnknownEscape)),
                },
                '\n' if quote != Some('`') => break,
                _ => value.push(character),
            }
        }
        Err((opening, SelectorErrorKind::UnterminatedString))
    }

    fn name(&mut self, colons: bool) -> Option<&'a str> {
        let allowed = |byte: u8| colons || byte != b':';
        let rest = self.rest();
        if !rest.bytes().next().is_some_and(|byte| is_metric_name_start(byte) && allowed(byte)) {
            return None;
        }
        let length = rest.bytes().take_while(|byte| is_metric_name_byte(*byte) && allowed(*byte)).count();
        self.at += length;
        rest.get(..length)
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let next = self.rest().starts_with(token);
        if next {
            self.at += token.len();
        }
        next
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

impl Matcher {
    fn named(name: String) -> Self {
        Matcher { label: NAME.to_owned(), negated: false, pattern: Pattern::Equal(name) }
    }
}

/// As Prometheus: anchored at both ends, and `.` matches a line feed.
fn anchored(pattern: &str) -> Result<Regex, SelectorErrorKind> {
    let refused = |error: regex::Error| {
        let message = error.to_string();
        let last = message.lines().last().unwrap_or_default();
        SelectorErrorKind::Regex(format!(
            "invalid regular expression: {}",
            last.trim_start_matches("error: ")
        ))
    };
    Regex::new(pattern).map_err(refused)?; // alone first: `a)(b` must not balance inside our own group
    Regex::new(&format!(r"\A(?s:{pattern})\z")).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuse(text: &str, offset: usize, message: &str) {
        let error = Selector::parse(text).unwrap_err();
        assert_eq!((error.offset, error.to_string().as_str()), (offset, message), "{text}");
    }

    #[test]
    fn anything_beyond_a_plain_selector_is_not_supported_yet() {
        let message = "not supported yet: only a plain selector such as backend_loop_hz{job=\"backend\"}";
        refuse("rate(hz[5m])", 4, message);
        refuse("hz[5m]", 2, message);
        refuse("hz offset 5m", 3, message);
        refuse("hz{a=\"b\"} > 95", 10, message);
        refuse("sum by (job) (hz)", 4, message);
        refuse("(hz)", 0, message);
        refuse("1 + hz", 0, message);
        refuse("-hz", 0, message);
    }

    #[test]
    fn errors_say_where_and_what() {
        refuse("", 0, "expected a metric name or `{`");
        refuse("hz{", 3, "expected a label name or `}`");
        refuse("hz{ä=\"b\"}", 3, "expected a label name or `}`");
        refuse("hz{a}", 4, "expected `=`, `!=`, `=~` or `!~`");
        refuse("hz{a=b}", 5, "expected a value in quotes");
        refuse("hz{a=\"ä\" c=\"d\"}", 9, "expected `,` or `}`");
        refuse("hz{a=\"b}", 5, "the string does not end");
        refuse("hz{a=\"\\d\"}", 6, "unknown escape; in a string write \\\\ for a backslash");
        refuse("hz{\"other\"}", 3, "the metric name is given twice");
        refuse("{}", 0, "at least one matcher must refuse the empty value, as in PromQL");
        refuse("{a=~\".*\"}", 0, "at least one matcher must refuse the empty value, as in PromQL");
        refuse("hz{a=~\"(\"}", 6, "invalid regular expression: unclosed group");
        refuse("hz{a=~\"a)(b\"}", 6, "invalid regular expression: unopened group");
    }
}
