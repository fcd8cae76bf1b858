//! All shipped alert rules, on what a run of chat-streaming and its target show while a fault comes and goes.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::agree;
use super::peer::{Peer, Recording};
use crate::stage::{Serving, demo_target, exchange, is_final, value};

const ERRORS: &str = r#"{"fault":"errors","value":"0.9"}"#;
const SLOW_LOOP: &str = r#"{"fault":"slow-loop","value":"20"}"#;
const DURATION: &str = "DURATION=40s";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn rules() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerting/rules");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "yml")).collect();
    files.sort();
    files.iter().map(|path| read(path.to_str().unwrap())).collect()
}

fn set_faults(target: SocketAddr, method: &str, body: &str) {
    let answer = exchange(target, method, "/faults", "", body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn record() -> Option<Recording> {
    let target = demo_target(&[]);
    let variables =
        [format!("BASE_URL={}", target.http()), format!("WS_URL={}", target.ws()), DURATION.to_owned()];
    let mut arguments = vec!["--profile", "smoke"];
    arguments.extend(variables.iter().flat_map(|variable| ["-e", variable.as_str()]));
    let run = Serving::start(&read("config/plans/chat-streaming.yml"), &arguments);
    let elapsed = |secs: f64| {
        value(&run.families(), "loadgate_run_elapsed_seconds", &[]).is_some_and(|elapsed| elapsed >= secs)
    };
    let wait = |secs| {
        while !elapsed(secs) {
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    // How far back to nought a rate of a new series goes is not the same in Prometheus 2 and 3: all counters that rise
    // later have risen well before they are scraped.
    wait(0.5);
    set_faults(target.address, "POST", ERRORS);
    wait(4.0);
    set_faults(target.address, "DELETE", "");
    let mut peer = Peer::start(&[("loadgate", run.address), ("backend", target.address)], &rules())?;
    peer.watch(|| elapsed(13.0));
    set_faults(target.address, "POST", ERRORS);
    set_faults(target.address, "POST", SLOW_LOOP);
    peer.watch(|| elapsed(28.0));
    set_faults(target.address, "DELETE", "");
    peer.watch(|| is_final(&run.families()));
    // The rules see the run's last values, those of every fifth second, too.
    let mut ticks = 0;
    peer.watch(|| {
        ticks += 1;
        ticks > 50
    });
    let recording = peer.end();
    run.end();
    Some(recording)
}

#[test]
fn the_shipped_rules_come_to_the_same_on_a_real_run_as_in_prometheus() {
    let Some(report) = agree(1, record) else { return };
    println!("firing: {:?}, pending: {:?}", report.firing, report.pending);
    for alert in ["BackendHzLow", "ErrorRateExtreme", "ThresholdCrossed", "RunFailed", "Watchdog"] {
        assert!(report.firing.contains(alert), "{alert} is not among {:?}", report.firing);
    }
    assert!(report.ticks >= 200 && report.alert_lists >= 200, "{report:?}");
}
