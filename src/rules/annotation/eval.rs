//! A template's tree and data to text, in the steps in which Go takes them: errors name the same place.

use std::rc::Rc;

use super::functions::{Body, Called, Function, Kind};
use super::syntax::{Branches, Call, Command, Node, Number, Operand, Pipeline, Term};
use super::value::{Root, Value};
use super::{Data, Template, TemplateError, methods, printf};

/// Of `template` inside of templates: recursion that ends is not deep.
const MAX_DEPTH: usize = 50;
/// An annotation is read by people; a loop that does not end is not.
const MAX_BYTES: usize = 1 << 20;
const MAX_STEPS: usize = 1_000_000;

pub(super) fn expand(template: &Template, data: &Data<'_>) -> Result<String, TemplateError> {
    let root = Root {
        labels: data.labels.clone(),
        external_labels: data.external_labels.clone(),
        external_url: data.external_url.into(),
        value: data.value,
    };
    let declared = [
        ("$labels", Value::Labels(root.labels.clone())),
        ("$externalLabels", Value::Labels(root.external_labels.clone())),
        ("$externalURL", Value::Text(Rc::clone(&root.external_url))),
        ("$value", Value::Float(root.value)),
    ];
    let dot = Value::Root(Rc::new(root));
    let mut run = Run {
        template,
        data,
        variables: vec![("$", dot.clone())],
        out: String::new(),
        place: Place::Text,
        definition: None,
        depth: 0,
        steps: 0,
    };
    run.variables.extend(declared);
    run.nodes(&dot, &template.nodes)?;
    Ok(run.out)
}

