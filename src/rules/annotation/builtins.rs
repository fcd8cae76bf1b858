//! Go's own functions of templates.

use super::functions::Called;
use super::printf;
use super::quote::is_printable;
use super::value::Value;

pub(super) fn not(arguments: &[Value]) -> Called {
    Ok(Value::Bool(!truth(arguments)))
}

fn truth(arguments: &[Value]) -> bool {
    arguments.first().is_some_and(Value::is_true)
}

/// Whether the first equals any of the others.
pub(super) fn eq(arguments: &[Value]) -> Called {
    let [first, others @ ..] = arguments else { return Ok(Value::Bool(false)) };
    comparable(first)?;
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn ne(arguments: &[Value]) -> Called {
    Ok(Value::Bool(!eq(arguments)?.is_true()))
}

pub(super) fn lt(arguments: &[Value]) -> Called {
    less(arguments).map(Value::Bool)
}

pub(super) fn le(arguments: &[Value]) -> Called {
    Ok(Value::Bool(less(arguments)? || eq(arguments)?.is_true()))
}

/// The inverse of `le`, also for NaN.
pub(super) fn gt(arguments: &[Value]) -> Called {
    Ok(Value::Bool(!le(arguments)?.is_true()))
}

/// The inverse of `lt`, also for NaN.
pub(super) fn ge(arguments: &[Value]) -> Called {
    Ok(Value::Bool(!less(arguments)?))
}

const INCOMPATIBLE: &str = "incompatible types for comparison";
const INVALID: &str = "invalid type for comparison";

fn comparable(value: &Value) -> Result<(), String> {
    match value {
        Value::Labels(_) | Value::Arguments(_) | Value::Vector(_) | Value::Root(_) => {
            Err(format!("non-comparable type {}: {}", printf::shown(value), value.type_name()))
        }
        _ => Ok(()),
    }
}

fn equal(first: &Value, second: &Value) -> Result<bool, String> {
    match (first, second) {
        (Value::Bool(first), Value::Bool(second)) => Ok(first == second),
        (Value::Int(first), Value::Int(second)) => Ok(first == second),
        (Value::Float(first), Value::Float(second)) => Ok(first == second),
        (Value::Text(first) | Value::Html(first), Value::Text(second) | Value::Html(second)) => {
            Ok(first == second)
        }
        (Value::Span(first), Value::Span(second)) if !first.is_pointer && !second.is_pointer => {
            Ok(first.nanos == second.nanos)
        }
        (Value::Nil, Value::Nil) => Ok(true),
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        // Pointers: equal where they are the same.
        (Value::Sample(first), Value::Sample(second)) => Ok(std::rc::Rc::ptr_eq(first, second)),
        (first, second) => {
            comparable(second)?;
            if is_basic(first) || is_basic(second) { Err(INCOMPATIBLE.to_owned()) } else { Ok(false) }
        }
    }
}

fn is_basic(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Html(_))
}

fn less(arguments: &[Value]) -> Result<bool, String> {
    match arguments {
        [Value::Int(first), Value::Int(second)] => Ok(first < second),
        [Value::Float(first), Value::Float(second)] => Ok(first < second),
        [Value::Text(first) | Value::Html(first), Value::Text(second) | Value::Html(second)] => {
            Ok(first < second)
        }
        [Value::Span(first), Value::Span(second)] if !first.is_pointer && !second.is_pointer => {
            Ok(first.nanos < second.nanos)
        }
        [first, second] if is_basic(first) && is_basic(second) => {
            let both_bool = matches!((first, second), (Value::Bool(_), Value::Bool(_)));
            Err(if both_bool { INVALID } else { INCOMPATIBLE }.to_owned())
        }
        _ => Err(INVALID.to_owned()),
    }
}

