//! What asks both servers, and how their answers are compared.

use std::net::SocketAddr;

use serde_json::Value;

use crate::stage::{Answer, exchange};

/// `endpoint` without `/api/v1/`.
pub(crate) fn get(address: SocketAddr, endpoint: &str, parameters: &[(&str, &str)]) -> Answer {
    let query = encoded(parameters);
    exchange(address, "GET", &format!("/api/v1/{endpoint}?{query}"), "", "")
}

pub(super) fn post(address: SocketAddr, endpoint: &str, parameters: &[(&str, &str)]) -> Answer {
    let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
    exchange(address, "POST", &format!("/api/v1/{endpoint}"), headers, &encoded(parameters))
}

fn encoded(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// Why two answers' `data` are not the same but for order and float noise.
pub(super) fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => a.iter().find_map(|(key, ours)| {
            let Some(theirs) = b.get(key) else { return Some(format!("{key} is ours alone")) };
            let unordered = key == "result" && b.get("resultType").is_some_and(|kind| kind != "scalar");
            match (ours, theirs) {
                (Value::Array(a), Value::Array(b)) if unordered => list(&sorted(a), &sorted(b)),
                _ => difference(ours, theirs),
            }
            .map(|why| format!("{key}: {why}"))
        }),
        (Value::Array(a), Value::Array(b)) => list(a, b),
        (Value::String(a), Value::String(b)) if near(a, b) => None,
        _ => (ours != theirs).then(|| format!("{ours} is not {theirs}")),
    }
}

fn list(ours: &[Value], theirs: &[Value]) -> Option<String> {
    if ours.len() != theirs.len() {
        let (ours, theirs) = (Value::from(ours.to_vec()), Value::from(theirs.to_vec()));
        return Some(format!("{ours} is not {theirs}"));
    }
    ours.iter().zip(theirs).find_map(|(ours, theirs)| difference(ours, theirs))
}

fn sorted(series: &[Value]) -> Vec<Value> {
    let labels = |one: &Value| {
        let labels: std::collections::BTreeMap<_, _> =
            one["metric"].as_object().into_iter().flatten().collect();
        format!("{labels:?}")
    };
    let mut series = series.to_vec();
    series.sort_by_key(labels);
    series
}

/// Numbers up to float noise, also around a zero that differences of larger numbers give; any other text must be the same.
fn near(ours: &str, theirs: &str) -> bool {
    let (Ok(a), Ok(b)) = (ours.parse::<f64>(), theirs.parse::<f64>()) else { return ours == theirs };
    ours == theirs || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) || a.abs().max(b.abs()) < 1e-12
}
