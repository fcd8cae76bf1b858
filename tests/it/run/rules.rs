//! Rule files that a plan names, while it runs: alerts decide, probes are PromQL, whoever is on call is told.

use std::fs;

use loadgate::verdict::Verdict;
use tempfile::TempDir;

use super::check;
use crate::query_api::client::get;
use crate::stage::{Alertmanager, Asked, Ended, HttpServer, Serving, is_final, reply, run, value};

/// A plan of 50 requests a second for `secs`, and the folder with its rules.
fn plan(server: &HttpServer, secs: u32, rules: &str, more: &str) -> (String, TempDir) {
    let load = "executor: constant-arrival-rate\n    rate: 50\n    pre_allocated_vus: 5";
    of_load(server, &format!("{load}\n    duration: {secs}s"), "", rules, more)
}

/// A plan of five users for `secs`, who make some 200 requests a second. However slow this machine is, nothing of it is
/// due at a time: the generator cannot be late, and whether the run passes is for its rules to say.
fn unhurried(server: &HttpServer, secs: u32, rules: &str, more: &str) -> (String, TempDir) {
    let load = format!("executor: constant-vus\n    vus: 5\n    duration: {secs}s");
    of_load(server, &load, ", {sleep: 20ms}", rules, more)
}

fn of_load(server: &HttpServer, load: &str, rest: &str, rules: &str, more: &str) -> (String, TempDir) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("rules.yml");
    fs::write(&file, rules).unwrap();
    let text = format!(
        "name: ruled
scrape: [{{job: backend, url: '{url}/metrics', interval: 1s}}]
scenarios:
  s:
    {load}
    flow: [{{http: {{url: '{url}/ok'}}}}{rest}]
rules: ['{file}']
{more}",
        url = server.url(),
        file = file.display(),
    );
    (text, folder)
}

/// A target that is too hot from the start, and whose queue grows with what it is asked.
async fn backend(asked: Asked) -> Vec<u8> {
    match asked.path.as_str() {
        "/metrics" => reply_metrics("temperature 90\nqueue 5\n"),
        _ => reply(200, "ok"),
    }
}

fn reply_metrics(body: &str) -> Vec<u8> {
    crate::stage::reply_with(200, "content-type: text/plain; version=0.0.4\r\n", body)
}

fn group(rules: &str) -> String {
    format!("groups:\n- name: g\n  interval: 1s\n  rules:\n{rules}")
}

fn alert(name: &str, expr: &str, more: &str) -> String {
    format!("  - alert: {name}\n    expr: {expr}\n    labels: {{severity: critical{more}}}\n")
}

#[test]
fn alerts_decide_by_what_they_say_of_the_load() {
    let server = HttpServer::start(backend);
    let late = "  - alert: TooLate\n    expr: sum by (testid) (k6_http_reqs_total) > 60\n    for: 3s\n    labels: {severity: page}\n";
    let rules = [
        "  - record: run:reqs\n    expr: sum by (testid) (k6_http_reqs_total)\n",
        &alert("Busy", "run:reqs > 10", ""),
        &alert("Quiet", "run:reqs > 1e6", ""),
        &alert("Doubtful", "run:reqs > 20", ", gate: inconclusive"),
        &alert("Shown", "run:reqs > 20", ", gate: none"),
        &alert("Blind", "no_such_metric > 1", ""),
        &alert("HotBefore", "temperature > 80", ""),
        &alert("Down", "up == 0", ""),
        late,
    ];
    let (text, _folder) = plan(&server, 4, &group(&rules.concat()), "");
    let ran = run(&text);
    assert_eq!(ran.finished.verdict, Verdict::Failed);
    let mut outcomes: Vec<(&str, &str)> =
        ran.finished.alerts().map(|gate| (gate.alert.as_str(), gate.outcome.as_str())).collect();
    outcomes.sort_unstable();
    let expected = [
        ("Blind", "no_data"),
        ("Busy", "fired"),
        ("Doubtful", "fired"),
        ("Down", "held"),
        ("HotBefore", "firing_already"),
        ("Quiet", "held"),
        ("Shown", "fired"),
        ("TooLate", "pending"),
    ];
    assert_eq!(outcomes, expected, "{}", ran.verdict());
}

#[test]
fn an_alert_on_nothing_is_no_pass() {
    let server = HttpServer::start(backend);
    let (text, _folder) = plan(&server, 2, &group(&alert("Blind", "quee > 1", "")), "");
    let ran = run(&text);
    check(&ran, Verdict::Inconclusive, &["alert Blind: ", "quee", "queue"]);
}

