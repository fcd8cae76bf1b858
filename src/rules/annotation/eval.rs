//! A template's tree and data to text, in the steps in which Go takes them: errors name the same place.

use std::rc::Rc;

use super::syntax::{Branches, Call, Command, Node, Operand, Pipeline};
use super::value::{Root, Value};
use super::{Data, Template, TemplateError, printf};

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
pub(super) enum Place<'t> {
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

pub(super) type Result<T, E = TemplateError> = std::result::Result<T, E>;

pub(super) struct Run<'t, 'd> {
    template: &'t Template,
    pub(super) data: &'d Data<'d>,
    pub(super) variables: Vec<(&'t str, Value)>,
    out: String,
    pub(super) place: Place<'t>,
    /// The `define` that is being executed.
    definition: Option<&'t str>,
    depth: usize,
    steps: usize,
}

impl<'t> Run<'t, '_> {
    pub(super) fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
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

    pub(super) fn pipeline(&mut self, dot: &Value, pipeline: &'t Pipeline) -> Result<Value> {
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
}

fn shown(value: &Value) -> String {
    printf::print(std::slice::from_ref(value))
}
