//! Labels and annotations of alert rules: Go's text/template with the functions of Prometheus 3. Pure.
//!
//! A text that names an unknown function, variable or template, or a construct that does not exist, is refused when it
//! is parsed. What only the values show fails when it is expanded, and what then stands in place of the text reads as
//! Prometheus' own ([`TemplateError::in_place_of_text`]).
//!
//! Left out: `call` (there is nothing to call), complex numbers, and methods beyond those of times and durations.

mod builtins;
mod constant;
mod error;
mod eval;
mod expression;
mod functions;
mod humanize;
mod methods;
mod moment;
mod number;
mod operand;
mod parse;
mod printer;
mod printf;
mod quote;
mod syntax;
mod text;
mod token;
mod value;

#[cfg(test)]
mod tests;

pub use error::TemplateError;
pub use text::table_link_path;

use crate::labels::Labels;
use crate::promql::Sample;
use syntax::{Definition, Node};

/// A parsed template; all functions and variables it names exist.
#[derive(Debug, Clone)]
pub struct Template {
    text: String,
    nodes: Vec<Node>,
    definitions: Vec<Definition>,
}

/// What a template can say something about.
#[derive(Clone, Copy)]
pub struct Data<'a> {
    /// Of the alert's sample, with its `__name__` if it has one, and without those that the rule adds.
    pub labels: &'a Labels,
    pub value: f64,
    pub external_labels: &'a Labels,
    pub external_url: &'a str,
    /// What `query` asks; evaluated at the moment of the rule.
    pub query: &'a dyn Fn(&str) -> Result<Vec<Sample>, String>,
    /// The moment of the evaluation, in milliseconds since the Unix epoch.
    pub now_ms: i64,
}

impl Template {
    /// # Errors
    /// Of syntax; of functions, variables and constructs that are unknown. The offset is a place in `text`.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let parse::Parsed { nodes, definitions } = parse::parse(text)?;
        Ok(Template { text: text.to_owned(), nodes, definitions })
    }

    /// # Errors
    /// Whatever only the values show: a function's wrong argument, a query that fails, an index out of range.
    pub fn expand(&self, data: &Data<'_>) -> Result<String, TemplateError> {
        eval::expand(self, data)
    }

    /// The text it was parsed from.
    pub fn text(&self) -> &str {
        &self.text
    }
}
