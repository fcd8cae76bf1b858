//! Compiled expressions: `json.type == "done"`.

use std::collections::BTreeSet;
use std::ops::BitOr;

use minijinja::Value;
use minijinja::value::ValueKind;

use super::engine::Engine;
use super::error::{EvalError, TemplateError};
use super::fast::{self, Node};
use super::names::Names;
use super::path::{Path, Root, Step as PathStep};
use super::scope::Scope;
use super::{syntax, write};

/// An expression whose names are known to exist. Evaluation locks nothing and, where the expression
/// is a simple one, does not enter minijinja.
#[derive(Debug)]
pub struct Expression {
    program: Program,
    reads: ExchangeReads,
    /// Each once.
    tables: Box<[Box<str>]>,
}

#[derive(Debug)]
enum Program {
    Fast(Node),
    Engine(Box<Engine>),
}

/// What is read of exchanges: what nothing reads is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExchangeReads {
    pub anything: bool,
    pub headers: bool,
    /// As `body` or as `json`.
    pub body: bool,
}

impl BitOr for ExchangeReads {
    type Output = ExchangeReads;

    /// What either reads.
    fn bitor(self, other: ExchangeReads) -> ExchangeReads {
        ExchangeReads {
            anything: self.anything | other.anything,
            headers: self.headers | other.headers,
            body: self.body | other.body,
        }
    }
}

/// Checks an expression without looking up its names.
///
/// # Errors
///
/// When minijinja's syntax does not allow it, or a filter or test in it does not exist.
pub fn check_syntax_expression(text: &str) -> Result<(), TemplateError> {
    syntax::read(text).map(|_| ())
}

impl Expression {
    /// # Errors
    ///
    /// When the syntax is wrong, or a name, function, filter or test in it does not exist.
    pub fn compile(text: &str, names: &Names) -> Result<Expression, TemplateError> {
        Self::with_program(text, names, true)
    }

    /// Like [`compile`](Self::compile), but always by minijinja: what the fast path is held against.
    #[cfg(test)]
    pub(super) fn compile_by_engine(text: &str, names: &Names) -> Result<Expression, TemplateError> {
        Self::with_program(text, names, false)
    }

    fn with_program(text: &str, names: &Names, fast: bool) -> Result<Expression, TemplateError> {
        let code = syntax::read(text)?;
        let usage = names.check(text)?;
        let reads = ExchangeReads {
            anything: usage.roots.iter().any(Root::of_exchange),
            headers: usage.roots.contains(&Root::Headers),
            body: usage.roots.iter().any(|root| matches!(root, Root::Body | Root::Json)),
        };
        let table = |path: &Path| path.steps.first().and_then(PathStep::key).map(Box::from);
        let of_data = usage.paths.iter().filter(|path| path.root == Root::Data);
        let tables = of_data.filter_map(table).collect::<BTreeSet<Box<str>>>().into_iter().collect();
        let program = match fast::parse(text, names) {
            Some(node) if fast => Program::Fast(node),
            _ => Program::Engine(Box::new(Engine::new(code, text, &usage.roots, usage.paths))),
        };
        Ok(Expression { program, reads, tables })
    }

    /// # Errors
    ///
    /// When something it needs is undefined, or an operation does not fit its values.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        match &self.program {
            Program::Fast(node) => node.eval(scope),
            Program::Engine(engine) => engine.eval(scope),
        }
    }

    /// Whether the value is true as minijinja sees it: not `false`, `none`, 0 or empty.
    ///
    /// # Errors
    ///
    /// As [`eval`](Self::eval).
    pub fn is_true(&self, scope: &Scope<'_>) -> Result<bool, EvalError> {
        match &self.program {
            Program::Fast(node) => node.is_true(scope),
            Program::Engine(engine) => Ok(engine.eval(scope)?.is_true()),
        }
    }

    /// The value as a finite number: booleans are 0 and 1, a string must be a number written out.
    ///
    /// # Errors
    ///
    /// As [`eval`](Self::eval), and when the value is no finite number.
    pub fn number(&self, scope: &Scope<'_>) -> Result<f64, EvalError> {
        let value = self.eval(scope)?;
        let number = match value.kind() {
            ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
            ValueKind::Number => f64::try_from(value.clone()).ok(),
            ValueKind::String => value.as_str().and_then(|text| text.trim().parse().ok()),
            _ => None,
        };
        number.filter(|number| number.is_finite()).ok_or_else(|| {
            let mut text = String::new();
            match write::push_json(&mut text, &value) {
                Ok(()) => EvalError::new(format!("a number is needed, not {text}")),
                Err(error) => error,
            }
        })
    }

    pub fn reads(&self) -> ExchangeReads {
        self.reads
    }

    /// The tables of `data` that it mentions.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| &**table)
    }

    pub(super) fn constant(&self) -> Option<&Value> {
        match &self.program {
            Program::Fast(Node::Constant(value)) => Some(value),
            _ => None,
        }
    }

    #[cfg(test)]
    pub(super) fn is_fast(&self) -> bool {
        matches!(self.program, Program::Fast(_))
    }
}
