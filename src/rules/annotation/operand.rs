//! Commands and their operands: functions, methods, fields and constants, and what a parameter takes.

use super::eval::{Place, Result, Run};
use super::functions::{Body, Called, Function, Kind};
use super::methods;
use super::syntax::{Command, Number, Operand, Term};
use super::value::Value;

impl<'t> Run<'t, '_> {
    /// `last` is what came down the pipe: the last argument.
    pub(super) fn command(
        &mut self,
        dot: &Value,
        command: &'t Command,
        last: Option<Value>,
    ) -> Result<Value> {
        let first = &command.first;
        let arguments = &command.arguments[..];
        if let Term::Function(function) = &first.term {
            self.place = Place::Operand(first);
            return self.function(dot, function, Place::Command(command), arguments, last);
        }
        match &first.term {
            Term::Fields(_) | Term::Variable(..) | Term::Chain(..) => {
                return self.fields(dot, first, arguments, last);
            }
            Term::Pipeline(_) => {}
            _ => self.place = Place::Operand(first),
        }
        if last.is_some() || !arguments.is_empty() {
            return self.fail(format!("can't give argument to non-function {first}"));
        }
        match &first.term {
            Term::Pipeline(inside) => self.pipeline(dot, inside),
            Term::Dot => Ok(dot.clone()),
            Term::Bool(value) => Ok(Value::Bool(*value)),
            Term::Number(number) => Ok(ideal(number)),
            Term::Text(_, text) => Ok(Value::text(text.as_str())),
            _ => self.fail("nil is not a command"),
        }
    }

    /// An operand with fields behind it; the last may be a method with arguments.
    fn fields(
        &mut self,
        dot: &Value,
        operand: &'t Operand,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value> {
        self.place = Place::Operand(operand);
        let (mut receiver, names) = match &operand.term {
            Term::Fields(names) => (dot.clone(), &names[..]),
            Term::Variable(name, names) => {
                let value = self.variables.iter().rev().find(|(known, _)| known == name);
                let Some((_, value)) = value else { return self.fail(format!("undefined variable: {name}")) };
                (value.clone(), &names[..])
            }
            Term::Chain(first, names) => {
                if matches!(first.term, Term::Nil) {
                    return self.fail(format!("indirection through explicit nil in {operand}"));
                }
                (self.evaluated(dot, first)?, &names[..])
            }
            _ => return self.fail(format!("can't evaluate {operand}")),
        };
        let Some((final_name, before)) = names.split_last() else {
            if last.is_some() || !arguments.is_empty() {
                return self.fail(format!("can't give argument to non-function {operand}"));
            }
            return Ok(receiver);
        };
        for name in before {
            receiver = self.field(dot, operand, &receiver, name, &[], None)?;
        }
        self.field(dot, operand, &receiver, final_name, arguments, last)
    }

    fn field(
        &mut self,
        dot: &Value,
        operand: &'t Operand,
        receiver: &Value,
        name: &str,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value> {
        if matches!(receiver, Value::Nil) {
            return Ok(Value::Nil);
        }
        if let Some(method) = methods::find(receiver, name) {
            let values = self.arguments(dot, name, method.parameters, None, arguments, last)?;
            let called = (method.body)(receiver, &values);
            return self.called(called, name, Place::Operand(operand));
        }
        let has_arguments = last.is_some() || !arguments.is_empty();
        let (found, complaint) = match receiver {
            Value::Labels(labels) => (
                Some(Value::text(labels.value(name).unwrap_or_default())),
                "is not a method but has arguments",
            ),
            Value::Arguments(arguments) => (
                Some(arguments.get(name).cloned().unwrap_or(Value::Nil)),
                "is not a method but has arguments",
            ),
            Value::Sample(sample) => (of(&sample.fields(), name), CANNOT_BE_INVOKED),
            Value::Root(root) => (of(&root.fields(), name), CANNOT_BE_INVOKED),
            _ => (None, ""),
        };
        match found {
            Some(_) if has_arguments => self.fail(format!("{name} {complaint}")),
            Some(found) => Ok(found),
            None => self.fail(format!("can't evaluate field {name} in type {}", receiver.type_name())),
        }
    }

    fn function(
        &mut self,
        dot: &Value,
        function: &'static Function,
        place: Place<'t>,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value> {
        let decides = match function.body {
            Body::Pure(body) => {
                let values =
                    self.arguments(dot, function.name, function.parameters, function.rest, arguments, last)?;
                return self.called(body(&values), function.name, place);
            }
            Body::WithData(body) => {
                let values =
                    self.arguments(dot, function.name, function.parameters, function.rest, arguments, last)?;
                let called = body(self.data, &values);
                return self.called(called, function.name, place);
            }
            Body::And => false,
            Body::Or => true,
        };
        if arguments.is_empty() && last.is_none() {
            return self.fail(format!("wrong number of args for {}: want at least 1 got 0", function.name));
        }
        let mut value = Value::Nil;
        for argument in arguments {
            value = self.argument(dot, Kind::Any, argument)?;
            if value.is_true() == decides {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn called(&mut self, called: Called, name: &str, place: Place<'t>) -> Result<Value> {
        called.or_else(|message| {
            self.place = place;
            self.fail(format!("error calling {name}: {message}"))
        })
    }

    /// As many as the function wants, each of its kind.
    fn arguments(
        &mut self,
        dot: &Value,
        name: &str,
        parameters: &[Kind],
        rest: Option<Kind>,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Vec<Value>> {
        let (wanted, given) = (parameters.len(), arguments.len() + usize::from(last.is_some()));
        if rest.is_some() && given < wanted {
            let given = arguments.len();
            return self.fail(format!("wrong number of args for {name}: want at least {wanted} got {given}"));
        }
        if rest.is_none() && given != wanted {
            return self.fail(format!("wrong number of args for {name}: want {wanted} got {given}"));
        }
        let kinds = parameters.iter().copied().chain(rest.into_iter().cycle());
        let mut kinds = kinds.chain(std::iter::repeat(Kind::Any));
        let mut values = Vec::with_capacity(given);
        for argument in arguments {
            let kind = kinds.next().unwrap_or(Kind::Any);
            values.push(self.argument(dot, kind, argument)?);
        }
        if let Some(last) = last {
            let kind = kinds.next().unwrap_or(Kind::Any);
            values.push(self.checked(last, kind)?);
        }
        Ok(values)
    }

    /// An operand where a value of some kind is expected; constants fit themselves to it.
    fn argument(&mut self, dot: &Value, kind: Kind, operand: &'t Operand) -> Result<Value> {
        self.place = Place::Operand(operand);
        match (&operand.term, kind) {
            (Term::Nil, Kind::Text | Kind::Moment | Kind::Span) => {
                self.fail(format!("cannot assign nil to {}", kind.type_name()))
            }
            (Term::Nil, _) => Ok(Value::Nil),
            (Term::Bool(_) | Term::Number(_) | Term::Text(..), Kind::Any) | (Term::Text(..), Kind::Text) => {
                self.evaluated(dot, operand)
            }
            (Term::Number(Number { int: Some(nanos), .. }), Kind::Span) => {
                Ok(Value::Span(super::moment::Span::of_nanos(*nanos)))
            }
            (Term::Bool(_) | Term::Number(_), Kind::Text) => {
                self.fail(format!("expected string; found {operand}"))
            }
            (Term::Bool(_) | Term::Number(_) | Term::Text(..), Kind::Span) => {
                self.fail(format!("expected integer; found {operand}"))
            }
            (Term::Bool(_) | Term::Number(_) | Term::Text(..), _) => {
                self.fail(format!("can't handle {operand} for arg of type {}", kind.type_name()))
            }
            _ => {
                let value = self.evaluated(dot, operand)?;
                let of_map = matches!(operand.term, Term::Fields(_) | Term::Chain(..));
                if of_map && matches!((&value, kind), (Value::Nil, Kind::Text)) {
                    return self.fail("wrong type for value; expected string; got interface {}");
                }
                self.checked(value, kind)
            }
        }
    }

    fn evaluated(&mut self, dot: &Value, operand: &'t Operand) -> Result<Value> {
        self.place = Place::Operand(operand);
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Value::Nil),
            Term::Bool(value) => Ok(Value::Bool(*value)),
            Term::Number(number) => Ok(ideal(number)),
            Term::Text(_, text) => Ok(Value::text(text.as_str())),
            Term::Fields(_) | Term::Variable(..) | Term::Chain(..) => self.fields(dot, operand, &[], None),
            Term::Function(function) => self.function(dot, function, Place::Operand(operand), &[], None),
            Term::Pipeline(pipeline) => self.pipeline(dot, pipeline),
        }
    }

    fn checked(&self, value: Value, kind: Kind) -> Result<Value> {
        let fits = match (kind, &value) {
            (Kind::Any, _) | (Kind::Sample | Kind::Vector, Value::Nil) => true,
            (_, Value::Nil) => return self.fail(format!("invalid value; expected {}", kind.type_name())),
            (Kind::Text, Value::Text(_))
            | (Kind::Sample, Value::Sample(_))
            | (Kind::Vector, Value::Vector(_))
            | (Kind::Moment, Value::Moment(_))
            | (Kind::Span, Value::Span(_)) => true,
            _ => false,
        };
        if fits {
            return Ok(value);
        }
        let (expected, given) = (kind.type_name(), value.type_name());
        self.fail(format!("wrong type for value; expected {expected}; got {given}"))
    }
}

const CANNOT_BE_INVOKED: &str = "has arguments but cannot be invoked as function";

fn of(fields: &[(&'static str, Value)], name: &str) -> Option<Value> {
    fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
}

/// A constant where any type will do.
fn ideal(number: &Number) -> Value {
    match number.int {
        Some(int) if !number.reads_as_float => Value::Int(int),
        _ => Value::Float(number.float),
    }
}
