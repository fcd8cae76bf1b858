//! A template's tree, and how Go writes its parts anew when it says where something failed.

use std::fmt;

use super::functions::Function;

/// A byte offset into the template's text.
pub(super) type Offset = usize;

#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(String),
    Action(Pipeline),
    If(Branches),
    With(Branches),
    Range(Branches),
    Break,
    Continue,
    /// `template`, and where `block` stands.
    Call(Call),
}

#[derive(Debug, Clone)]
pub(super) struct Branches {
    pub(super) pipeline: Pipeline,
    pub(super) then: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) offset: Offset,
    pub(super) name: String,
    pub(super) argument: Option<Pipeline>,
}

/// `define`, or what stands in a `block`.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
pub(super) struct Pipeline {
    pub(super) offset: Offset,
    /// Variables that are declared or assigned, with their sign.
    pub(super) variables: Vec<String>,
    pub(super) assigns: bool,
    pub(super) commands: Vec<Command>,
}

/// Operands, of which the first may be a function or a method; never empty.
#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) offset: Offset,
    pub(super) first: Operand,
    pub(super) arguments: Vec<Operand>,
}

#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub(super) offset: Offset,
    pub(super) term: Term,
}

#[derive(Debug, Clone)]
pub(super) enum Term {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    /// As it is written, and what it means.
    Text(String, String),
    /// `.a.b`: fields of dot; never empty.
    Fields(Vec<String>),
    /// `$a.b`
    Variable(String, Vec<String>),
    Function(&'static Function),
    /// In parentheses.
    Pipeline(Box<Pipeline>),
    /// `(…).a.b`, or a function's result; never without a field.
    Chain(Box<Operand>, Vec<String>),
}

/// A constant is what its place wants it to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    pub(super) source: String,
    pub(super) int: Option<i64>,
    pub(super) float: f64,
    /// Whether it is a float where any type will do.
    pub(super) reads_as_float: bool,
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            write!(f, "{} {} ", self.variables.join(", "), if self.assigns { "=" } else { ":=" })?;
        }
        for (at, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if at == 0 { "" } else { " | " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        parenthesized(&self.first, f)?;
        self.arguments.iter().try_for_each(|argument| {
            f.write_str(" ")?;
            parenthesized(argument, f)
        })
    }
}

fn parenthesized(operand: &Operand, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &operand.term {
        Term::Pipeline(pipeline) => write!(f, "({pipeline})"),
        _ => write!(f, "{operand}"),
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chained = |fields: &[String]| fields.iter().map(|field| format!(".{field}")).collect::<String>();
        match &self.term {
            Term::Dot => f.write_str("."),
            Term::Nil => f.write_str("nil"),
            Term::Bool(value) => write!(f, "{value}"),
            Term::Number(number) => f.write_str(&number.source),
            Term::Text(source, _) => f.write_str(source),
            Term::Fields(fields) => f.write_str(&chained(fields)),
            Term::Variable(name, fields) => write!(f, "{name}{}", chained(fields)),
            Term::Function(function) => f.write_str(function.name),
            Term::Pipeline(pipeline) => write!(f, "{pipeline}"),
            Term::Chain(first, fields) => {
                parenthesized(first, f)?;
                f.write_str(&chained(fields))
            }
        }
    }
}
