//! Templates: text with `{{ expressions }}`, cut up when the plan is loaded.

use std::borrow::Cow;
use std::ops::BitOr;

use super::error::{EvalError, TemplateError};
use super::expression::{ExchangeReads, Expression, check_syntax_expression};
use super::names::Names;
use super::scope::Scope;
use super::write;

/// What an expression's value is guessed to need, in bytes, when room is made for a rendered text.
const VALUE_BYTES: usize = 24;

/// A text, or a JSON document, with expressions in it.
#[derive(Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    capacity: usize,
}

#[derive(Debug)]
pub(super) enum Piece {
    /// As it is.
    Literal(String),
    Text(Expression),
    /// A value of any type, written as JSON.
    Json(Expression),
    /// Part of a string in JSON, whose quotes are in the pieces around it.
    JsonText(Expression),
}

/// Checks a template without looking up the names in it.
///
/// # Errors
///
/// When an expression is not closed or its syntax is wrong, or the text holds `{%` or `{#`.
pub fn check_syntax_template(text: &str) -> Result<(), TemplateError> {
    for part in split(text)? {
        if let Part::Expression { text, start } = part {
            check_syntax_expression(text).map_err(|error| error.shifted(start))?;
        }
    }
    Ok(())
}

impl Template {
    /// A text that is taken as it is, whatever is in it.
    pub fn literal(text: &str) -> Template {
        Template::of(vec![Piece::Literal(text.to_owned())])
    }

    /// # Errors
    ///
    /// As [`check_syntax_template`], and when a name in an expression does not exist.
    pub fn compile(text: &str, names: &Names) -> Result<Template, TemplateError> {
        let mut pieces = Vec::new();
        for part in split(text)? {
            match part {
                Part::Text(text) => push_literal(&mut pieces, text),
                Part::Expression { text, start } => {
                    let expression =
                        Expression::compile(text, names).map_err(|error| error.shifted(start))?;
                    push_expression(&mut pieces, expression);
                }
            }
        }
        Ok(Template::of(pieces))
    }

    pub(super) fn of(pieces: Vec<Piece>) -> Template {
        let bytes = |piece: &Piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::Text(_) | Piece::Json(_) | Piece::JsonText(_) => VALUE_BYTES,
        };
        let capacity = pieces.iter().map(bytes).sum();
        Template { pieces, capacity }
    }

    /// The text with its expressions filled in; a constant template is borrowed.
    ///
    /// # Errors
    ///
    /// When an expression has no value in this scope.
    pub fn render<'a>(&'a self, scope: &Scope<'_>) -> Result<Cow<'a, str>, EvalError> {
        if let Some(text) = self.constant() {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(self.capacity);
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Text(expression) => write::push_text(&mut out, &expression.eval(scope)?)?,
                Piece::Json(expression) => write::push_json(&mut out, &expression.eval(scope)?)?,
                Piece::JsonText(expression) => {
                    let value = expression.eval(scope)?;
                    match value.as_str() {
                        Some(text) => write::push_escaped(&mut out, text),
                        None => {
                            let mut text = String::new();
                            write::push_text(&mut text, &value)?;
                            write::push_escaped(&mut out, &text);
                        }
                    }
                }
            }
        }
        Ok(Cow::Owned(out))
    }

    /// The text, where nothing in it depends on when it is rendered.
    pub fn constant(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    pub fn reads(&self) -> ExchangeReads {
        self.expressions().map(Expression::reads).fold(ExchangeReads::default(), BitOr::bitor)
    }

    /// The tables of `data` that it mentions.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.expressions().flat_map(Expression::tables)
    }

    fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Text(expression) | Piece::Json(expression) | Piece::JsonText(expression) => {
                Some(expression)
            }
        })
    }
}

pub(super) fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Literal(before)) => before.push_str(text),
        _ => pieces.push(Piece::Literal(text.to_owned())),
    }
}

fn push_expression(pieces: &mut Vec<Piece>, expression: Expression) {
    let mut text = String::new();
    // A constant that cannot be written stays an expression, and fails when it is rendered.
    match expression.constant().map(|value| write::push_text(&mut text, value)) {
        Some(Ok(())) => push_literal(pieces, &text),
        _ => pieces.push(Piece::Text(expression)),
    }
}

#[derive(Debug, PartialEq)]
pub(super) enum Part<'t> {
    Text(&'t str),
    /// What stands between `{{` and `}}`, and where it begins.
    Expression {
        text: &'t str,
        start: usize,
    },
}

/// Cuts a template at its `{{` and `}}`. Only expressions are allowed: minijinja's statements would
/// bring loops, and its comments a second way to write a comment.
pub(super) fn split(text: &str) -> Result<Vec<Part<'_>>, TemplateError> {
    let mut parts = Vec::new();
    let mut done = 0;
    while let Some((open, kind)) = next_opening(text, done) {
        match kind {
            b'%' => return Err(literal(open, "{%", "statements are not supported: only `{{ }}` is")),
            b'#' => return Err(literal(open, "{#", "comments are not supported: use YAML's `#`")),
            _ => {}
        }
        let start = open + 2;
        let Some(end) = closing(text, start) else {
            return Err(TemplateError::at(open, "`{{` is not closed").help("end the expression with `}}`"));
        };
        let expression = &text[start..end];
        if expression.starts_with('-') || expression.ends_with('-') {
            return Err(TemplateError::at(start, "`{{-` and `-}}` are not supported")
                .help("put a space before and after the expression"));
        }
        if open > done {
            parts.push(Part::Text(&text[done..open]));
        }
        parts.push(Part::Expression { text: expression, start });
        done = end + 2;
    }
    if done < text.len() {
        parts.push(Part::Text(&text[done..]));
    }
    Ok(parts)
}

fn literal(at: usize, opening: &str, message: &str) -> TemplateError {
    TemplateError::at(at, message)
        .help(format!("for the characters themselves write `{{{{ \"{opening}\" }}}}`"))
}

/// The next `{{`, `{%` or `{#` from `from` on, and its second byte.
fn next_opening(text: &str, from: usize) -> Option<(usize, u8)> {
    let bytes = text.as_bytes();
    let second = |at: usize| bytes.get(at + 1).copied().filter(|byte| b"{%#".contains(byte));
    (from..bytes.len()).filter(|at| bytes[*at] == b'{').find_map(|at| second(at).map(|kind| (at, kind)))
}

/// Where the expression that begins at `from` ends: the first `}}` outside its strings and maps.
fn closing(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut quote, mut depth, mut at) = (None, 0_usize, from);
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (None, _) => {}
        }
        at += 1;
    }
    None
}
