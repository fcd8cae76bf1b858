//! A backend whose loop is slow, with the files that we ship: panel, gate, alert, notification and exit code must tell the
//! same story.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::{Alertmanager, Browser, Daemon, Prometheus, demo_target, id, loadgate};

const PLAN: &str = "config/plans/chat-streaming.yml";

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Ours, at these addresses.
fn prometheus(loadgate: &str, target: &str, alertmanager: &str) -> Option<Prometheus> {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("rules")).unwrap();
    for rules in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("alerting/rules")).unwrap() {
        let rules = rules.unwrap();
        fs::copy(rules.path(), folder.path().join("rules").join(rules.file_name())).unwrap();
    }
    let mut config = shipped("prometheus/prometheus.yml");
    // It listens where nobody knows yet, so that Alertmanager is scraped in its place.
    let places = [
        ("loadgate:5665", loadgate),
        ("target:4000", target),
        ("alertmanager:9093", alertmanager),
        ("localhost:9090", alertmanager),
    ];
    for (shipped, here) in places {
        assert!(config.contains(shipped), "{shipped}");
        config = config.replace(shipped, here);
    }
    Prometheus::start(folder, &config, &[])
}

#[test]
fn a_slow_loop_is_one_story_from_the_panel_to_the_exit_code() {
    let target = demo_target(&["slow-loop=60"]);
    let daemon = Daemon::start("", &[]);
    let alertmanager = Alertmanager::configured(|webhook| {
        shipped("alerting/alertmanager.yml").replace("http://webhook:8080", webhook)
    });
    let (Some(mut browser), Some(mut alertmanager)) = (Browser::start(), alertmanager) else { return };
    let (ours, theirs) = (daemon.address.to_string(), target.address.to_string());
    let Some(_prometheus) = prometheus(&ours, &theirs, alertmanager.url().trim_start_matches("http://"))
    else {
        return;
    };

    let mut command = loadgate();
    command
        .args(["run", PLAN, "--server", &format!("http://{ours}")])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, value) in [
        ("BASE_URL", target.http()),
        ("WS_URL", target.ws()),
        ("VUS", "3".to_owned()),
        ("DURATION", "25s".to_owned()),
    ] {
        command.arg("--env").arg(format!("{name}={value}"));
    }
    let follower = command.spawn().unwrap();
    let run = id(&daemon.until(|| daemon.runs().pop(), "the run"));

    // The panel, while it runs.
    browser.open(&format!("http://{ours}/#/runs/{run}?dashboard=loadgate-websocket"));
    let hertz = "[...document.querySelectorAll('[data-panel][data-type=stat][data-state=drawn]')]
        .map(panel => /Backend loop[^]*?([\\d.]+)\\s*Hz/.exec(panel.innerText)?.[1]).find(Boolean)";
    let shown = format!("document.querySelector('[data-panel]')?.scrollIntoView(), {hertz}");
    browser.wait(&shown, "the loop's rate in a panel");
    let shown: f64 = browser.evaluate(hertz).as_str().unwrap().parse().unwrap();
    assert!((1.0..70.0).contains(&shown), "{shown} Hz");

    // The exit code, and the verdict on the page.
    let ended = follower.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(99), "{}", String::from_utf8_lossy(&ended.stdout));
    browser.wait("document.querySelector('.run[data-verdict=failed]')", "the verdict");
    browser.wait_for_text("exit code 99");
    browser.wait(
        "[...document.querySelectorAll('table.gates tr')].some(row =>
            row.innerText.includes('avg>95') && row.innerText.includes('failed'))",
        "the gate that failed",
    );

    // The notification: what Prometheus found by our rules, told as our Alertmanager is configured.
    let wanted = [
        json!({"alertname": "BackendHzLow", "instance": theirs}),
        json!({"alertname": "ThresholdCrossed", "severity": "critical", "testid": run, "metric": "hz", "threshold": "avg>95"}),
        json!({"alertname": "RunFailed", "testid": run, "test": "chat-streaming"}),
    ];
    let mut told: Vec<Value> = Vec::new();
    while !wanted.iter().all(|wanted| told.iter().any(|labels| holds(labels, wanted))) {
        let notification = daemon.until(|| alertmanager.told(), &format!("{wanted:#?} among {told:#?}"));
        let alerts = notification["alerts"].as_array().unwrap().clone();
        for alert in alerts.into_iter().filter(|alert| alert["status"] == "firing") {
            let runbook = alert["annotations"]["runbook_url"].as_str().unwrap();
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(runbook).exists(), "{runbook}");
            if wanted.iter().any(|wanted| holds(&alert["labels"], wanted)) {
                assert_eq!(notification["receiver"], "on-call", "{alert}");
            }
            told.push(alert["labels"].clone());
        }
    }
}

fn holds(labels: &Value, wanted: &Value) -> bool {
    wanted.as_object().unwrap().iter().all(|(name, value)| labels[name] == *value)
}
