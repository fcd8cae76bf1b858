//! The methods that moments and spans have in Go.

use chrono::{Datelike as _, Timelike as _};

use super::functions::{Called, Kind};
use super::moment::{Moment, Span};
use super::value::Value;

pub(super) struct Method {
    pub(super) parameters: &'static [Kind],
    pub(super) body: fn(&Value, &[Value]) -> Called,
}

/// `None` where the receiver has no such method.
pub(super) fn find(receiver: &Value, name: &str) -> Option<&'static Method> {
    let methods: &[(&str, Method)] = match receiver {
        Value::Moment(_) => &OF_MOMENTS,
        Value::Span(_) => &OF_SPANS,
        _ => return None,
    };
    methods.iter().find(|(known, _)| *known == name).map(|(_, method)| method)
}

const fn plain(body: fn(&Value, &[Value]) -> Called) -> Method {
    Method { parameters: &[], body }
}

const fn with(parameters: &'static [Kind], body: fn(&Value, &[Value]) -> Called) -> Method {
    Method { parameters, body }
}

static OF_MOMENTS: [(&str, Method); 22] = [
    (
        "Add",
        with(&[Kind::Span], |value, arguments| {
            let moved = moment(value)?
                .at
                .checked_add_signed(chrono::TimeDelta::nanoseconds(nanos(arguments.first())));
            moved
                .map(|at| Value::Moment(Moment::of_utc(at)))
                .ok_or_else(|| "a moment out of range".to_owned())
        }),
    ),
    (
        "Sub",
        with(&[Kind::Moment], |value, arguments| {
            let other = arguments.first().map_or_else(|| moment(value), moment)?;
            let between = (moment(value)?.at - other.at).num_nanoseconds().unwrap_or(i64::MAX);
            Ok(Value::Span(Span::of_nanos(between)))
        }),
    ),
    ("After", with(&[Kind::Moment], |value, arguments| compare(value, arguments, |order| order.is_gt()))),
    ("Before", with(&[Kind::Moment], |value, arguments| compare(value, arguments, |order| order.is_lt()))),
    ("Equal", with(&[Kind::Moment], |value, arguments| compare(value, arguments, |order| order.is_eq()))),
    (
        "Format",
        with(&[Kind::Text], |value, arguments| match arguments {
            [Value::Text(layout)] => Ok(Value::text(moment(value)?.format(layout))),
            _ => Ok(Value::text("")),
        }),
    ),
    ("String", plain(|value, _| Ok(Value::text(moment(value)?.to_string())))),
    ("UTC", plain(|value, _| Ok(Value::Moment(Moment::of_utc(moment(value)?.at))))),
    ("IsZero", plain(|_, _| Ok(Value::Bool(false)))),
    ("Unix", plain(|value, _| Ok(Value::Int(moment(value)?.at.timestamp())))),
    ("UnixMilli", plain(|value, _| Ok(Value::Int(moment(value)?.at.timestamp_millis())))),
    ("UnixMicro", plain(|value, _| Ok(Value::Int(moment(value)?.at.timestamp_micros())))),
    (
        "UnixNano",
        plain(|value, _| {
            let nanos = moment(value)?.at.timestamp_nanos_opt();
            Ok(Value::Int(nanos.unwrap_or_default()))
        }),
    ),
    ("Year", plain(|value, _| Ok(Value::Int(i64::from(moment(value)?.at.year()))))),
    ("YearDay", plain(|value, _| Ok(Value::Int(i64::from(moment(value)?.at.ordinal()))))),
    ("Month", plain(|value, _| Ok(Value::text(moment(value)?.format("January"))))),
    ("Weekday", plain(|value, _| Ok(Value::text(moment(value)?.format("Monday"))))),
    ("Day", plain(|value, _| Ok(Value::Int(i64::from(moment(value)?.at.day()))))),
    ("Hour", plain(|value, _| Ok(Value::Int(i64::from(moment(value)?.at.hour()))))),
    ("Minute", plain(|value, _| Ok(Value::Int(i64::from(moment(value)?.at.minute()))))),
    ("Second", plain(|value, _| Ok(Value::Int(i64::from(moment(value)?.at.second()))))),
    ("Nanosecond", plain(|value, _| Ok(Value::Int(i64::from(moment(value)?.at.nanosecond()))))),
];

static OF_SPANS: [(&str, Method); 7] = [
    ("Hours", plain(|value, _| Ok(Value::Float(nanos(Some(value)) as f64 / 3.6e12)))),
    ("Minutes", plain(|value, _| Ok(Value::Float(nanos(Some(value)) as f64 / 6e10)))),
    ("Seconds", plain(|value, _| Ok(Value::Float(Span::of_nanos(nanos(Some(value))).seconds())))),
    ("Milliseconds", plain(|value, _| Ok(Value::Int(nanos(Some(value)) / 1_000_000)))),
    ("Microseconds", plain(|value, _| Ok(Value::Int(nanos(Some(value)) / 1_000)))),
    ("Nanoseconds", plain(|value, _| Ok(Value::Int(nanos(Some(value)))))),
    ("String", plain(|value, _| Ok(Value::text(Span::of_nanos(nanos(Some(value))).to_string())))),
];

fn moment(value: &Value) -> Result<&Moment, String> {
    match value {
        Value::Moment(moment) => Ok(moment),
        other => Err(format!("{} is no time", other.type_name())),
    }
}

fn nanos(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Span(span)) => span.nanos,
        _ => 0,
    }
}

fn compare(value: &Value, arguments: &[Value], holds: fn(std::cmp::Ordering) -> bool) -> Called {
    let other = arguments.first().map_or_else(|| moment(value), moment)?;
    Ok(Value::Bool(holds(moment(value)?.at.cmp(&other.at))))
}
