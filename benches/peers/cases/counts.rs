//! The same scenarios in loadgate and in k6, against the demo target: how many iterations were completed, interrupted
//! and dropped. Once each: a count has no median.
//!
//! A scenario is one JSON text for both, since loadgate takes k6's spelling. Iterations are a request and a pause, long
//! enough that no iteration is due to begin within some 50 ms of a moment at which it may not begin any more.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Result;
use crate::bench::Bench;
use crate::clients::Client;
use crate::machine::{self, Place};
use crate::process::{self, Daemon};
use crate::report::{Bound, Report};

const REPORT: &str = "summary.json";
const LIMIT: Duration = Duration::from_secs(60);

/// What an iteration can come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    complete: u64,
    interrupted: u64,
    dropped: u64,
}

impl Counts {
    fn due(self) -> u64 {
        self.complete + self.interrupted + self.dropped
    }
}

/// A scenario, how many milliseconds its iterations pause, and by how much its counts may differ.
struct Case {
    scenario: Value,
    pause_millis: u64,
    tolerance: u64,
}

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let (Some(loadgate), Some(k6)) =
        (Client::Loadgate.program(&bench.myself), Client::K6.program(&bench.myself))
    else {
        report.target("counts of all executors, where k6 has no figure", Bound::AtLeast(0.0), None);
        return Ok(());
    };
    let listen = machine::free_address()?;
    let mut target = bench.machine.command(&loadgate, Place::Server);
    target.args(["target", "--listen", &listen.to_string()]);
    let _target = Daemon::start(target)?;
    let ready = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(listen).is_err() {
        bench.interrupt.check()?;
        if Instant::now() > ready {
            return Err("the demo target does not listen after 10 s".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let url = format!("http://{listen}/health");
    println!("\n### The same scenarios' counts: complete / interrupted / dropped\n");
    println!("| {:118} | {:>16} | {:>16} |", "scenario, pause", "loadgate", "k6");
    println!("| :{:-<117} | {:->15}: | {:->15}: |", "", "", "");
    let (mut iterations_differ, mut rates_differ) = (0, 0);
    for case in cases() {
        let folder = tempfile::tempdir_in(bench.folder())?;
        let command = |program: &Path| bench.machine.command(program, Place::Client);
        let ours = in_loadgate(command(&loadgate), &case, &url, folder.path(), bench)?;
        let theirs = in_k6(command(&k6), &case, &url, folder.path(), bench)?;
        let shown = format!("{}, {} ms", brief(&case.scenario), case.pause_millis);
        println!("| {shown:118} | {:>16} | {:>16} |", text(ours), text(theirs));
        let same = if case.tolerance == 0 {
            ours == theirs
        } else {
            // A machine that is busy makes either of them drop; what was due stays.
            ours.due().abs_diff(theirs.due()) <= case.tolerance
        };
        *(if case.tolerance == 0 { &mut iterations_differ } else { &mut rates_differ }) += u32::from(!same);
    }
    let none = Bound::AtMost(0.0);
    report.target(
        "scenarios of VUs and iterations whose counts are not k6's",
        none,
        Some(iterations_differ.into()),
    );
    report.target(
        "rates of which more than one iteration a stage was due more or less than in k6",
        none,
        Some(rates_differ.into()),
    );
    Ok(())
}

fn cases() -> Vec<Case> {
    let exact = |pause_millis, scenario| Case { scenario, pause_millis, tolerance: 0 };
    let rate = |scenario: Value| {
        let tolerance = scenario["stages"].as_array().map_or(1, Vec::len) as u64;
        Case { scenario, pause_millis: 20, tolerance }
    };
    let stage = |duration: &str, target: u64| json!({"duration": duration, "target": target});
    vec![
        exact(20, json!({"executor": "shared-iterations", "vus": 7, "iterations": 100})),
        exact(300, json!({"executor": "shared-iterations", "vus": 3, "iterations": 50, "maxDuration": "1s"})),
        exact(
            800,
            json!({"executor": "shared-iterations", "vus": 2, "iterations": 20, "maxDuration": "1s", "gracefulStop": "500ms"}),
        ),
        exact(20, json!({"executor": "per-vu-iterations", "vus": 5, "iterations": 20})),
        exact(300, json!({"executor": "per-vu-iterations", "vus": 3, "iterations": 10, "maxDuration": "1s"})),
        exact(
            800,
            json!({"executor": "per-vu-iterations", "vus": 2, "iterations": 10, "maxDuration": "1s", "gracefulStop": "500ms"}),
        ),
        exact(300, json!({"executor": "constant-vus", "vus": 3, "duration": "2s"})),
        exact(750, json!({"executor": "constant-vus", "vus": 3, "duration": "2s", "gracefulStop": "100ms"})),
        exact(
            340,
            json!({"executor": "ramping-vus", "startVUs": 0, "stages": [stage("2s", 4), stage("1s", 4), stage("2s", 0)]}),
        ),
        exact(
            300,
            json!({"executor": "ramping-vus", "startVUs": 2, "stages": [stage("0s", 6), stage("1s", 6), stage("0s", 1), stage("1s", 1)]}),
        ),
        exact(
            600,
            json!({"executor": "ramping-vus", "startVUs": 4, "stages": [stage("1s", 4), stage("0s", 1), stage("1s", 1)], "gracefulRampDown": "0s"}),
        ),
        exact(
            800,
            json!({"executor": "ramping-vus", "startVUs": 3, "stages": [stage("1s", 3), stage("0s", 0), stage("500ms", 0), stage("0s", 3), stage("1s", 3)]}),
        ),
        rate(
            json!({"executor": "constant-arrival-rate", "rate": 50, "duration": "8s", "preAllocatedVUs": 10}),
        ),
        rate(
            json!({"executor": "constant-arrival-rate", "rate": 7, "timeUnit": "3s", "duration": "3s", "preAllocatedVUs": 10}),
        ),
        Case {
            pause_millis: 875,
            ..rate(
                json!({"executor": "constant-arrival-rate", "rate": 4, "duration": "3s", "preAllocatedVUs": 3}),
            )
        },
        rate(
            json!({"executor": "ramping-arrival-rate", "stages": [stage("2s", 20), stage("1s", 20), stage("2s", 0)], "preAllocatedVUs": 10}),
        ),
        rate(
            json!({"executor": "ramping-arrival-rate", "startRate": 5, "stages": [stage("1900ms", 5), stage("1s", 12), stage("0s", 3), stage("1600ms", 3)], "preAllocatedVUs": 10}),
        ),
        rate(
            json!({"executor": "ramping-arrival-rate", "startRate": 60, "timeUnit": "1m", "stages": [stage("3s", 300)], "preAllocatedVUs": 10}),
        ),
    ]
}

fn in_loadgate(mut command: Command, case: &Case, url: &str, folder: &Path, bench: &Bench) -> Result<Counts> {
    let mut scenario = case.scenario.clone();
    scenario["flow"] = json!([{"http": {"url": url}}, {"sleep": format!("{}ms", case.pause_millis)}]);
    // JSON is YAML.
    let plan = json!({"name": "counts", "scenarios": {"s": scenario}});
    let (path, report) = (folder.join("plan.yml"), folder.join(REPORT));
    std::fs::write(&path, plan.to_string())?;
    command.args(["run", "--quiet"]).arg(path).arg("--summary-export").arg(&report);
    let finished = process::Client::start(command, folder)?.finish(LIMIT, &bench.interrupt)?;
    let report = std::fs::read_to_string(report).map_err(|_| finished.complaint())?;
    let scenario = &serde_json::from_str::<Value>(&report)?["scenarios"][0];
    let count =
        |name: &str| scenario[name].as_u64().ok_or_else(|| format!("no {name} in loadgate's summary"));
    Ok(Counts {
        complete: count("iterations_completed")?,
        interrupted: count("iterations_interrupted")?,
        dropped: count("iterations_dropped")?,
    })
}

fn in_k6(mut command: Command, case: &Case, url: &str, folder: &Path, bench: &Bench) -> Result<Counts> {
    let (options, url) = (json!({"scenarios": {"s": case.scenario}}), json!(url));
    let script = format!(
        "import http from 'k6/http';\nimport {{ sleep }} from 'k6';\nexport const options = {options};\n\
         export default function () {{ http.get({url}); sleep({}); }}\n",
        case.pause_millis as f64 / 1e3
    );
    let (path, report) = (folder.join("script.js"), folder.join("k6.json"));
    std::fs::write(&path, script)?;
    command.args(["run", "--no-usage-report", "--address="]).arg("--summary-export").arg(&report).arg(path);
    let finished = process::Client::start(command, folder)?.finish(LIMIT, &bench.interrupt)?;
    let report = std::fs::read_to_string(report).map_err(|_| finished.complaint())?;
    let metrics = &serde_json::from_str::<Value>(&report)?["metrics"];
    // k6 leaves a counter out that nothing was added to, and says how many were interrupted in its last lines alone.
    let count = |name: &str| metrics[name]["count"].as_u64().unwrap_or(0);
    let interrupted = finished
        .output
        .rsplit_once(" interrupted iterations")
        .and_then(|(before, _)| before.rsplit_once(' ').and_then(|(_, count)| count.parse().ok()));
    Ok(Counts {
        complete: count("iterations"),
        interrupted: interrupted.ok_or("k6 did not say how many iterations it interrupted")?,
        dropped: count("dropped_iterations"),
    })
}

/// `ramping-vus startVUs=2 stages=[6 in 1s]`: shorter than JSON.
fn brief(scenario: &Value) -> String {
    let Some(keys) = scenario.as_object() else { return String::new() };
    let stage =
        |stage: &Value| format!("{} in {}", stage["target"], stage["duration"].as_str().unwrap_or_default());
    let value = |value: &Value| match value {
        Value::Array(stages) => format!("[{}]", stages.iter().map(stage).collect::<Vec<_>>().join(", ")),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut words = vec![value(&scenario["executor"])];
    words.extend(
        keys.iter().filter(|(key, _)| *key != "executor").map(|(key, it)| format!("{key}={}", value(it))),
    );
    words.join(" ")
}

fn text(counts: Counts) -> String {
    format!("{} / {} / {}", counts.complete, counts.interrupted, counts.dropped)
}
