//! The words of an expression that minijinja has already accepted.
//!
//! minijinja keeps its syntax tree to itself, so names and simple expressions are found here. What
//! is not understood becomes a [`Token::Symbol`] and leads to minijinja, never to an error.

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'t> {
    Ident(&'t str),
    /// A string's text between its quotes; with an escape in it, not its value.
    Str {
        raw: &'t str,
        escaped: bool,
    },
    Number(&'t str),
    Symbol(&'t str),
}

/// Symbols of two characters; all others are of one.
const PAIRS: [&str; 6] = ["==", "!=", "<=", ">=", "//", "**"];

/// Tokens with the byte offsets at which they begin.
pub(super) fn tokens(text: &str) -> Vec<(usize, Token<'_>)> {
    let mut tokens: Vec<(usize, Token<'_>)> = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = match first {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            'a'..='z' | 'A'..='Z' | '_' => span(rest, |c| c.is_ascii_alphanumeric() || c == '_'),
            '0'..='9' => {
                let after_dot = matches!(tokens.last(), Some((_, Token::Symbol("."))));
                number_length(rest, after_dot)
            }
            '"' | '\'' => string_length(rest, first),
            c => PAIRS.iter().find(|pair| rest.starts_with(**pair)).map_or(c.len_utf8(), |_| 2),
        };
        let word = &rest[..length];
        let token = match first {
            'a'..='z' | 'A'..='Z' | '_' => Token::Ident(word),
            '0'..='9' => Token::Number(word),
            '"' | '\'' => {
                let raw = word[1..].strip_suffix(first).unwrap_or(&word[1..]);
                Token::Str { raw, escaped: raw.contains('\\') }
            }
            _ => Token::Symbol(word),
        };
        tokens.push((at, token));
        at += length;
    }
    tokens
}

fn span(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// A number right after a dot is an index and has no fraction: `json.1.0` is `json[1][0]`.
fn number_length(text: &str, after_dot: bool) -> usize {
    let whole = span(text, |c| c.is_ascii_alphanumeric() || c == '_');
    let fraction =
        text[whole..].strip_prefix('.').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match fraction {
        Some(rest) if !after_dot => whole + 1 + span(rest, |c| c.is_ascii_alphanumeric() || c == '_'),
        _ => whole,
    }
}

fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let word = |(_, token)| match token {
            Token::Ident(word) | Token::Number(word) | Token::Symbol(word) => word,
            Token::Str { raw, .. } => raw,
        };
        tokens(text).into_iter().map(word).collect()
    }

    #[test]
    fn an_expression_falls_into_its_words() {
        assert_eq!(words("a.b[0]==\"x y\""), ["a", ".", "b", "[", "0", "]", "==", "x y"]);
        assert_eq!(words("a<=1.5 and not b"), ["a", "<=", "1.5", "and", "not", "b"]);
        assert_eq!(words("a.1.0"), ["a", ".", "1", ".", "0"]);
        assert_eq!(words(r#"'it\'s' ~ "}}""#), [r"it\'s", "~", "}}"]);
        assert_eq!(words("1e5 0x1f 1_000"), ["1e5", "0x1f", "1_000"]);
    }

    #[test]
    fn text_that_is_no_expression_still_ends() {
        assert_eq!(words("'open"), ["open"]);
        assert_eq!(words("é \\ 1.é"), ["é", "\\", "1", ".", "é"]);
        assert_eq!(words("'"), [""]);
    }
}
