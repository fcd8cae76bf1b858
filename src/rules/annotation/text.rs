//! Prometheus' functions of text, of query results and of where it runs.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use super::Data;
use super::functions::Called;
use super::value::{Element, Value};
use crate::promql::pattern::regex;

/// The texts among the arguments; which are texts, the caller has seen to.
fn texts<const COUNT: usize>(arguments: &[Value]) -> [&str; COUNT] {
    std::array::from_fn(|at| match arguments.get(at) {
        Some(Value::Text(text)) => &**text,
        _ => "",
    })
}

/// What Go says when a function follows a pointer to nothing.
const NIL_POINTER: &str = "runtime error: invalid memory address or nil pointer dereference";

fn sample(argument: Option<&Value>) -> Result<&Element, String> {
    match argument {
        Some(Value::Sample(sample)) => Ok(sample),
        _ => Err(NIL_POINTER.to_owned()),
    }
}

fn vector(argument: Option<&Value>) -> &[Rc<Element>] {
    match argument {
        Some(Value::Vector(vector)) => vector,
        _ => &[],
    }
}

pub(super) fn query(data: &Data<'_>, arguments: &[Value]) -> Called {
    let [text] = texts(arguments);
    let samples = (data.query)(text)?;
    let elements = samples
        .into_iter()
        .map(|sample| Rc::new(Element { labels: sample.labels, value: sample.point.value }));
    Ok(Value::Vector(elements.collect()))
}

pub(super) fn first(arguments: &[Value]) -> Called {
    let first = vector(arguments.first()).first();
    first.cloned().map(Value::Sample).ok_or_else(|| "first() called on vector with no elements".to_owned())
}

pub(super) fn label(arguments: &[Value]) -> Called {
    let [name] = texts(arguments);
    let sample = sample(arguments.get(1))?;
    Ok(Value::text(sample.labels.value(name).unwrap_or_default()))
}

pub(super) fn value(arguments: &[Value]) -> Called {
    Ok(Value::Float(sample(arguments.first())?.value))
}

pub(super) fn strvalue(arguments: &[Value]) -> Called {
    Ok(Value::text(sample(arguments.first())?.labels.value("__value__").unwrap_or_default()))
}

pub(super) fn sort_by_label(arguments: &[Value]) -> Called {
    let [name] = texts(arguments);
    let mut sorted = vector(arguments.get(1)).to_vec();
    sorted.sort_by(|one, other| one.labels.value(name).cmp(&other.labels.value(name)));
    Ok(Value::Vector(sorted.into()))
}

/// `arg0`, `arg1` and so on, for `template`.
pub(super) fn args(arguments: &[Value]) -> Called {
    let named = arguments.iter().enumerate().map(|(at, value)| (format!("arg{at}"), value.clone()));
    Ok(Value::Arguments(Rc::new(named.collect::<BTreeMap<_, _>>())))
}

pub(super) fn now(data: &Data<'_>, _: &[Value]) -> Called {
    Ok(Value::Float(data.now_ms as f64 / 1000.0))
}

pub(super) fn external_url(data: &Data<'_>, _: &[Value]) -> Called {
    Ok(Value::text(data.external_url))
}

pub(super) fn path_prefix(data: &Data<'_>, _: &[Value]) -> Called {
    let after_scheme = data.external_url.split_once("://").map_or(data.external_url, |(_, rest)| rest);
    let end = after_scheme.find(['?', '#']).unwrap_or(after_scheme.len());
    let path = after_scheme[..end].find('/').map_or("", |at| &after_scheme[at..end]);
    Ok(Value::text(percent_encoding::percent_decode_str(path).decode_utf8_lossy()))
}

/// Each word's first letter as a capital; the others stay. Words end where Unicode's word boundaries are: `don't`
/// and `foo.bar` are one, `foo-bar` are two.
pub(super) fn title(arguments: &[Value]) -> Called {
    let [text] = texts(arguments);
    let is_middle = |c: char| {
        matches!(c, '\'' | '.' | ':' | '\u{b7}' | '\u{2018}' | '\u{2019}' | '\u{2024}' | '\u{2027}')
    };
    let mut out = String::new();
    let (mut in_word, mut after_middle) = (false, false);
    for c in text.chars() {
        let middle = is_middle(c);
        if after_middle && middle {
            in_word = false;
        }
        if c.is_lowercase() || c.is_uppercase() || is_titlecase(c) {
            if in_word {
                out.push(c);
            } else {
                push_titlecase(c, &mut out);
                in_word = true;
            }
        } else {
            out.push(c);
            in_word &= middle || c == '_' || c.is_alphanumeric() || is_combining(c);
        }
        after_middle = middle;
    }
    Ok(Value::text(out))
}

