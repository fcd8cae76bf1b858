//! What a template computes with: Go's types, as many as Prometheus gives to templates.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::moment::{Moment, Span};
use crate::labels::Labels;

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// `nil`, or what a map of `args` does not have.
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// What `safeHtml` gives: a type of its own, and no text where text is expected.
    Html(Rc<str>),
    Labels(Labels),
    /// What `args` gives.
    Arguments(Rc<BTreeMap<String, Value>>),
    Sample(Rc<Element>),
    Vector(Rc<[Rc<Element>]>),
    Moment(Moment),
    Span(Span),
    Root(Rc<Root>),
}

/// An element of a query's result.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) labels: Labels,
    pub(super) value: f64,
}

/// Where it all begins.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) labels: Labels,
    pub(super) external_labels: Labels,
    pub(super) external_url: Rc<str>,
    pub(super) value: f64,
}

impl Element {
    pub(super) fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Labels", Value::Labels(self.labels.clone())), ("Value", Value::Float(self.value))]
    }
}

impl Root {
    pub(super) fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Labels", Value::Labels(self.labels.clone())),
            ("ExternalLabels", Value::Labels(self.external_labels.clone())),
            ("ExternalURL", Value::Text(Rc::clone(&self.external_url))),
            ("Value", Value::Float(self.value)),
        ]
    }
}

impl Value {
    pub(super) fn text(text: impl Into<Rc<str>>) -> Value {
        Value::Text(text.into())
    }

    /// As `if` sees it: not the zero of its type.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Text(text) | Value::Html(text) => !text.is_empty(),
            Value::Labels(labels) => !labels.is_empty(),
            Value::Arguments(arguments) => !arguments.is_empty(),
            Value::Vector(vector) => !vector.is_empty(),
            Value::Span(span) => span.is_pointer || span.nanos != 0,
            Value::Sample(_) | Value::Moment(_) | Value::Root(_) => true,
        }
    }

    /// Go's name of its type, as `%T` has it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float64",
            Value::Text(_) => "string",
            Value::Html(_) => "template.HTML",
            Value::Labels(_) => "map[string]string",
            Value::Arguments(_) => "map[string]interface {}",
            Value::Sample(_) => "*template.sample",
            Value::Vector(_) => "template.queryResult",
            Value::Moment(moment) if moment.is_pointer => "*time.Time",
            Value::Moment(_) => "time.Time",
            Value::Span(span) if span.is_pointer => "*time.Duration",
            Value::Span(_) => "time.Duration",
            Value::Root(_) => {
                "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; \
                 Value interface {} }"
            }
        }
    }
}
