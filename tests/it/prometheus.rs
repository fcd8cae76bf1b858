//! `run --prometheus`: Debian's Prometheus judges beside loadgate, on the same rules and the same target.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use loadgate::metric::Catalog;
use loadgate::prometheus::{Options, Prometheus as Judge, WantedRules};
use loadgate::rules::{RuleFile, Scope, ThresholdRules};
use serde_json::Value;
use tempfile::TempDir;

use crate::stage::{Ended, Prometheus, Service, demo_target, loadgate_run};

/// 100 requests in 5 s to a target whose loop turns 100 times a second. Limits are 10 % beside these. What fired before
/// the load decides nothing.
const HOLDS: &str = r#"
      - alert: RequestsFew
        expr: sum by (testid) (k6_http_reqs_total) < 90 and on (testid) loadgate_run_final == 1
        labels: {severity: critical}
      - alert: LoopSlow
        expr: avg_over_time(backend_loop_hz{job="backend"}[3s]) < 90 and on () loadgate_run_elapsed_seconds > 2
        labels: {gate: fail}
      - alert: LoopTurns
        expr: backend_loop_hz{job="backend"} > 0
        labels: {gate: fail}
"#;
const FIRES: &str = r#"
      - alert: RequestsFew
        expr: sum by (testid) (k6_http_reqs_total) < 110 and on (testid) loadgate_run_final == 1
        labels: {severity: critical}
        annotations: {summary: "too few, {{ $value }}"}
      - alert: LoopSlow
        expr: avg_over_time(backend_loop_hz{job="backend"}[3s]) < 110 and on () loadgate_run_elapsed_seconds > 2
        labels: {gate: fail}
"#;
/// Of a target that only Prometheus scrapes.
const FIRES_THERE: &str = r#"
      - alert: SeenElsewhere
        expr: loadgate_run_info unless on () absent(prometheus_ready{job="itself"})
        labels: {severity: page}
"#;

fn file(rules: &str) -> String {
    format!("groups:\n  - name: limits\n    interval: 1s\n    rules:{rules}")
}

/// The target, the plan's rule file, and the address at which the run will listen.
struct Stage {
    target: Service,
    folder: TempDir,
    listen: SocketAddr,
}

