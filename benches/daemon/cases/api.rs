//! A thousand API requests a second beside a run: whether its iterations begin later than without them.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::Result;
use crate::bench::{Bench, loadgate};
use crate::runs::{self, Wanted};
use crate::service::Service;
use crate::table::{Table, Targets, median};

const PLAN: &str = r#"name: beside-api
vars: {TARGET: null, DURATION: null}
scenarios:
  load:
    executor: constant-arrival-rate
    rate: 1000
    duration: ${DURATION}
    pre_allocated_vus: 50
    max_vus: 500
    flow:
      - http: {url: "${TARGET}/health", name: health}
"#;

/// What asks the API: a run in the foreground, so that it keeps its own time and counts what failed.
const ASKING: &str = r#"name: api-requests
vars: {DAEMON: null, RUN: null, DURATION: null}
scenarios:
  api:
    executor: constant-arrival-rate
    rate: 1000
    duration: ${DURATION}
    pre_allocated_vus: 50
    max_vus: 500
    flow:
      - choose:
          - {weight: 4, flow: [{http: {url: "${DAEMON}/api/v1/runs/${RUN}", name: run}}]}
          - {weight: 3, flow: [{http: {url: "${DAEMON}/api/v1/runs?limit=20", name: runs}}]}
          - {weight: 3, flow: [{http: {url: "${DAEMON}/api/v1/query?query=k6_vus", name: query}}]}
"#;

#[derive(Debug)]
struct Asked {
    per_sec: f64,
    failed: f64,
}

pub(crate) fn run(bench: &Bench, targets: &mut Targets) -> Result<()> {
    let folder = bench.folder().join("api");
    std::fs::create_dir_all(&folder)?;
    let target = Service::target(&folder, &[])?;
    let mut daemon = Service::daemon(&folder, None)?;
    daemon.ready("/-/ready")?;
    let secs = bench.either(30, 6);
    let (mut alone, mut beside, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    let mut table =
        Table::titled(&["round", "lag p99 ms alone", "beside the API", "API requests/s", "failed"]);
    for round in 0..bench.either(3, 1) {
        let start = |kind: &str| {
            let env = json!({"TARGET": format!("http://{}", target.address), "DURATION": format!("{secs}s")});
            let wanted = Wanted { plan: PLAN, env, key: format!("{kind}-{round}") };
            wanted.submit(daemon.address)
        };
        let lag = |id: &str| lag_p99_ms(&runs::summary(daemon.address, id, Duration::from_secs(secs + 60))?);
        let without = lag(&start("alone")?)?;
        let id = start("beside")?;
        runs::until(daemon.address, &id, &["running"], Duration::from_secs(20))?;
        // It ends before the run does.
        let said = ask(&folder, daemon.address, &id, secs - 2)?;
        let with = lag(&id)?;
        let row = [without, with, said.per_sec, said.failed].map(|value| format!("{value:.3}"));
        table.row(std::iter::once(round.to_string()).chain(row).collect());
        alone.push(without);
        beside.push(with);
        asked.push(said);
    }
    table.print("API requests beside a run of 1,000 iterations a second");
    let limit = 1.2 * median(alone) + 1.0;
    targets.at_most("api: iteration lag p99 beside it, in ms", median(beside), limit);
    targets.at_least(
        "api: requests a second",
        median(asked.iter().map(|each| each.per_sec).collect()),
        990.0,
    );
    targets.at_most("api: share that failed", median(asked.iter().map(|each| each.failed).collect()), 0.0);
    Ok(())
}

fn lag_p99_ms(summary: &Json) -> Result<f64> {
    let lag = summary["metrics"]["iteration_lag"]["values"]["p(99)"].as_f64();
    Ok(lag.ok_or("the summary has no p(99) of iteration_lag")?)
}

fn ask(folder: &Path, daemon: SocketAddr, run: &str, secs: u64) -> Result<Asked> {
    let (plan, export) = (folder.join("api.yml"), folder.join("api.json"));
    std::fs::write(&plan, ASKING)?;
    let mut command = loadgate();
    command.arg("run").arg(&plan).arg("--quiet").arg("--summary-export").arg(&export);
    command.args(["-e", &format!("DAEMON=http://{daemon}"), "-e", &format!("RUN={run}")]);
    command.args(["-e", &format!("DURATION={secs}s")]);
    // The verdict is ours to give.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let summary: Json = serde_json::from_slice(&std::fs::read(&export)?)?;
    let value = |metric: &str, statistic: &str| summary["metrics"][metric]["values"][statistic].as_f64();
    let causes = summary["causes"].as_array().into_iter().flatten();
    for cause in causes {
        println!("  the API: {} x {} {}", cause["count"], cause["label"], cause["value"]);
    }
    Ok(Asked {
        per_sec: value("http_reqs", "rate").ok_or("the API was not asked")?,
        failed: value("http_req_failed", "rate").ok_or("the API did not answer")?,
    })
}
