//! `/faults`: GET lists them, POST sets or clears one, DELETE clears all. Each answers with what is on then.

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::fault::{ActiveFaults, FAULTS, Fault, FaultError, FaultInfo};
use super::route::Route;
use super::routes;

/// The body of a POST.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    fault: String,
    /// As on the command line; a number is taken for its digits.
    value: Option<Value>,
    #[serde(default)]
    off: bool,
}

#[derive(Debug, thiserror::Error)]
enum ChangeError {
    #[error("expected {{\"fault\":NAME,\"value\":VALUE}} or {{\"fault\":NAME,\"off\":true}}: {0}")]
    Shape(#[from] serde_json::Error),
    #[error(transparent)]
    Fault(#[from] FaultError),
    #[error("`value` must be a string or a number")]
    Value,
    #[error("`value` means nothing beside `off`")]
    ValueWithOff,
}

pub(super) async fn answer(faults: &ActiveFaults, request: Request<Incoming>) -> Answer {
    match request.method() {
        &Method::GET | &Method::HEAD => list(faults),
        &Method::DELETE => {
            faults.clear_all();
            list(faults)
        }
        &Method::POST => post(faults, request.into_body()).await,
        _ => routes::method_not_allowed(Route::Faults),
    }
}

async fn post(faults: &ActiveFaults, body: Incoming) -> Answer {
    let body = match answer::read(body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    match apply(faults, &body) {
        Ok(()) => list(faults),
        Err(error) => answer::error(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn apply(faults: &ActiveFaults, body: &[u8]) -> Result<(), ChangeError> {
    let change: Change = serde_json::from_slice(body)?;
    let value = match change.value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(_) => return Err(ChangeError::Value),
    };
    if change.off {
        if value.is_some() {
            return Err(ChangeError::ValueWithOff);
        }
        faults.clear(FaultInfo::named(&change.fault)?.name);
    } else {
        faults.set(Fault::new(&change.fault, value.as_deref())?);
    }
    Ok(())
}

fn list(faults: &ActiveFaults) -> Answer {
    let active: Vec<Value> =
        faults.list().iter().map(|fault| json!({ "fault": fault.name(), "value": fault.value() })).collect();
    let available: Vec<Value> =
        FAULTS.iter().map(|info| json!({ "fault": info.usage(), "about": info.about })).collect();
    answer::json(StatusCode::OK, json!({ "active": active, "available": available }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Result<&[&str], &str>) {
        let faults = ActiveFaults::new(vec![Fault::Unhealthy]);
        let got = apply(&faults, body.as_bytes()).map_err(|error| error.to_string());
        match expected {
            Ok(active) => {
                got.unwrap();
                let names: Vec<String> = faults.list().iter().map(ToString::to_string).collect();
                assert_eq!(names, active, "{body}");
            }
            Err(part) => {
                let message = got.unwrap_err();
                assert!(message.contains(part), "{message:?} does not contain {part:?}");
            }
        }
    }

    #[test]
    fn a_change_sets_or_clears_one_fault() {
        check(r#"{"fault":"latency","value":"50ms"}"#, Ok(&["unhealthy", "latency=50ms"]));
        check(r#"{"fault":"errors","value":0.25}"#, Ok(&["unhealthy", "errors=0.25"]));
        check(r#"{"fault":"refuse-upgrades","value":429}"#, Ok(&["unhealthy", "refuse-upgrades=429"]));
        check(r#"{"fault":"unhealthy","off":true}"#, Ok(&[]));
        check(r#"{"fault":"stall","off":true}"#, Ok(&["unhealthy"]));
    }

    #[test]
    fn a_change_that_cannot_be_made_says_why() {
        check("nonsense", Err("expected {\"fault\":NAME"));
        check(r#"{"fault":"latency","valeu":"1s"}"#, Err("unknown field `valeu`"));
        check(r#"{"fault":"lag"}"#, Err("latency[=DURATION]"));
        check(r#"{"fault":"lag","off":true}"#, Err("unknown fault `lag`"));
        check(r#"{"fault":"latency","value":[]}"#, Err("string or a number"));
        check(r#"{"fault":"latency","value":"1s","off":true}"#, Err("means nothing beside `off`"));
    }
}
