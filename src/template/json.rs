//! JSON documents with templates in their strings.

use super::error::TemplateError;
use super::expression::Expression;
use super::names::Names;
use super::text::{Part, Piece, Template, push_literal, split};
use super::write;

impl Template {
    /// A JSON document whose strings, and whose objects' keys, are templates. A string that is exactly one
    /// `{{ expression }}` takes the expression's type; in any other it is rendered as text. Rendered, it is
    /// compact JSON; an expression whose value JSON cannot hold is an error then.
    ///
    /// # Errors
    ///
    /// As [`compile`](Self::compile), with the place of the string in the document.
    pub fn compile_json(document: &serde_json::Value, names: &Names) -> Result<Template, TemplateError> {
        let mut compiler = Compiler { names, pieces: Vec::new(), pointer: String::new() };
        compiler.value(document)?;
        Ok(Template::of(compiler.pieces))
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
                    _ => self.pieces.push(Piece::Json(expression)),
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
                        _ => self.pieces.push(Piece::JsonText(expression)),
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
        push_literal(&mut self.pieces, json);
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