pub(super) fn len(arguments: &[Value]) -> Called {
    let length = match arguments {
        [Value::Text(text) | Value::Html(text)] => text.len(),
        [Value::Labels(labels)] => labels.len(),
        [Value::Arguments(arguments)] => arguments.len(),
        [Value::Vector(vector)] => vector.len(),
        [Value::Nil] => return Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        [Value::Sample(_)] => return Err("len of type template.sample".to_owned()),
        [other] => return Err(format!("len of type {}", other.type_name())),
        _ => 0,
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// `index x 1 2` is Go's `x[1][2]`.
pub(super) fn index(arguments: &[Value]) -> Called {
    let Some((item, indices)) = arguments.split_first() else { return Ok(Value::Nil) };
    let mut item = item.clone();
    for index in indices {
        item = indexed(&item, index)?;
    }
    Ok(item)
}

fn indexed(item: &Value, index: &Value) -> Called {
    match (item, index) {
        (Value::Labels(labels), Value::Text(name)) => Ok(Value::text(labels.value(name).unwrap_or_default())),
        (Value::Labels(_), Value::Nil) => Err("value is nil; should be of type string".to_owned()),
        (Value::Arguments(arguments), Value::Text(name)) => {
            Ok(arguments.get(&**name).cloned().unwrap_or(Value::Nil))
        }
        (Value::Labels(_) | Value::Arguments(_), other) => {
            Err(format!("value has type {}; should be string", other.type_name()))
        }
        (Value::Vector(vector), at) => {
            let at = position(at, vector.len(), false)?;
            vector.get(at).cloned().map(Value::Sample).ok_or_else(String::new)
        }
        (Value::Text(text) | Value::Html(text), at) => {
            let at = position(at, text.len(), false)?;
            let byte = text.as_bytes().get(at).copied().unwrap_or_default();
            Ok(Value::Int(i64::from(byte)))
        }
        (Value::Nil, _) => Err("index of untyped nil".to_owned()),
        (Value::Sample(_), _) => Err("can't index item of type template.sample".to_owned()),
        (other, _) => Err(format!("can't index item of type {}", other.type_name())),
    }
}

fn position(index: &Value, length: usize, end: bool) -> Result<usize, String> {
    match index {
        Value::Int(at) => {
            let limit = if end { length + 1 } else { length };
            let position = usize::try_from(*at).ok().filter(|position| *position < limit);
            position.ok_or_else(|| format!("index out of range: {at}"))
        }
        Value::Nil => Err("cannot index slice/array with nil".to_owned()),
        other => Err(format!("cannot index slice/array with type {}", other.type_name())),
    }
}

/// `slice x 1 2` is Go's `x[1:2]`.
pub(super) fn slice(arguments: &[Value]) -> Called {
    let Some((item, indices)) = arguments.split_first() else { return Ok(Value::Nil) };
    let length = match item {
        Value::Text(text) | Value::Html(text) if indices.len() < 3 => text.len(),
        Value::Text(_) | Value::Html(_) => return Err("cannot 3-index slice a string".to_owned()),
        Value::Vector(vector) => vector.len(),
        Value::Nil => return Err("slice of untyped nil".to_owned()),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    if indices.len() > 3 {
        return Err(format!("too many slice indexes: {}", indices.len()));
    }
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indices) {
        *bound = position(index, length, true)?;
    }
    let [from, to, limit] = bounds;
    if from > to || indices.len() == 3 && to > limit {
        let (first, second) = if from > to { (from, to) } else { (to, limit) };
        return Err(format!("invalid slice index: {first} > {second}"));
    }
    Ok(match item {
        Value::Vector(vector) => Value::Vector(vector[from..to].into()),
        // Go cuts through characters; half of one would be shown as this, too.
        Value::Text(text) | Value::Html(text) => {
            Value::text(String::from_utf8_lossy(&text.as_bytes()[from..to]))
        }
        _ => Value::Nil,
    })
}

pub(super) fn print(arguments: &[Value]) -> Called {
    Ok(Value::text(printf::print(arguments)))
}

pub(super) fn println(arguments: &[Value]) -> Called {
    Ok(Value::text(printf::println(arguments)))
}

pub(super) fn printf(arguments: &[Value]) -> Called {
    match arguments {
        [Value::Text(format), values @ ..] => Ok(Value::text(printf::sprintf(format, values))),
        _ => Ok(Value::text("")),
    }
}

/// What `html`, `js` and `urlquery` escape.
fn plain(arguments: &[Value]) -> String {
    match arguments {
        [Value::Text(text)] => text.to_string(),
        [one] => printf::shown(one),
        several => printf::print(several),
    }
}

pub(super) fn html(arguments: &[Value]) -> Called {
    let mut out = String::new();
    for c in plain(arguments).chars() {
        match c {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    Ok(Value::text(out))
}

pub(super) fn js(arguments: &[Value]) -> Called {
    let mut out = String::new();
    for c in plain(arguments).chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '&' => out.push_str("\\u0026"),
            '=' => out.push_str("\\u003D"),
            c if is_printable(c) => out.push(c),
            c => out.push_str(&format!("\\u{:04X}", u32::from(c))),
        }
    }
    Ok(Value::text(out))
}

pub(super) fn urlquery(arguments: &[Value]) -> Called {
    Ok(Value::text(super::text::query_escaped(&plain(arguments))))
}
