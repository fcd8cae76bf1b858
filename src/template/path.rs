//! A path such as `json.items[0].id`: where a value is found in a scope, and what it is called.

use std::fmt::Write;
use std::sync::Arc;

use minijinja::Value;

use super::error::EvalError;
use super::scope::{ExchangeView, Scope};
use super::token::Token;

/// The first name of a path: what the scope itself knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Root {
    Vu,
    Iteration,
    Scenario,
    Vars,
    Data,
    Status,
    Headers,
    Body,
    Json,
    Duration,
    Error,
    ReceivedMs,
    /// A captured or `set` value.
    Local(Arc<str>),
}

/// The built-in names in the order in which messages list them.
pub(super) const BUILT_IN: [(&str, Root); 12] = [
    ("vu", Root::Vu),
    ("iteration", Root::Iteration),
    ("scenario", Root::Scenario),
    ("vars", Root::Vars),
    ("data", Root::Data),
    ("status", Root::Status),
    ("headers", Root::Headers),
    ("body", Root::Body),
    ("json", Root::Json),
    ("duration", Root::Duration),
    ("error", Root::Error),
    ("received_ms", Root::ReceivedMs),
];

impl Root {
    pub(super) fn built_in(name: &str) -> Option<Root> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, root)| root.clone())
    }

    /// Whether it has a value only after an exchange.
    pub(super) fn of_exchange(&self) -> bool {
        !matches!(
            self,
            Root::Vu | Root::Iteration | Root::Scenario | Root::Vars | Root::Data | Root::Local(_)
        )
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Root::Local(name) => name,
            root => BUILT_IN.iter().find(|(_, known)| known == root).map_or("", |(name, _)| name),
        }
    }

    /// Its value, undefined where the scope has none. Copies little: strings and maps are shared.
    pub(super) fn value(&self, scope: &Scope<'_>) -> Value {
        match (self, scope.exchange) {
            (Root::Vu, _) => Value::from(scope.vu),
            (Root::Iteration, _) => Value::from(scope.iteration),
            (Root::Scenario, _) => Value::from(scope.scenario),
            (Root::Vars, _) => scope.vars.clone(),
            (Root::Data, _) => scope.data.clone(),
            (Root::Local(name), _) => scope.locals.get(name).cloned().unwrap_or_default(),
            (_, None) => Value::UNDEFINED,
            (Root::Status, Some(exchange)) => exchange.status_value(),
            (Root::Headers, Some(exchange)) => exchange.header_object().clone(),
            (Root::Body, Some(exchange)) => exchange.text().clone(),
            (Root::Json, Some(exchange)) => exchange.json(),
            (Root::Duration, Some(exchange)) => Value::from(exchange.duration_ms()),
            (Root::Error, Some(exchange)) => exchange.error().map_or(Value::from(()), Value::from),
            (Root::ReceivedMs, Some(exchange)) => {
                exchange.received_ms().map_or(Value::UNDEFINED, Value::from)
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// `.name`
    Attr(Box<str>),
    /// `["name"]` or `[0]`
    Item(Value),
}

impl Step {
    /// The name it asks for.
    pub(super) fn key(&self) -> Option<&str> {
        match self {
            Step::Attr(name) => Some(name),
            Step::Item(key) => key.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub(super) root: Root,
    pub(super) steps: Vec<Step>,
}

impl Path {
    /// The value at its end, which may be undefined.
    ///
    /// # Errors
    ///
    /// When something before its end is undefined, as minijinja's strict mode has it.
    pub(super) fn resolve(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        if let (Root::Headers, Some(exchange), [step]) = (&self.root, scope.exchange, self.steps.as_slice()) {
            // Asked directly: making the object would copy all headers.
            return Ok(step.key().and_then(|name| exchange.header(name)).unwrap_or_default());
        }
        let mut value = self.root.value(scope);
        for (depth, step) in self.steps.iter().enumerate() {
            let next = match step {
                Step::Attr(name) => value.get_attr(name),
                Step::Item(key) => value.get_item(key),
            };
            // The only error that either gives: the value before the step is undefined.
            value = next.map_err(|_| self.undefined(scope, depth))?;
        }
        Ok(value)
    }

    /// Like [`resolve`](Self::resolve), but undefined at its end is an error too.
    pub(super) fn defined(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        match self.resolve(scope)? {
            value if value.is_undefined() => Err(self.undefined(scope, self.steps.len())),
            value => Ok(value),
        }
    }

    /// Says so of its part up to the `depth`-th step.
    fn undefined(&self, scope: &Scope<'_>, depth: usize) -> EvalError {
        let spent = scope.exchange.filter(|_| matches!(self.root, Root::Body | Root::Json));
        match spent.and_then(ExchangeView::spent) {
            Some(spent) => EvalError::new(format!("`{}` is undefined: {spent}", self.name(depth))),
            None => EvalError::undefined(&self.name(depth)),
        }
    }

    /// How it is written up to its `depth`-th step, as minijinja's own messages write it.
    fn name(&self, depth: usize) -> String {
        let mut name = self.root.name().to_owned();
        for step in self.steps.iter().take(depth) {
            // Writing to a `String` cannot fail.
            let _ = match step {
                Step::Attr(attr) => write!(name, ".{attr}"),
                Step::Item(key) => write!(name, "[{key:?}]"),
            };
        }
        name
    }
}

/// The steps of a path whose first name stands before `place`, and the place after them. It ends
/// where a subscript is not a plain constant.
pub(super) fn path_steps(tokens: &[(usize, Token<'_>)], mut place: usize) -> (Vec<Step>, usize) {
    let token = |place: usize| tokens.get(place).map(|(_, token)| *token);
    let mut steps = Vec::new();
    loop {
        let (step, length) = match (token(place), token(place + 1), token(place + 2), token(place + 3)) {
            (Some(Token::Symbol(".")), Some(Token::Ident(name)), _, _) => (Some(Step::Attr(name.into())), 2),
            (Some(Token::Symbol(".")), Some(Token::Number(digits)), _, _) => (index(digits), 2),
            (Some(Token::Symbol("[")), Some(key), Some(Token::Symbol("]")), _) => match key {
                Token::Str { raw, escaped: false } => (Some(Step::Item(Value::from(raw))), 3),
                Token::Number(digits) => (index(digits), 3),
                _ => (None, 0),
            },
            (
                Some(Token::Symbol("[")),
                Some(Token::Symbol("-")),
                Some(Token::Number(digits)),
                Some(Token::Symbol("]")),
            ) => (digits.parse::<i64>().ok().map(|index| Step::Item(Value::from(-index))), 4),
            _ => (None, 0),
        };
        let Some(step) = step else { return (steps, place) };
        steps.push(step);
        place += length;
    }
}

fn index(digits: &str) -> Option<Step> {
    digits.parse::<i64>().ok().map(|index| Step::Item(Value::from(index)))
}