/// What is being evaluated, for errors.
#[derive(Clone, Copy)]
enum Place<'t> {
    Text,
    Action(&'t Pipeline),
    Pipeline(&'t Pipeline),
    Command(&'t Command),
    Operand(&'t Operand),
    Call(&'t Call),
}

/// What a list of nodes ended with.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

type Result<T, E = TemplateError> = std::result::Result<T, E>;

struct Run<'t, 'd> {
    template: &'t Template,
    data: &'d Data<'d>,
    variables: Vec<(&'t str, Value)>,
    out: String,
    place: Place<'t>,
    /// The `define` that is being executed.
    definition: Option<&'t str>,
    depth: usize,
    steps: usize,
}

impl<'t> Run<'t, '_> {
    fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        let (offset, context) = match self.place {
            Place::Text => (0, String::new()),
            Place::Action(pipeline) => (pipeline.offset, format!("{{{{{pipeline}}}}}")),
            Place::Pipeline(pipeline) => (pipeline.offset, pipeline.to_string()),
            Place::Command(command) => (command.offset, command.to_string()),
            Place::Operand(operand) => (operand.offset, operand.to_string()),
            Place::Call(call) => {
                let argument =
                    call.argument.as_ref().map_or(String::new(), |argument| format!(" {argument}"));
                let name = super::quote::quoted(&call.name, false);
                (call.offset, format!("{{{{template {name}{argument}}}}}"))
            }
        };
        let text = &self.template.text;
        Err(TemplateError::while_executing(text, offset, self.definition, context, message.into()))
    }

    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return self
                .fail(format!("it takes more than {MAX_STEPS} steps: does a range go over too much?"));
        }
        if self.out.len() > MAX_BYTES {
            return self.fail(format!("its text is longer than {MAX_BYTES} bytes"));
        }
        Ok(())
    }

    fn nodes(&mut self, dot: &Value, nodes: &'t [Node]) -> Result<Flow> {
        for node in nodes {
            self.step()?;
            let flow = match node {
                Node::Text(text) => {
                    self.out.push_str(text);
                    Flow::On
                }
                Node::Action(pipeline) => {
                    self.place = Place::Action(pipeline);
                    let value = self.pipeline(dot, pipeline)?;
                    if pipeline.variables.is_empty() {
                        self.out.push_str(&printf::shown(&value));
                    }
                    Flow::On
                }
                Node::If(branches) => self.branch(dot, branches, false)?,
                Node::With(branches) => self.branch(dot, branches, true)?,
                Node::Range(branches) => self.range(dot, branches)?,
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
                Node::Call(call) => {
                    self.call_template(dot, call)?;
                    Flow::On
                }
            };
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn branch(&mut self, dot: &Value, branches: &'t Branches, sets_dot: bool) -> Result<Flow> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branches.pipeline)?;
        let flow = match (value.is_true(), sets_dot) {
            (true, true) => self.nodes(&value, &branches.then),
            (true, false) => self.nodes(dot, &branches.then),
            (false, _) => self.nodes(dot, &branches.otherwise),
        };
        self.variables.truncate(mark);
        flow
    }

    fn range(&mut self, dot: &Value, branches: &'t Branches) -> Result<Flow> {
        let outside = self.variables.len();
        let over = self.pipeline(dot, &branches.pipeline)?;
        let inside = self.variables.len();
        let mut flow = Flow::On;
        let mut count = 0u64;
        let variables = branches.pipeline.variables.len();
        if matches!(over, Value::Int(_)) && variables > 1 {
            return self.fail(format!("can't use {} to iterate over more than one variable", shown(&over)));
        }
        let mut elements = match self.elements(&over) {
            Some(elements) => elements,
            None => return self.fail(format!("range can't iterate over {}", shown(&over))),
        };
        for (index, element) in elements.as_mut() {
            self.step()?;
            count += 1;
            self.set_range_variables(&branches.pipeline, index, &element);
            let ended = self.nodes(&element, &branches.then)?;
            self.variables.truncate(inside);
            if ended == Flow::Break {
                break;
            }
        }
        if count == 0 {
            flow = self.nodes(dot, &branches.otherwise)?;
        }
        self.variables.truncate(outside);
        Ok(flow)
    }

    /// What `range` goes over, with indices or keys; `None` where it cannot.
    fn elements<'v>(&self, over: &'v Value) -> Option<Box<dyn Iterator<Item = (Value, Value)> + 'v>> {
        Some(match over {
            Value::Nil => Box::new(std::iter::empty()),
            Value::Int(count) => Box::new((0..*count).map(|at| (Value::Int(at), Value::Int(at)))),
            Value::Vector(vector) => Box::new(
                (0i64..)
                    .zip(vector.iter())
                    .map(|(at, sample)| (Value::Int(at), Value::Sample(Rc::clone(sample)))),
            ),
            Value::Labels(labels) => {
                Box::new(labels.iter().map(|(name, value)| (Value::text(name), Value::text(value))))
            }
            Value::Arguments(arguments) => {
                Box::new(arguments.iter().map(|(name, value)| (Value::text(name.as_str()), value.clone())))
            }
            _ => return None,
        })
    }

    fn set_range_variables(&mut self, pipeline: &'t Pipeline, index: Value, element: &Value) {
        match pipeline.variables.as_slice() {
            [] => {}
            [one] => self.set(one, element.clone()),
            [first, second, ..] => {
                self.set(first, index);
                self.set(second, element.clone());
            }
        }
    }

    /// Overwrites the last variable of this name.
    fn set(&mut self, name: &str, value: Value) {
        if let Some(known) = self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            known.1 = value;
        }
    }

    fn call_template(&mut self, dot: &Value, call: &'t Call) -> Result<()> {
        self.place = Place::Call(call);
        if self.depth == MAX_DEPTH {
            return self.fail(format!("exceeded maximum template depth ({MAX_DEPTH})"));
        }
        let argument = match &call.argument {
            Some(pipeline) => self.pipeline(dot, pipeline)?,
            None => Value::Nil,
        };
        let Some(definition) = self.template.definitions.iter().find(|known| known.name == call.name) else {
            return self.fail(format!("template {:?} not defined", call.name));
        };
        let outside = std::mem::replace(&mut self.variables, vec![("$", argument.clone())]);
        let before = self.definition.replace(&definition.name);
        self.depth += 1;
        self.nodes(&argument, &definition.nodes)?;
        self.depth -= 1;
        self.definition = before;
        self.variables = outside;
        Ok(())
    }

    fn pipeline(&mut self, dot: &Value, pipeline: &'t Pipeline) -> Result<Value> {
        self.step()?;
        self.place = Place::Pipeline(pipeline);
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(self.command(dot, command, value)?);
        }
        let value = value.unwrap_or(Value::Nil);
        for name in &pipeline.variables {
            if pipeline.assigns {
                self.set(name, value.clone());
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    /// `last` is what came down the pipe: the last argument.
    fn command(&mut self, dot: &Value, command: &'t Command, last: Option<Value>) -> Result<Value> {
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

fn shown(value: &Value) -> String {
    printf::print(std::slice::from_ref(value))
}
