//! An hour of requests and open WebSockets: whether the daemon's memory and descriptors stay what they were.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::Result;
use crate::bench::Bench;
use crate::runs::{self, Wanted};
use crate::service::Service;
use crate::table::{Table, Targets};

/// Users in fixed number, whose requests are due at fixed times: with an arrival rate it would depend on how often the
/// machine stalls how many users, and so how many connections, there come to be.
const PLAN: &str = r#"name: soak
vars: {TARGET: null, WS_TARGET: null, DURATION: null}
scenarios:
  requests:
    executor: constant-vus
    vus: 400
    duration: ${DURATION}
    graceful_stop: 5s
    flow:
      - sleep: {min: 0s, max: 200ms}
      - repeat:
          for: ${DURATION}
          every: 200ms
          flow:
            - http: {url: "${TARGET}/health", name: health}
  sockets:
    executor: constant-vus
    vus: 2000
    duration: ${DURATION}
    graceful_stop: 5s
    flow:
      - websocket:
          url: ${WS_TARGET}/api/chat
          flow:
            - repeat:
                times: 1000000
                flow:
                  - send: {json: {type: message, content: hello}}
                  - receive: {until: json.type == "done", timeout: 30s}
                  - sleep: {min: 25s, max: 35s}
"#;

/// What the daemon held at a moment.
#[derive(Debug, Clone, Copy)]
struct Held {
    hours: f64,
    rss_mib: f64,
    descriptors: f64,
}

pub(crate) fn run(bench: &Bench, targets: &mut Targets) -> Result<()> {
    let folder = bench.folder().join("soak");
    std::fs::create_dir_all(&folder)?;
    let target = Service::target(&folder, &[])?;
    let mut daemon = Service::daemon(&folder, None)?;
    daemon.ready("/-/ready")?;
    let env = json!({
        "TARGET": format!("http://{}", target.address),
        "WS_TARGET": format!("ws://{}", target.address),
        "DURATION": format!("{}s", bench.soak.as_secs()),
    });
    let id = Wanted { plan: PLAN, env, key: "soak".to_owned() }.submit(daemon.address)?;
    runs::until(daemon.address, &id, &["running"], Duration::from_secs(30))?;
    let held = watch(&daemon, bench.soak)?;
    let summary = runs::summary(daemon.address, &id, Duration::from_secs(120))?;
    let mut table = Table::titled(&["minute", "RSS MiB", "descriptors"]);
    for each in held.iter().step_by((held.len() / 12).max(1)) {
        let cells = [each.hours * 60.0, each.rss_mib, each.descriptors].map(|value| format!("{value:.1}"));
        table.row(cells.to_vec());
    }
    table.print("2,000 requests/s and 2,000 WebSockets");
    // The first sixth is the time in which everything is made.
    let settled = &held[held.len() / 6..];
    let (Some(early), Some(late)) = (settled.first(), settled.last()) else {
        return Err("the run was too short to be watched".into());
    };
    let slope = slope(settled, |each| each.rss_mib);
    println!("  RSS grows by {slope:.2} MiB an hour; verdict: {}", summary["verdict"]);
    targets.at_most("soak: RSS at the end, in MiB", late.rss_mib, early.rss_mib * 1.05 + 8.0);
    targets.at_most("soak: descriptors at the end", late.descriptors, early.descriptors * 1.01 + 10.0);
    let sent = summary["metrics"]["http_reqs"]["values"]["rate"].as_f64().unwrap_or(f64::NAN);
    targets.at_least("soak: requests a second", sent, 1_980.0);
    Ok(())
}

/// Until a moment before the load ends.
fn watch(daemon: &Service, lasts: Duration) -> Result<Vec<Held>> {
    let began = Instant::now();
    let every = (lasts / 360).max(Duration::from_secs(1));
    let mut held = Vec::new();
    while began.elapsed() + every < lasts.saturating_sub(Duration::from_secs(5)) {
        let (rss_mib, descriptors) = daemon.holds()?;
        let hours = began.elapsed().as_secs_f64() / 3600.0;
        held.push(Held { hours, rss_mib, descriptors: descriptors as f64 });
        std::thread::sleep(every);
    }
    Ok(held)
}

/// By least squares, an hour.
fn slope(held: &[Held], of: fn(&Held) -> f64) -> f64 {
    let mean = |of: &dyn Fn(&Held) -> f64| held.iter().map(of).sum::<f64>() / held.len() as f64;
    let (hours, value) = (mean(&|each| each.hours), mean(&of));
    let above: f64 = held.iter().map(|each| (each.hours - hours) * (of(each) - value)).sum();
    let below: f64 = held.iter().map(|each| (each.hours - hours).powi(2)).sum();
    above / below
}
