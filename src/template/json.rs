//! JSON documents with templates in their strings.

use std::borrow::Cow;
use std::ops::BitOr;

use super::error::{EvalError, TemplateError};
use super::expression::{ExchangeReads, Expression};
use super::names::Names;
use super::scope::Scope;
use super::text::{Part, split};
use super::write;

/// What an expression's value is guessed to need, in bytes, when room is made for a rendered document.
const VALUE_BYTES: usize = 24;

/// A JSON document whose strings, and whose objects' keys, are templates. A string that is exactly
/// one `{{ expression }}` takes the expression's type; in any other it is rendered as text.
#[derive(Debug)]
pub struct JsonTemplate {
    pieces: Vec<Piece>,
    capacity: usize,
}

#[derive(Debug)]
enum Piece {
    /// JSON as it is.
    Literal(String),
    /// A value of any type.
    Value(Expression),
    /// Part of a string whose quotes are in the pieces around it.
    InString(Expression),
}

impl JsonTemplate {
    /// # Errors
    ///
    /// As [`Template::compile`](super::Template::compile), with the place of the string in the document.
    pub fn compile(document: &serde_json::Value, names: &Names) -> Result<JsonTemplate, TemplateError> {
        let mut compiler = Compiler { names, pieces: Vec::new(), pointer: String::new() };
        compiler.value(document)?;
        let pieces = compiler.pieces;
        let bytes = |piece: &Piece| match piece {
            Piece::Literal(json) => json.len(),
            Piece::Value(_) | Piece::InString(_) => VALUE_BYTES,
        };
        let capacity = pieces.iter().map(bytes).sum();
        Ok(JsonTemplate { pieces, capacity })
    }

    /// The document as compact JSON; a constant one is borrowed.
    ///
    /// # Errors
    ///
    /// When an expression has no value in this scope, or one that JSON cannot hold.
    pub fn render<'a>(&'a self, scope: &Scope<'_>) -> Result<Cow<'a, str>, EvalError> {
        if let Some(json) = self.constant() {
            return Ok(Cow::Borrowed(json));
        }
        let mut out = String::with_capacity(self.capacity);
        for piece in &self.pieces {
            match piece {
                Piece::Literal(json) => out.push_str(json),
                Piece::Value(expression) => write::push_json(&mut out, &expression.eval(scope)?)?,
                Piece::InString(expression) => {
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

    /// The document's JSON, where nothing in it depends on when it is rendered.
    pub fn constant(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Literal(json)] => Some(json),
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
            Piece::Value(expression) | Piece::InString(expression) => Some(expression),
        })
    }
}

struct Compiler<'n> {
    names: &'n Names,
    pieces: Vec<Piece>,
    /// The JSON Pointer of the value at hand.
    pointer: String,
}

impl Compiler<'_> {
    fn value(&mut self, value: &serde_json::Value) -> Result<(), TemplateError> {
        match value {
            serde_json::Value::String(text) => self.string(text),
            serde_json::Value::Array(items) => {
                self.literal("[");
                for (index, item) in items.iter().enumerate() {
                    self.literal(if index == 0 { "" } else { "," });
                    self.below(&index.to_string(), |compiler| compiler.value(item))?;
                }
                self.literal("]");
                Ok(())
            }
            serde_json::Value::Object(members) => {
                self.literal("{");
                for (index, (key, member)) in members.iter().enumerate() {
                    self.literal(if index == 0 { "" } else { "," });
                    self.below(key, |compiler| {
                        compiler.quoted(key)?;
                        compiler.literal(":");
                        compiler.value(member)
                    })?;
                }
                self.literal("}");
                Ok(())
            }
            other => {
                self.literal(&other.to_string());
                Ok(())
            }
        }
    }

    /// A string that is one expression alone takes its type, else it stays a string.
    fn string(&mut self, text: &str) -> Result<(), TemplateError> {
        match self.split(text)?.as_slice() {
            [Part::Expression { text, start }] => {
                let expression = self.expression(text, *start)?;
                let mut json = String::new();
                // A constant that JSON cannot hold stays an expression, and fails when it is rendered.
                match expression.constant().map(|value| write::push_json(&mut json, value)) {
                    Some(Ok(())) => self.literal(&json),
                    _ => self.pieces.push(Piece::Value(expression)),
                }
                Ok(())
            }
            _ => self.quoted(text),
        }
    }

    fn quoted(&mut self, text: &str) -> Result<(), TemplateError> {
        self.literal("\"");
        for part in self.split(text)? {
            match part {
                Part::Text(text) => {
                    let mut escaped = String::new();
                    write::push_escaped(&mut escaped, text);
                    self.literal(&escaped);
                }
                Part::Expression { text, start } => {
                    let expression = self.expression(text, start)?;
                    let (mut text, mut escaped) = (String::new(), String::new());
                    match expression.constant().map(|value| write::push_text(&mut text, value)) {
                        Some(Ok(())) => {
                            write::push_escaped(&mut escaped, &text);
                            self.literal(&escaped);
                        }
                        _ => self.pieces.push(Piece::InString(expression)),
                    }
                }
            }
        }
        self.literal("\"");
        Ok(())
    }

    fn split<'t>(&self, text: &'t str) -> Result<Vec<Part<'t>>, TemplateError> {
        split(text).map_err(|error| self.placed(error))
    }

    fn expression(&self, text: &str, start: usize) -> Result<Expression, TemplateError> {
        Expression::compile(text, self.names).map_err(|error| self.placed(error.shifted(start)))
    }

    fn placed(&self, error: TemplateError) -> TemplateError {
        TemplateError { pointer: Some(self.pointer.clone()), ..error }
    }

    fn literal(&mut self, json: &str) {
        match self.pieces.last_mut() {
            _ if json.is_empty() => {}
            Some(Piece::Literal(before)) => before.push_str(json),
            _ => self.pieces.push(Piece::Literal(json.to_owned())),
        }
    }

    fn below<R>(&mut self, key: &str, work: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        let result = work(self);
        self.pointer.truncate(length);
        result
    }
}
