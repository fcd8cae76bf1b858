//! Dashboards: ours have the shape and the habits they should, each of their questions is answered after a run, and so are
//! those of k6's official ones.

mod answers;
mod broken;
mod expressions;
mod lint;
mod list;
mod metrics;
mod official;
mod provisioning;
mod shape;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use loadgate::dashboard::{Dashboard, SHIPPED};
use serde_json::Value;

/// Ours, as they are read.
fn dashboards() -> Vec<Dashboard> {
    SHIPPED.into_iter().map(|shipped| shipped.read().unwrap()).collect()
}

/// Ours, as they are written.
fn documents() -> Vec<Value> {
    SHIPPED.into_iter().map(|shipped| serde_json::from_str(shipped.json).unwrap()).collect()
}

fn wait_until(what: &dyn Fn() -> String, holds: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(90);
    while !holds() {
        assert!(Instant::now() < patience, "waited in vain: {}", what());
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}
