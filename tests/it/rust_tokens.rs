//! Rust source as words and marks, without comments, strings and characters: enough to find paths.

/// A word, `::` or another mark.
pub(crate) struct Token {
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
}

pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = match skipped(rest) {
            Some(length) => length,
            None if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                found.push(Token { text: rest[..length].to_owned(), line });
                length
            }
            None => {
                let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
                found.push(Token { text: rest[..length].to_owned(), line });
                length
            }
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How many bytes of white space, a comment or a literal the text begins with.
fn skipped(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    if first.is_whitespace() {
        return Some(first.len_utf8());
    }
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    let bare = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - bare.len();
    if prefix > 1 {
        return None;
    }
    let literal = match bare.chars().next()? {
        '"' => quoted(bare, '"'),
        'r' => raw_string(bare),
        '\'' => character(bare),
        _ => None,
    };
    literal.map(|length| prefix + length)
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// From one quote to the next that no backslash precedes.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// `r"…"`, `r#"…"#`; not the raw word `r#type`.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text[1..].len() - text[1..].trim_start_matches('#').len();
    let inner = text[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    inner.find(&end).map(|at| 2 + hashes + at + end.len())
}

/// `'a'` and `'\n'`; not the lifetime `'a`.
fn character(text: &str) -> Option<usize> {
    let mut inner = text.chars().skip(1);
    match (inner.next()?, inner.next()?) {
        ('\\', _) => quoted(text, '\''),
        (c, '\'') => Some(2 + c.len_utf8()),
        _ => None,
    }
}
