//! minijinja as the evaluator of expressions that the fast path does not know.

use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Enumerator, Object, Value};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use super::error::{EvalError, TemplateError};
use super::path::{Path, Root};
use super::scope::Scope;
use super::{functions, syntax};

/// The language: filters, tests and functions. It is the same for every plan and never changes, so
/// it is a constant, and a compiled expression borrows it without a count or a lock.
static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Only so does an error say which path is undefined; it costs nothing until one is.
    environment.set_debug(true);
    functions::add_to(&mut environment);
    environment
});

/// Whether `{{ name() }}` calls a function.
pub(super) fn is_function(name: &str) -> bool {
    LANGUAGE.globals().any(|(known, _)| known == name)
}

pub(super) fn function_names() -> Vec<&'static str> {
    LANGUAGE.globals().map(|(name, _)| name).collect()
}

pub(super) fn is_filter(name: &str) -> bool {
    // The only way to ask: minijinja's own test `filter`.
    LANGUAGE.empty_state().perform_test("filter", &[Value::from(name)]).unwrap_or(false)
}

pub(super) fn is_test(name: &str) -> bool {
    LANGUAGE.empty_state().perform_test("test", &[Value::from(name)]).unwrap_or(false)
}

/// An expression in minijinja's code.
pub(super) type Code = minijinja::Expression<'static, 'static>;

/// Reads an expression; the names in it are not looked at.
pub(super) fn compile(text: &str) -> Result<Code, TemplateError> {
    LANGUAGE.compile_expression_owned(text.to_owned()).map_err(|error| syntax::explain(text, &error))
}

/// An expression that minijinja evaluates.
pub(super) struct Engine {
    code: Code,
    /// The same, in an operation that fails on an undefined value and so names it.
    asserted: Option<Code>,
    source: Box<str>,
    roots: Arc<[Root]>,
    /// The paths written out in the expression, for errors that do not name one.
    paths: Vec<Path>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Engine").field(&self.source).finish()
    }
}

impl Engine {
    pub(super) fn new(code: Code, source: &str, roots: &[Root], paths: Vec<Path>) -> Self {
        let asserted = compile(&format!("({source}) == none")).ok();
        Engine { code, asserted, source: source.trim().into(), roots: roots.into(), paths }
    }

    pub(super) fn eval(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        let values = self.roots.iter().map(|root| root.value(scope)).collect();
        let context = Value::from_object(Context { roots: Arc::clone(&self.roots), values });
        match self.code.eval(context.clone()) {
            Ok(value) if value.is_undefined() => {
                let named = self.asserted.as_ref().and_then(|asserted| asserted.eval(context).err());
                Err(named.map_or_else(|| self.undefined(scope), |error| self.explain(&error, scope)))
            }
            Ok(value) => Ok(value),
            Err(error) => Err(self.explain(&error, scope)),
        }
    }

    fn explain(&self, error: &minijinja::Error, scope: &Scope<'_>) -> EvalError {
        // Whatever was undefined because of it, minijinja cannot know why.
        if scope.exchange.is_some_and(|exchange| exchange.spent().is_some()) {
            return self.undefined(scope);
        }
        let detail = error.detail().unwrap_or_default();
        if let Some(path) = undefined_path(detail) {
            return EvalError::undefined(path);
        }
        match error.kind() {
            ErrorKind::UndefinedError => self.undefined(scope),
            kind if detail.is_empty() => EvalError::new(kind.to_string()),
            _ => EvalError::new(detail),
        }
    }

    /// The first path written in the expression that is undefined, else the whole expression.
    fn undefined(&self, scope: &Scope<'_>) -> EvalError {
        let blamed = self.paths.iter().find_map(|path| path.defined(scope).err());
        blamed.unwrap_or_else(|| EvalError::undefined(&self.source))
    }
}

/// The path in minijinja's "… `path` is undefined …".
fn undefined_path(detail: &str) -> Option<&str> {
    let (before, _) = detail.split_once("` is undefined")?;
    let (_, path) = before.rsplit_once('`')?;
    // What minijinja could not name it writes so.
    if path.contains("(...)") || path.contains("[...]") { None } else { Some(path) }
}

/// The values of the names that the expression uses.
#[derive(Debug)]
struct Context {
    roots: Arc<[Root]>,
    values: Vec<Value>,
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let place = self.roots.iter().position(|root| root.name() == key)?;
        self.values.get(place).filter(|value| !value.is_undefined()).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.roots.iter().map(|root| Value::from(root.name())).collect())
    }
}
