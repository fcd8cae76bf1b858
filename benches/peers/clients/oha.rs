//! oha: closed loop, or paced by `-q`. Its latency starts when its own timer returned.

use std::process::Command;

use serde_json::Value;

use super::{Percentiles, Reported, cannot};
use crate::Result;
use crate::load::{Load, Shape};
use crate::process::Finished;

pub(super) fn configure(load: &Load, command: &mut Command) -> Result<()> {
    let connections = match load.shape {
        Shape::Closed { connections } => connections,
        Shape::Open { rate, vus } => {
            command.args(["-q", &rate.to_string()]);
            vus
        }
        _ => return Err(cannot("oha", load)),
    };
    command.args(["--no-tui", "--output-format", "json", "-c", &connections.to_string()]);
    command.args(["-z", &format!("{}s", load.secs()), &load.url()]);
    Ok(())
}

pub(super) fn read(finished: &Finished) -> Result<Reported> {
    let report: Value = serde_json::from_str(&finished.output)?;
    let statuses = report["statusCodeDistribution"].as_object().ok_or("no statuses")?;
    let millis = |value: &Value| value.as_f64().map_or(f64::NAN, |secs| secs * 1000.0);
    let (summary, at) = (&report["summary"], &report["latencyPercentiles"]);
    let service = Percentiles {
        avg: millis(&summary["average"]),
        med: millis(&at["p50"]),
        p90: millis(&at["p90"]),
        p95: millis(&at["p95"]),
        p99: millis(&at["p99"]),
    };
    Ok(Reported {
        exchanges: statuses.values().filter_map(Value::as_u64).sum(),
        service: Some(service),
        ..Reported::default()
    })
}
