//! The words of a template: what stands outside of `{{ }}`, and the tokens inside.

use super::TemplateError;
use super::quote::unquoted;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// Outside of actions; trimmed where the actions beside it say so.
    Text(String),
    /// `{{`
    Open,
    /// `}}`
    Close,
    LeftParen,
    RightParen,
    Pipe,
    Comma,
    /// `:=`
    Declare,
    /// `=`
    Assign,
    /// Separates operands; nothing else does.
    Space,
    Dot,
    /// `.name`
    Field(String),
    /// `$name`, or `$` alone; with the sign.
    Variable(String),
    /// A keyword, a constant or a function.
    Word(String),
    Number(String),
    /// As it is written, and what it means.
    Character(String, char),
    Quoted(String, String),
}

/// With the byte offsets at which they begin.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, TemplateError> {
    let mut lexer = Lexer { text, at: 0, found: Vec::new(), parens: Vec::new() };
    let mut trims = false;
    loop {
        let rest = lexer.rest();
        let end = rest.find("{{").unwrap_or(rest.len());
        let closes = rest.len() == end;
        let trims_after = !closes && has_left_trim(&rest[end + 2..]);
        let mut outside = &rest[..end];
        if trims {
            outside = outside.trim_start_matches(is_space);
        }
        if trims_after {
            outside = outside.trim_end_matches(is_space);
        }
        if !outside.is_empty() {
            lexer.found.push((lexer.at, Token::Text(outside.to_owned())));
        }
        if closes {
            return Ok(lexer.found);
        }
        lexer.at += end;
        let open = lexer.at;
        lexer.at += if trims_after { 4 } else { 2 };
        trims = if lexer.rest().starts_with("/*") { lexer.comment(open)? } else { lexer.action(open)? };
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// `_` and whatever Unicode calls a letter or a digit.
fn is_word(c: char) -> bool {
    c == '_' || c.is_alphabetic() || c.is_numeric()
}

fn has_left_trim(after_open: &str) -> bool {
    after_open.strip_prefix('-').is_some_and(|rest| rest.starts_with(is_space))
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    found: Vec<(usize, Token)>,
    /// Offsets of those that are open.
    parens: Vec<usize>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn fail<T>(&self, offset: usize, message: impl Into<String>) -> Result<T, TemplateError> {
        Err(TemplateError::new(offset, message))
    }

    fn push(&mut self, token: Token, length: usize) {
        self.found.push((self.at, token));
        self.at += length;
    }

    /// How long the closing delimiter is that begins here, and whether it trims what follows.
    fn closing(&self) -> Option<(usize, bool)> {
        let rest = self.rest();
        let trimmed = rest.strip_prefix(is_space).is_some_and(|rest| rest.starts_with("-}}"));
        match (trimmed, rest.starts_with("}}")) {
            (true, _) => Some((4, true)),
            (false, true) => Some((2, false)),
            (false, false) => None,
        }
    }

    fn comment(&mut self, open: usize) -> Result<bool, TemplateError> {
        let Some(end) = self.rest()[2..].find("*/") else {
            return self.fail(open, "unclosed comment: expected `*/}}`");
        };
        self.at += 2 + end + 2;
        match self.closing() {
            Some((length, trims)) => {
                self.at += length;
                Ok(trims)
            }
            None => {
                self.fail(self.at, "comment ends before closing delimiter: expected `}}` right after `*/`")
            }
        }
    }

    /// Up to and with the closing delimiter; whether that trims what follows.
    fn action(&mut self, open: usize) -> Result<bool, TemplateError> {
        self.found.push((open, Token::Open));
        self.parens.clear();
        loop {
            if let Some((length, trims)) = self.closing() {
                if let Some(paren) = self.parens.last() {
                    return self.fail(*paren, "unclosed left paren");
                }
                self.push(Token::Close, length);
                return Ok(trims);
            }
            self.token(open)?;
        }
    }

    fn token(&mut self, open: usize) -> Result<(), TemplateError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return self.fail(open, "unclosed action: expected `}}`");
        };
        match first {
            c if is_space(c) => {
                let after = rest.trim_start_matches(is_space);
                let mut length = rest.len() - after.len();
                // The last space belongs to a delimiter that trims.
                if after.starts_with("-}}") && length > 1 {
                    length -= 1;
                }
                self.push(Token::Space, length);
            }
            ':' if rest.starts_with(":=") => self.push(Token::Declare, 2),
            '=' => self.push(Token::Assign, 1),
            '|' => self.push(Token::Pipe, 1),
            ',' => self.push(Token::Comma, 1),
            '(' => {
                self.parens.push(self.at);
                self.push(Token::LeftParen, 1);
            }
            ')' => {
                if self.parens.pop().is_none() {
                    return self.fail(self.at, "unexpected right paren");
                }
                self.push(Token::RightParen, 1);
            }
            '"' | '`' | '\'' => return self.quoted(first),
            '$' => {
                let name = self.name(1)?;
                self.push(Token::Variable(format!("${name}")), 1 + name.len());
            }
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let name = self.name(1)?;
                let token = if name.is_empty() { Token::Dot } else { Token::Field(name.to_owned()) };
                self.push(token, 1 + name.len());
            }
            '.' | '+' | '-' | '0'..='9' => return self.number(),
            c if is_word(c) => {
                let name = self.name(0)?;
                self.push(Token::Word(name.to_owned()), name.len());
            }
            c => return self.fail(self.at, format!("unrecognized character in action: {c:?}")),
        }
        Ok(())
    }

    /// The name that begins after `skipped` bytes; empty if none does.
    fn name(&self, skipped: usize) -> Result<&'t str, TemplateError> {
        let rest = &self.rest()[skipped..];
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        match rest[end..].chars().next() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(' | '}') => Ok(&rest[..end]),
            Some(c) if is_space(c) => Ok(&rest[..end]),
            Some(c) => self.fail(self.at + skipped + end, format!("bad character {c:?} after a name")),
        }
    }

    fn number(&mut self) -> Result<(), TemplateError> {
        let rest = self.rest();
        let mut end = usize::from(rest.starts_with(['+', '-']));
        let mut before = ' ';
        for c in rest[end..].chars() {
            let signs_exponent = matches!(c, '+' | '-') && matches!(before, 'e' | 'E' | 'p' | 'P');
            if !(is_word(c) || c == '.' || signs_exponent) {
                break;
            }
            (before, end) = (c, end + c.len_utf8());
        }
        self.push(Token::Number(rest[..end].to_owned()), end);
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), TemplateError> {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find_map(|(at, c)| match c {
            '\n' if quote != '`' => Some(None),
            _ if escaped => {
                escaped = false;
                None
            }
            '\\' if quote != '`' => {
                escaped = true;
                None
            }
            c => (c == quote).then_some(Some(at)),
        });
        let Some(Some(end)) = end else {
            return self.fail(self.at, format!("unterminated quoted string: expected {quote}"));
        };
        let (source, inside) = (&rest[..=end], &rest[1..end]);
        let value = match quote {
            '`' => inside.replace('\r', ""),
            _ => match unquoted(inside, quote) {
                Ok(value) => value,
                Err(message) => return self.fail(self.at, format!("{message} in {source}")),
            },
        };
        let token = if quote == '\'' {
            let mut characters = value.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => Token::Character(source.to_owned(), character),
                _ => {
                    return self.fail(
                        self.at,
                        format!("malformed character constant: {source}: quote text with \""),
                    );
                }
            }
        } else {
            Token::Quoted(source.to_owned(), value)
        };
        self.push(token, end + 1);
        Ok(())
    }
}