#[test]
fn an_alert_with_abort_ends_the_run_and_says_so() {
    let server = HttpServer::start(backend);
    let rules = group(&alert("Enough", "sum by (testid) (k6_http_reqs_total) > 20", ", abort: \"true\""));
    let (text, _folder) = plan(&server, 600, &rules, "");
    let ran = run(&text);
    check(&ran, Verdict::Failed, &["alert Enough: fired at"]);
    assert_eq!(ran.finished.ended_by.as_deref(), Some("alert `Enough` fired"));
}

#[test]
fn what_fired_while_the_run_warmed_up_is_not_judged_until_it_has_stopped() {
    let server = HttpServer::start(backend);
    // By the clock: how many requests were made by then is this machine's affair.
    let rules = [
        alert("Always", "loadgate_run_elapsed_seconds >= 0", ""),
        alert("AfterWarmup", "loadgate_run_elapsed_seconds > 3", ""),
    ];
    let (text, _folder) = unhurried(&server, 4, &group(&rules[0]), "warmup: 2s");
    let ran = run(&text);
    check(&ran, Verdict::Passed, &[]);
    let outcomes: Vec<&str> = ran.finished.alerts().map(|gate| gate.outcome.as_str()).collect();
    assert_eq!(outcomes, ["firing_already"]);
    let (text, _folder) = unhurried(&server, 4, &group(&rules[1]), "warmup: 2s");
    check(&run(&text), Verdict::Failed, &["alert AfterWarmup: fired at"]);
}

#[test]
fn a_probe_is_any_promql_over_what_is_scraped_and_what_is_sent() {
    let server = HttpServer::start(backend);
    let more = "probes:
  sum: {query: 'sum(temperature) + scalar(sum(queue))', interval: 200ms}
  sent: {query: 'sum(k6_http_reqs_total)', interval: 1s}
  nothing: {query: 'sum(quee)', interval: 1s}
thresholds: {sum: [avg==95, min==95], sent: [max>50]}
";
    let quiet = group(&alert("Quiet", "sum by (testid) (k6_http_reqs_total) > 1e6", ""));
    let (text, _folder) = unhurried(&server, 3, &quiet, more);
    let ran = run(&text);
    check(&ran, Verdict::Passed, &[]);
    let missed: Vec<bool> = ran.finished.probes.iter().map(|probe| probe.samples.count == 0).collect();
    assert_eq!(missed, [false, false, true]);
    assert_eq!(ran.last.sum("loadgate_probe_avg", &[("probe", "sum")]), Some(95.0));
}

#[test]
fn rules_targets_and_series_are_answered_while_the_run_lasts_and_after() {
    let server = HttpServer::start(backend);
    let (text, _folder) =
        plan(&server, 2, &group(&alert("Busy", "sum by (testid) (k6_http_reqs_total) > 10", "")), "");
    let serving = Serving::start(&text, &["--testid", "t7"]);
    let shown = serving.scrape_until(is_final);
    // 101, unless this machine is so busy that the last one is dropped.
    let sent = value(&shown, "k6_http_reqs_total", &[]).unwrap();
    assert!(sent > 10.0, "{sent}");
    let ask = |endpoint: &str, parameters: &[(&str, &str)]| get(serving.address, endpoint, parameters).json();
    let reqs = ask("query", &[("query", "sum(k6_http_reqs_total{job=\"loadgate\",testid=\"t7\"})")]);
    assert_eq!(reqs["data"]["result"][0]["value"][1], sent.to_string(), "{reqs}");
    let alerts = ask("query", &[("query", "ALERTS{alertname=\"Busy\",testid=\"t7\"}")]);
    assert_eq!(alerts["data"]["result"][0]["metric"]["alertstate"], "firing", "{alerts}");
    let rules = ask("rules", &[]);
    assert_eq!(rules["data"]["groups"][0]["rules"][0]["state"], "firing", "{rules}");
    let targets = ask("targets", &[]);
    assert_eq!(targets["data"]["activeTargets"][0]["health"], "up", "{targets}");
    assert_eq!(serving.end(), 99);
}

#[test]
fn alertmanagers_are_told_of_the_breach_and_at_the_end_that_it_is_over() {
    let Some(mut manager) = Alertmanager::start() else { return };
    let server = HttpServer::start(backend);
    let rules = group(&alert("Busy", "sum by (testid) (k6_http_reqs_total) > 10", ""));
    let (text, _folder) = plan(&server, 3, &rules, "");
    let ended = Ended::run(&text, &["--alertmanager", &manager.url(), "--testid", "t8"]);
    ended.check(99, &["alert Busy"]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for status in ["firing", "resolved"] {
        let told = runtime.block_on(manager.notification());
        assert_eq!((&told["status"], &told["alerts"][0]["labels"]["testid"]), (&status.into(), &"t8".into()));
    }
    assert!(manager.active().is_empty());
}