impl Stage {
    fn new(rules: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("limits.yml"), file(rules)).unwrap();
        // Nobody else is given it so soon.
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Stage { target: demo_target(&[]), folder, listen }
    }

    fn rule_file(&self) -> PathBuf {
        self.folder.path().join("limits.yml")
    }

    fn plan(&self, secs: u32) -> String {
        format!(
            "name: judged
scrape: [{{job: backend, url: '{url}/metrics', interval: 1s}}]
scenarios:
  steady:
    executor: constant-arrival-rate
    rate: 20
    duration: {secs}s
    pre_allocated_vus: 5
    flow: [{{http: {{url: '{url}/health'}}}}]
rules: ['{rules}']
",
            url = self.target.http(),
            rules = self.rule_file().display(),
        )
    }

    /// One that scrapes run and target, and has these rules. `None` where it is not installed.
    fn prometheus(&self, rules: &str) -> Option<Prometheus> {
        let jobs = [("loadgate", self.listen), ("backend", self.target.address)];
        let prometheus = Prometheus::evaluating(&file(rules), &jobs)?;
        Stage::warm(&prometheus, rules);
        Some(prometheus)
    }

    /// It begins to scrape some seconds after its start. What then fires has to do so before the load.
    fn warm(prometheus: &Prometheus, rules: &str) {
        prometheus.wait_for(r#"up{job="backend"} == 1"#);
        if rules.contains("LoopTurns") {
            prometheus.wait_for(r#"ALERTS{alertname="LoopTurns",alertstate="firing"}"#);
        }
    }

    fn run(&self, prometheus: &str) -> Ended {
        let listen = self.listen.to_string();
        Ended::run(&self.plan(5), &["--listen", &listen, "--testid", "t1", "--prometheus", prometheus])
    }
}

/// (alert, the Prometheus that found it or null, outcome) of each gate.
fn gates(ended: &Ended) -> Vec<(String, Value, String)> {
    let export = ended.export();
    let text = |gate: &Value, field: &str| gate[field].as_str().unwrap().to_owned();
    let gates = export["gates"].as_array().unwrap().iter();
    gates.map(|gate| (text(gate, "alert"), gate["prometheus"].clone(), text(gate, "outcome"))).collect()
}

#[test]
fn a_run_passes_when_nothing_fires_here_or_there() {
    let stage = Stage::new(HOLDS);
    let Some(prometheus) = stage.prometheus(HOLDS) else { return };
    let ended = stage.run(&prometheus.url());
    ended
        .check(0, &["verdict: PASSED", "alert LoopTurns: fired before the run was judged and never stopped"]);
    assert_eq!(ended.export()["disagreements"], serde_json::json!([]));
    assert!(!ended.stderr.contains("WARN"), "{}", ended.stderr);
    let seen = prometheus.query(r#"loadgate_run_final{testid="t1"} == 1"#);
    assert_eq!(seen.len(), 1, "it has waited until the final values were seen: {}", ended.stderr);
}

#[test]
fn a_gate_that_fires_on_both_sides_is_told_of_both() {
    let stage = Stage::new(FIRES);
    let Some(prometheus) = stage.prometheus(FIRES) else { return };
    let ended = stage.run(&prometheus.url());
    ended.check(99, &["alert RequestsFew in Prometheus", "too few, 10", "alert LoopSlow in Prometheus"]);
    let (here, there) = (Value::Null, Value::from(prometheus.url()));
    let mut gates = gates(&ended);
    gates.sort_by_key(|(alert, by, _)| (alert.clone(), by.to_string()));
    let fired = |alert: &str, by: &Value| (alert.to_owned(), by.clone(), "fired".to_owned());
    let mut expected =
        ["LoopSlow", "RequestsFew"].map(|alert| [fired(alert, &there), fired(alert, &here)]).concat();
    expected.sort_by_key(|(alert, by, _)| (alert.clone(), by.to_string()));
    assert_eq!(gates, expected);
    assert_eq!(ended.export()["disagreements"], serde_json::json!([]));
}

#[test]
fn a_gate_that_fires_there_only_fails_the_run_and_the_disagreement_is_told() {
    let stage = Stage::new(FIRES_THERE);
    let itself = Stage::new(FIRES_THERE);
    let Some(other) = itself.prometheus(HOLDS) else { return };
    let jobs = [("loadgate", stage.listen), ("itself", other.address)];
    let Some(prometheus) = Prometheus::evaluating(&file(FIRES_THERE), &jobs) else { return };
    prometheus.wait_for("prometheus_ready");
    let ended = stage.run(&prometheus.url());
    let told =
        ["alert SeenElsewhere in Prometheus", "the alert `SeenElsewhere` fired in Prometheus, not here"];
    ended.check(99, &told);
    assert_eq!(gates(&ended)[0].2, "held", "here");
}

#[test]
fn a_rule_that_is_not_loaded_there_leaves_the_run_inconclusive() {
    let stage = Stage::new(HOLDS);
    let other = HOLDS.replace("< 90 and", "< 80 and").replace("LoopSlow", "LoopSlower");
    let Some(prometheus) = stage.prometheus(&other) else { return };
    let ended = stage.run(&prometheus.url());
    let rules = stage.rule_file();
    let (url, rules) = (prometheus.url(), rules.display());
    let differs = format!(
        "Prometheus ({url}) has the alert `RequestsFew` with another expression: load {rules} as it is now"
    );
    let missing =
        format!("Prometheus ({url}) has not loaded the alert `LoopSlow`: name {rules} in its rule_files");
    ended.check(98, &[&differs, &missing]);
    assert!(ended.stderr.contains(&missing), "told before load is sent, too: {}", ended.stderr);
}

#[test]
fn a_prometheus_that_does_not_scrape_the_run_leaves_it_inconclusive() {
    let stage = Stage::new(HOLDS);
    let jobs = [("backend", stage.target.address)];
    let Some(prometheus) = Prometheus::evaluating(&file(HOLDS), &jobs) else { return };
    Stage::warm(&prometheus, HOLDS);
    let ended = stage.run(&prometheus.url());
    let asked =
        format!("has no series of this run after 6s: does it scrape http://{}/metrics?", stage.listen);
    ended.check(98, &[&asked]);
}

#[test]
fn a_prometheus_that_is_killed_while_load_is_sent_leaves_the_run_inconclusive() {
    let stage = Stage::new(HOLDS);
    let Some(prometheus) = stage.prometheus(HOLDS) else { return };
    let url = prometheus.url();
    let listen = stage.listen.to_string();
    let (mut command, folder) =
        loadgate_run(&stage.plan(5), &["--listen", &listen, "--testid", "t1", "--prometheus", &url]);
    let child = command.spawn().unwrap();
    prometheus.wait_for(r#"loadgate_run_elapsed_seconds{testid="t1"} > 1"#);
    let address = prometheus.address;
    drop(prometheus);
    let ended = Ended::of(child.wait_with_output().unwrap(), folder);
    let why =
        format!("Prometheus could not be asked: POST {url}/api/v1/query: failed to connect to {address}");
    ended.check(98, &[&why]);
    assert!(!ended.stderr.contains("WARN"), "all was well when it began: {}", ended.stderr);
}

#[test]
fn a_prometheus_that_is_not_there_is_told_before_load_is_sent() {
    let stage = Stage::new(HOLDS);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = stage.run(&format!("http://me:secret@{nobody}/prom/"));
    let why = format!("Prometheus could not be asked: GET http://{nobody}/prom/api/v1/rules?type=alert");
    assert!(ended.stderr.contains(&why), "{}", ended.stderr);
    ended.check(98, &["Prometheus could not be asked"]);
    assert!(!format!("{}{}", ended.stderr, ended.stdout).contains("secret"));
}

#[test]
fn there_must_be_something_to_scrape() {
    let stage = Stage::new(HOLDS);
    let ended = Ended::run(&stage.plan(5), &["--prometheus", "http://localhost:9090"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("--prometheus http://localhost:9090 needs --listen ADDR"),
        "{}",
        ended.stderr
    );
}

/// Whatever its printer does to an expression.
#[tokio::test]
async fn the_shipped_rules_and_generated_ones_are_found_as_prometheus_prints_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerting/rules");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts: Vec<(String, String)> =
        paths.map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect();
    let named: Vec<RuleFile> =
        texts.iter().map(|(path, text)| RuleFile::read(path, text).unwrap().file).collect();
    let scope = Scope { test: "t", catalog: &Catalog::default(), probes: &[], warmup: Duration::ZERO };
    let rules = WantedRules::new(&named, &ThresholdRules::compile(&[], scope).unwrap());
    let groups: String =
        texts.iter().map(|(_, text)| text.split_once("\ngroups:\n").unwrap().1.to_owned()).collect();
    let Some(prometheus) = Prometheus::evaluating(&format!("groups:\n{groups}"), &[]) else { return };
    let judge = |url: &str| {
        let (testid, metrics_url) = ("t1".to_owned(), String::new());
        Judge::new(Options {
            address: url.parse().unwrap(),
            tls: None,
            testid,
            metrics_url,
            rules: rules.clone(),
        })
    };
    assert_eq!(judge(&prometheus.url()).preflight().await, []);
    let Some(empty) = Prometheus::evaluating("groups: []\n", &[]) else { return };
    assert!(judge(&empty.url()).preflight().await.len() > 30, "it does look");
}
