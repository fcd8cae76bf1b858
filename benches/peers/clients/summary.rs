//! k6's end-of-test summary as JSON: `{"metrics": {NAME: {"values": {…}}}}`. loadgate's `--summary-export` follows it.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::{Percentiles, Reported};
use crate::Result;

#[derive(Debug)]
pub(super) struct Summary {
    metrics: Value,
    causes: Vec<Cause>,
}

/// Why something failed. Only loadgate says so.
#[derive(Debug, Deserialize)]
struct Cause {
    metric: String,
    value: String,
    count: f64,
    meaning: Option<String>,
}

impl Summary {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut document: Value = serde_json::from_str(text)?;
        match document.get_mut("metrics").map(Value::take) {
            Some(metrics @ Value::Object(_)) => {
                let causes = document.get_mut("causes").map(Value::take);
                let causes = causes.map(serde_json::from_value).transpose()?.unwrap_or_default();
                Ok(Self { metrics, causes })
            }
            _ => Err("the summary has no metrics".into()),
        }
    }

    /// A counter that never moved may be absent, as in k6.
    pub(super) fn counter(&self, name: &str) -> Option<u64> {
        self.metrics[name]["values"]["count"].as_f64().map(|count| count as u64)
    }

    /// In milliseconds. `None` without a sample.
    pub(super) fn trend(&self, name: &str) -> Option<Percentiles> {
        let values = &self.metrics[name]["values"];
        values.is_object().then(|| serde_json::from_value(values.clone()).ok()).flatten()
    }

    /// What both k6 and loadgate name alike.
    pub(super) fn reported(&self) -> Reported {
        Reported {
            exchanges: ["http_reqs", "ws_msgs_sent", "grpc_reqs", "nats_acks", "amqp_acks"]
                .iter()
                .filter_map(|name| self.counter(name))
                .sum(),
            errors: ["http_req_failed", "grpc_req_failed", "nats_failed", "amqp_failed"]
                .iter()
                .find_map(|name| self.metrics[name]["values"]["passes"].as_u64()),
            iterations: self.counter("iterations"),
            dropped: Some(self.counter("dropped_iterations").unwrap_or(0)),
            response: None,
            causes: self.causes.iter().map(Cause::to_string).collect::<Vec<_>>().join(", "),
            service: self.trend("http_req_duration"),
        }
    }
}

impl fmt::Display for Cause {
    /// `1050 (timed out) ×12`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { metric, value, count, meaning } = self;
        match meaning {
            Some(meaning) => write!(f, "{value} ({meaning}) ×{count}"),
            None => write!(f, "{metric} {value} ×{count}"),
        }
    }
}
