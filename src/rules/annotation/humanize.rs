//! Prometheus' functions of numbers and times.

use super::functions::Called;
use super::moment::{self, Moment, Span};
use super::number::format_float;
use super::value::Value;

fn number(arguments: &[Value]) -> Result<f64, String> {
    match arguments {
        [Value::Float(value)] => Ok(*value),
        [Value::Int(value)] => Ok(*value as f64),
        [Value::Text(text)] => parse_float(text),
        [Value::Span(span)] if !span.is_pointer => Ok(span.seconds()),
        [other] => Err(format!("can't convert {} to float", other.type_name())),
        _ => Err("can't convert nothing to float".to_owned()),
    }
}

fn parse_float(text: &str) -> Result<f64, String> {
    let failed =
        |why: &str| format!("strconv.ParseFloat: parsing {}: {why}", super::quote::quoted(text, false));
    match text.parse::<f64>() {
        Ok(value) if value.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) => {
            Err(failed("value out of range"))
        }
        Ok(value) => Ok(value),
        Err(_) => Err(failed("invalid syntax")),
    }
}

fn four_digits(value: f64) -> String {
    format_float(value, 'g', Some(4))
}

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

fn enlarged(mut value: f64, step: f64, names: [&'static str; 8]) -> (f64, &'static str) {
    let mut prefix = "";
    for name in names {
        if value.abs() < step {
            break;
        }
        (prefix, value) = (name, value / step);
    }
    (value, prefix)
}

fn reduced(mut value: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for name in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        (prefix, value) = (name, value * 1000.0);
    }
    (value, prefix)
}

pub(super) fn humanize(arguments: &[Value]) -> Called {
    let value = number(arguments)?;
    if value == 0.0 || !value.is_finite() {
        return Ok(Value::text(four_digits(value)));
    }
    let (value, prefix) = if value.abs() >= 1.0 { enlarged(value, 1000.0, LARGE) } else { reduced(value) };
    Ok(Value::text(four_digits(value) + prefix))
}

pub(super) fn humanize1024(arguments: &[Value]) -> Called {
    let value = number(arguments)?;
    if value.abs() <= 1.0 || !value.is_finite() {
        return Ok(Value::text(four_digits(value)));
    }
    let names = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
    let (value, prefix) = enlarged(value, 1024.0, names);
    Ok(Value::text(four_digits(value) + prefix))
}

/// Seconds as `1d 2h 3m 4s`, or with a prefix below one.
pub(super) fn duration(arguments: &[Value]) -> Called {
    let value = number(arguments)?;
    if !value.is_finite() {
        return Ok(Value::text(four_digits(value)));
    }
    if value == 0.0 {
        return Ok(Value::text(four_digits(value) + "s"));
    }
    if value.abs() < 1.0 {
        let (value, prefix) = reduced(value);
        return Ok(Value::text(format!("{}{prefix}s", four_digits(value))));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    // What Go's conversion gives of a float beyond 64 bits, on the processors that Prometheus runs on.
    let whole = if value.abs() < 9.223_372_036_854_775e18 { value.abs() as i64 } else { i64::MIN };
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    Ok(Value::text(match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", four_digits(value.abs())),
        (0, 0, _) => format!("{sign}{minutes}m {seconds}s"),
        (0, _, _) => format!("{sign}{hours}h {minutes}m {seconds}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
    }))
}

pub(super) fn percentage(arguments: &[Value]) -> Called {
    Ok(Value::text(four_digits(number(arguments)? * 100.0) + "%"))
}

pub(super) fn timestamp(arguments: &[Value]) -> Called {
    let value = number(arguments)?;
    if !value.is_finite() {
        return Ok(Value::text(four_digits(value)));
    }
    Ok(Value::text(moment_of(value)?.to_string()))
}

pub(super) fn to_time(arguments: &[Value]) -> Called {
    let value = number(arguments)?;
    if !value.is_finite() {
        return Err("value is NaN or Inf".to_owned());
    }
    Ok(Value::Moment(moment_of(value)?))
}

fn moment_of(seconds: f64) -> Result<Moment, String> {
    Moment::of_seconds(seconds).ok_or_else(|| moment::beyond_nanos(seconds))
}

pub(super) fn to_duration(arguments: &[Value]) -> Called {
    let nanos = number(arguments)? * 1e9;
    Ok(Value::Span(Span { nanos: nanos as i64, is_pointer: true }))
}

pub(super) fn parse_duration(arguments: &[Value]) -> Called {
    match arguments {
        [Value::Text(text)] => moment::parse_duration(text).map(Value::Float),
        _ => Err("empty duration string".to_owned()),
    }
}
