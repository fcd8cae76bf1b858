//! Runs of a daemon, as a client knows them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::{Result, http};

const POLL: Duration = Duration::from_millis(50);

/// A plan with the values of its variables.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) plan: &'static str,
    pub(crate) env: Json,
    /// Also the tag `trial`, by which its runs are found.
    pub(crate) key: String,
}

impl Wanted {
    /// Its id: it is on disk. A second time it is the same run.
    pub(crate) fn submit(&self, daemon: SocketAddr) -> Result<String> {
        let body = json!({
            "source": {"plan": "plan.yml", "files": {"plan.yml": self.plan}},
            "env": self.env,
            "tags": {"trial": self.key},
        });
        let headers = format!("Idempotency-Key: {}\r\n", self.key);
        let run = http::post(daemon, "/api/v1/runs", &headers, &body)?.json()?;
        Ok(run["id"].as_str().ok_or("a run without an id")?.to_owned())
    }
}

/// How many runs there are of a trial; among the last 500.
pub(crate) fn of_trial(daemon: SocketAddr, test: &str, key: &str) -> Result<usize> {
    let list = http::get(daemon, &format!("/api/v1/runs?test={test}&limit=500"))?.json()?;
    let runs = list["runs"].as_array().ok_or("a list without runs")?;
    Ok(runs.iter().filter(|run| run["tags"]["trial"] == key).count())
}

/// Whether there is such a run.
pub(crate) fn is_there(daemon: SocketAddr, id: &str) -> Result<bool> {
    match http::get(daemon, &format!("/api/v1/runs/{id}"))? {
        answer if answer.status == 404 => Ok(false),
        answer => answer.json().map(|_| true),
    }
}

/// Waits until the run is in one of these states; which one.
pub(crate) fn until(daemon: SocketAddr, id: &str, states: &[&str], within: Duration) -> Result<String> {
    let began = Instant::now();
    loop {
        let run = http::get(daemon, &format!("/api/v1/runs/{id}"))?.json()?;
        let state = run["state"].as_str().unwrap_or_default();
        if states.contains(&state) {
            return Ok(state.to_owned());
        }
        if began.elapsed() > within {
            return Err(format!("run {id} is still {state} after {within:?}").into());
        }
        std::thread::sleep(POLL);
    }
}

/// Waits for its end: its summary.
pub(crate) fn summary(daemon: SocketAddr, id: &str, within: Duration) -> Result<Json> {
    until(daemon, id, &["finished", "interrupted"], within)?;
    http::get(daemon, &format!("/api/v1/runs/{id}/summary"))?.json()
}
