//! What is wrong with an expression before any name in it is looked at.

use super::engine;
use super::error::TemplateError;
use super::token::{Token, tokens};

/// How many names and operators an expression may have. minijinja reads `not not not …` and walks
/// `a + b + c …` by recursion without a limit of its own; some thousands would exhaust the stack.
const MAX_OPERATIONS: usize = 256;

/// Reads an expression and checks its filters and tests.
pub(super) fn read(text: &str) -> Result<engine::Code, TemplateError> {
    let tokens = tokens(text);
    let constant =
        |token: Token<'_>| matches!(token, Token::Str { .. } | Token::Number(_) | Token::Symbol(","));
    if tokens.iter().filter(|(_, token)| !constant(*token)).count() > MAX_OPERATIONS {
        let message = format!("the expression has more than {MAX_OPERATIONS} names and operators");
        return Err(TemplateError::at(0, message).help("split it with `set` steps"));
    }
    if text.trim().is_empty() {
        return Err(TemplateError::at(0, "the expression is empty"));
    }
    if text.trim_start().starts_with("{{") {
        let offset = text.len() - text.trim_start().len();
        return Err(TemplateError::at(offset, "`{{` does not belong here")
            .help("this place takes an expression: write it without `{{ }}`"));
    }
    let code = engine::compile(text)?;
    check_filters_and_tests(&tokens)?;
    Ok(code)
}

/// minijinja finds out only when it evaluates.
fn check_filters_and_tests(tokens: &[(usize, Token<'_>)]) -> Result<(), TemplateError> {
    for (place, (at, token)) in tokens.iter().enumerate() {
        let Token::Ident(name) = token else { continue };
        let unknown = match role(tokens, place) {
            Role::Filter if !engine::is_filter(name) => "filter",
            Role::Test if !engine::is_test(name) => "test",
            _ => continue,
        };
        return Err(TemplateError::at(*at, format!("unknown {unknown} `{name}`"))
            .help(format!("minijinja's documentation lists every {unknown}")));
    }
    Ok(())
}

/// What an identifier is where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Looked up in the scope.
    Name,
    /// Looked up in the scope and called.
    Call,
    Attribute,
    Filter,
    Test,
    Keyword,
    /// The name of a named argument.
    Argument,
}

const KEYWORDS: [&str; 13] =
    ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];

pub(super) fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&name)
}

/// The role of the identifier at `place`.
pub(super) fn role(tokens: &[(usize, Token<'_>)], place: usize) -> Role {
    let token = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map(|(_, token)| *token);
    let before = token(place.checked_sub(1));
    let negated = before == Some(Token::Ident("not"));
    let test_of = if negated { token(place.checked_sub(2)) } else { before };
    match (before, tokens[place].1, token(Some(place + 1))) {
        (Some(Token::Symbol(".")), _, _) => Role::Attribute,
        (Some(Token::Symbol("|")), _, _) => Role::Filter,
        (_, Token::Ident("not"), _) => Role::Keyword,
        _ if test_of == Some(Token::Ident("is")) => Role::Test,
        (_, Token::Ident(name), _) if is_keyword(name) => Role::Keyword,
        (_, _, Some(Token::Symbol("="))) => Role::Argument,
        (_, _, Some(Token::Symbol("("))) => Role::Call,
        _ => Role::Name,
    }
}

/// minijinja's syntax error with its place, and what JavaScript's habits should have been.
pub(super) fn explain(text: &str, error: &minijinja::Error) -> TemplateError {
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let offset = error.range().map_or(0, |range| range.start).min(text.len());
    let mut explained = TemplateError::at(offset, message);
    if let Some((at, help)) = habit(text) {
        explained.offset = Some(at);
        explained.help = Some(help.to_owned());
    }
    explained
}

fn habit(text: &str) -> Option<(usize, &'static str)> {
    let tokens = tokens(text);
    let mut depth = 0_u32;
    for (place, (at, token)) in tokens.iter().enumerate() {
        let next = tokens.get(place + 1).filter(|(next, _)| *next == at + 1).map(|(_, token)| *token);
        let Token::Symbol(symbol) = token else { continue };
        match (*symbol, next) {
            ("(", _) => depth += 1,
            (")", _) => depth = depth.saturating_sub(1),
            ("&", Some(Token::Symbol("&"))) => return Some((*at, "write `and` for `&&`")),
            ("|", Some(Token::Symbol("|"))) => return Some((*at, "write `or` for `||`")),
            ("!", _) => return Some((*at, "write `not` for `!`")),
            ("?", _) => return Some((*at, "write `a if condition else b` for `condition ? a : b`")),
            ("=", _) if depth == 0 => return Some((*at, "compare with `==`")),
            _ => {}
        }
    }
    None
}