/// The four letters that are two in one, as capital and small letter.
const DIGRAPHS: [[char; 3]; 4] = [['Ǆ', 'ǅ', 'ǆ'], ['Ǉ', 'ǈ', 'ǉ'], ['Ǌ', 'ǋ', 'ǌ'], ['Ǳ', 'ǲ', 'ǳ']];

fn is_titlecase(c: char) -> bool {
    DIGRAPHS.iter().any(|forms| forms[1] == c)
}

fn push_titlecase(c: char, out: &mut String) {
    if let Some(forms) = DIGRAPHS.iter().find(|forms| forms.contains(&c)) {
        return out.push(forms[1]);
    }
    let mut capitals = c.to_uppercase();
    out.extend(capitals.next());
    out.extend(capitals.flat_map(char::to_lowercase));
}

/// Accents that are characters of their own.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' |
        '\u{200c}' | '\u{200d}' | '\u{ad}' | '\u{fe00}'..='\u{fe0f}')
}

/// A character for a character, as in Go: `ß` has no capital.
pub(super) fn to_upper(arguments: &[Value]) -> Called {
    let [text] = texts(arguments);
    let upper = text.chars().map(|c| {
        let mut mapped = c.to_uppercase();
        if mapped.len() == 1 { mapped.next().unwrap_or(c) } else { c }
    });
    Ok(Value::text(upper.collect::<String>()))
}

pub(super) fn to_lower(arguments: &[Value]) -> Called {
    let [text] = texts(arguments);
    let lower = text.chars().map(|c| c.to_lowercase().next().unwrap_or(c));
    Ok(Value::text(lower.collect::<String>()))
}

pub(super) fn matches(arguments: &[Value]) -> Called {
    let [pattern, text] = texts(arguments);
    Ok(Value::Bool(regex(pattern)?.is_match(text)))
}

pub(super) fn replace_all(arguments: &[Value]) -> Called {
    let [pattern, replacement, text] = texts(arguments);
    Ok(Value::text(regex(pattern)?.replace_all(text, replacement)))
}

pub(super) fn strip_port(arguments: &[Value]) -> Called {
    let [address] = texts(arguments);
    Ok(Value::text(split_host_port(address).map_or(address, |(host, _)| host)))
}

pub(super) fn strip_domain(arguments: &[Value]) -> Called {
    let [address] = texts(arguments);
    let (host, port) = split_host_port(address).unwrap_or((address, ""));
    if host.parse::<IpAddr>().is_ok() {
        return Ok(Value::text(address));
    }
    let host = host.split('.').next().unwrap_or_default();
    Ok(Value::text(match port {
        "" => host.to_owned(),
        port if host.contains(':') => format!("[{host}]:{port}"),
        port => format!("{host}:{port}"),
    }))
}

/// Go's `net.SplitHostPort`: a host with colons stands in brackets, and the port may be empty but not absent.
fn split_host_port(address: &str) -> Option<(&str, &str)> {
    let colon = address.rfind(':')?;
    let port = &address[colon + 1..];
    let host = match address.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')?;
            // What stands between the bracket and the last colon belongs to neither.
            (end + 2 == colon).then_some(&rest[..end])?
        }
        None => &address[..colon],
    };
    let bracketed = address.starts_with('[');
    if !bracketed && host.contains(':') || host.contains(['[', ']']) || port.contains(['[', ']']) {
        return None;
    }
    Some((host, port))
}

pub(super) fn safe_html(arguments: &[Value]) -> Called {
    let [text] = texts(arguments);
    Ok(Value::Html(text.into()))
}

pub(super) fn url_query_escape(arguments: &[Value]) -> Called {
    let [text] = texts(arguments);
    Ok(Value::text(query_escaped(text)))
}

pub(super) fn graph_link(arguments: &[Value]) -> Called {
    let [expression] = texts(arguments);
    Ok(Value::text(format!("/graph?g0.expr={}&g0.tab=0", query_escaped(expression))))
}

pub(super) fn table_link(arguments: &[Value]) -> Called {
    let [expression] = texts(arguments);
    Ok(Value::text(table_link_path(expression)))
}

/// Below the external URL, where Prometheus shows an expression's value: with it, an alert's `generatorURL`.
pub fn table_link_path(expression: &str) -> String {
    format!("/graph?g0.expr={}&g0.tab=1", query_escaped(expression))
}

/// Go's `url.QueryEscape`.
pub(super) fn query_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
