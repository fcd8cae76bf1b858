//! Ten comparisons of one program with itself find nothing, and ten with a target that is a fifth slower find it.

use std::time::Duration;

use serde_json::json;

use crate::bench::Bench;
use crate::runs::{self, Wanted};
use crate::service::Service;
use crate::table::{Table, Targets};
use crate::{Result, http};

const PLAN: &str = r#"name: compared
vars: {TARGET: null, DURATION: null}
scenarios:
  load:
    executor: constant-arrival-rate
    rate: 100
    duration: ${DURATION}
    pre_allocated_vus: 50
    flow:
      - http: {url: "${TARGET}/health", name: health}
"#;

/// Of the demo target; the second is 20 % more.
const LATENCIES: [&str; 2] = ["latency=50ms", "latency=60ms"];

pub(crate) fn run(bench: &Bench, targets: &mut Targets) -> Result<()> {
    let folder = bench.folder().join("compare");
    std::fs::create_dir_all(&folder)?;
    let mut daemon = Service::daemon(&folder, None)?;
    daemon.ready("/-/ready")?;
    let (secs, times) = (bench.either(15, 5), bench.either(10, 2));
    let send = |target: &Service, key: String| -> Result<String> {
        // The same address in both, as a backend has that is deployed anew, would need the same port.
        let env = json!({"TARGET": format!("http://{}", target.address), "DURATION": format!("{secs}s")});
        let id = Wanted { plan: PLAN, env, key }.submit(daemon.address)?;
        runs::until(daemon.address, &id, &["finished"], Duration::from_secs(secs + 60))?;
        Ok(id)
    };
    let usual = Service::target(&folder, &LATENCIES[..1])?;
    let first = send(&usual, "first".to_owned())?;
    let mut table = Table::titled(&["target", "round", "outcome", "first sentence"]);
    let mut outcomes = |target: &Service, name: &str| -> Result<Vec<String>> {
        let mut found = Vec::new();
        for round in 0..times {
            let id = send(target, format!("{name}-{round}"))?;
            let path = format!("/api/v1/runs/compare?a={first}&b={id}");
            let comparison = http::get(daemon.address, &path)?.json()?;
            let outcome = comparison["outcome"].as_str().unwrap_or("none").to_owned();
            let said = comparison["sentences"][0].as_str().unwrap_or_default().to_owned();
            table.row(vec![name.to_owned(), round.to_string(), outcome.clone(), said]);
            found.push(outcome);
        }
        Ok(found)
    };
    let same = outcomes(&usual, "the same")?;
    drop(usual);
    let slower = outcomes(&Service::target(&folder, &LATENCIES[1..])?, "20% slower")?;
    table.print("Comparisons with the first run");
    let share = |found: &[String], outcome: &str| {
        found.iter().filter(|each| *each == outcome).count() as f64 / found.len() as f64
    };
    targets.at_least(
        "compare: one program with itself, share without a regression",
        share(&same, "no_regression"),
        1.0,
    );
    targets.at_least("compare: 20% slower, share with a regression", share(&slower, "regression"), 1.0);
    Ok(())
}
