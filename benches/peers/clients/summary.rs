//! k6's end-of-test summary as JSON: `{"metrics": {NAME: {"values": {…}}}}`. loadgate's `--summary-export` follows it.

use serde_json::Value;

use super::{Percentiles, Reported};
use crate::Result;

#[derive(Debug)]
pub(super) struct Summary(Value);

impl Summary {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut document: Value = serde_json::from_str(text)?;
        match document.get_mut("metrics").map(Value::take) {
            Some(metrics @ Value::Object(_)) => Ok(Self(metrics)),
            _ => Err("the summary has no metrics".into()),
        }
    }

    /// A counter that never moved may be absent, as in k6.
    pub(super) fn counter(&self, name: &str) -> Option<u64> {
        self.0[name]["values"]["count"].as_f64().map(|count| count as u64)
    }

    /// In milliseconds. `None` without a sample.
    pub(super) fn trend(&self, name: &str) -> Option<Percentiles> {
        let values = &self.0[name]["values"];
        values.is_object().then(|| serde_json::from_value(values.clone()).ok()).flatten()
    }

    /// What both k6 and loadgate name alike.
    pub(super) fn reported(&self) -> Reported {
        Reported {
            exchanges: self.counter("http_reqs").unwrap_or(0) + self.counter("ws_msgs_sent").unwrap_or(0),
            errors: self.0["http_req_failed"]["values"]["passes"].as_u64(),
            iterations: self.counter("iterations"),
            dropped: Some(self.counter("dropped_iterations").unwrap_or(0)),
            response: None,
            causes: String::new(),
            service: self.trend("http_req_duration"),
        }
    }
}
