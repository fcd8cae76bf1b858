//! Whole plans, read as a user writes them.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// The contract's example without what is not built yet.
const CHAT: &str = r#"
name: chat-streaming                  # [a-z0-9-]+; the label `test`
description: 1,000 users stream chat replies while the backend must keep its 100 Hz loop
tags:                                 # on every series of the run
  suite: featherweight
vars:
  BASE_URL: http://localhost:4000
  WS_URL: ws://localhost:4000
  VUS: 1000
  DURATION: 5m
  ERROR_RATE_THRESHOLD: 0.01
  HZ_AVERAGE_THRESHOLD: 95

default_profile: load
profiles:
  smoke:
    vars: {VUS: 10, DURATION: 1m}
  load: {}

defaults:
  timeout: 60s
  user_agent: loadgate/1
  tls: {insecure_skip_verify: false}
  dns: {hosts: {}}
  discard_bodies: true
limits:
  rps: null
  max_dropped: 0.1%
  memory: 64MB
warmup: 0s

scrape:
  - job: backend
    url: ${BASE_URL}/metrics
    interval: 1s
    timeout: 500ms
probes:
  hz:
    query: backend_loop_hz{job="backend"}
    interval: 1s

preflight:
  - http:
      url: ${BASE_URL}/health
      wait_for: 30s
      checks:
        healthy: status == 200
setup: []
scenarios:
  chat:
    executor: constant-vus
    vus: ${VUS}
    duration: ${DURATION}
    graceful_stop: 30s
    start_time: 0s
    tags:
      kind: streaming
    flow:
      - websocket:
          url: ${WS_URL}/api/chat
          connect_timeout: 5s
          flow:
            - send:
                json: {type: message, content: "hello from {{ vu }}"}
            - receive:
                until: json.type == "done"
                timeout: 10s
                record: message_response_time
            - sleep: 1s
            - ping:
            - close: {}
  health:
    executor: constant-arrival-rate
    rate: 2.5
    duration: 10s
    preAllocatedVUs: 5
    flow:
      - http: {url: "${BASE_URL}/health/{{ iteration }}", expected_statuses: [200, 300-399], checks: {sold out: json.stock == 0}}
      - sleep: {min: 0s, max: 300ms}
      - repeat: {times: 2, flow: [{log: "vu {{ vu }}"}]}
      - if: {when: vu == 1, then: [{set: {a: "1"}}], else: [{check: {b: vu > 1}}]}
      - group: {name: outer, flow: [{record: {message_response_time: duration}}]}
drain: 30s
settle: 0s
verify: []
teardown: []
hooks:
  on_failure: []
  always: []

metrics:
  message_response_time:
    type: trend
    time: true
thresholds:
  http_req_failed: ["rate<${ERROR_RATE_THRESHOLD}"]
  hz: ["avg>${HZ_AVERAGE_THRESHOLD}", "min>90"]
  message_response_time{scenario:chat}:
    - p(90)<10s
    - threshold: p(99)<20000
      abort_on_fail: true
      delay_abort_eval: 10s
slo: []
rules: []
chaos: []
baseline: null
retain_series: 5m
series_limit: 200
"#;

fn loaded(text: &str) -> PlanConfig {
    load("plan.yml", text, &LoadOptions::default())
        .map(|loaded| loaded.config)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn vus(config: &PlanConfig) -> ExecutorConfig {
    config.scenarios[0].executor.clone()
}

#[test]
fn the_contracts_example_loads() {
    let config = loaded(CHAT);
    assert_eq!(config.name.value, "chat-streaming");
    assert_eq!(vus(&config), ExecutorConfig::ConstantVus { vus: 1000, duration: Duration::from_secs(300) });
    let arrivals = ExecutorConfig::ConstantArrivalRate {
        rate: 2.5,
        time_unit: Duration::from_secs(1),
        duration: Duration::from_secs(10),
        burst: None,
        pre_allocated_vus: 5,
        max_vus: 5,
    };
    assert_eq!(config.scenarios[1].executor, arrivals);
    assert_eq!((config.limits.max_dropped, config.limits.memory_bytes), (0.001, 64_000_000));
    assert_eq!(config.defaults.timeout, Duration::from_secs(60));
    assert_eq!(config.scrape[0].url.value, "http://localhost:4000/metrics");
    assert_eq!(config.vars[2], ("VUS".to_owned(), serde_json::json!(1000)));
    let sources: Vec<&str> =
        config.thresholds.iter().map(|threshold| threshold.source.value.as_str()).collect();
    assert_eq!(sources, ["rate<0.01", "avg>95", "min>90", "p(90)<10s", "p(99)<20000"]);
    assert!(config.thresholds[4].abort_on_fail);
}

#[test]
fn defaults_are_filled_in() {
    let config =
        loaded("name: a\nscenarios: {s: {executor: constant-vus, duration: 1s, flow: [{sleep: 1s}]}}");
    assert_eq!(vus(&config), ExecutorConfig::ConstantVus { vus: 1, duration: Duration::from_secs(1) });
    assert_eq!(config.scenarios[0].graceful_stop, Duration::from_secs(30));
    assert_eq!(config.drain, None);
    assert_eq!(config.retain_series, Duration::from_secs(300));
    assert_eq!(config.series_limit, 200);
    assert_eq!(config.defaults.user_agent, concat!("loadgate/", env!("CARGO_PKG_VERSION")));
    assert!(config.defaults.discard_bodies && !config.defaults.tls.insecure_skip_verify);
    assert_eq!((config.limits.max_dropped, config.limits.memory_bytes), (0.001, 96 << 20));
}

#[test]
fn variables_are_looked_for_in_the_order_of_the_contract() {
    let text = "name: a\nvars: {VUS: 1}\ndefault_profile: usual\nprofiles:\n  usual: {vars: {VUS: 2}}\n  chosen: {vars: {VUS: 4}}\n\
                scenarios: {s: {executor: constant-vus, vus: \"${VUS}\", duration: 1s, flow: [{sleep: 1s}]}}";
    let found = |flag: bool, profile: Option<&str>, environment: bool| {
        let lookup = |name: &str| (environment && name == "VUS").then(|| "3".to_owned());
        let env_flags = flag.then(|| ("VUS".to_owned(), "5".to_owned())).into_iter().collect();
        let options = LoadOptions { env_flags, profile: profile.map(str::to_owned), environment: &lookup };
        match vus(&load("plan.yml", text, &options).unwrap().config) {
            ExecutorConfig::ConstantVus { vus, .. } => vus,
            _ => 0,
        }
    };
    assert_eq!(found(true, Some("chosen"), true), 5);
    assert_eq!(found(false, Some("chosen"), true), 4);
    assert_eq!(found(false, None, true), 3);
    assert_eq!(found(false, None, false), 2);
    assert_eq!(found(false, Some("usual"), true), 2);
}

#[test]
fn a_variable_may_name_the_default_profile() {
    let text = "name: a\nvars: {SCENARIO: smoke, VUS: 1}\ndefault_profile: \"${SCENARIO}\"\nprofiles:\n  smoke: {}\n  load: {vars: {VUS: 2}}\n\
                scenarios: {s: {executor: constant-vus, vus: \"${VUS}\", duration: 1s, flow: [{sleep: 1s}]}}";
    let profile = |flag: Option<&str>, environment: Option<&str>, chosen: Option<&str>| {
        let lookup = |name: &str| environment.filter(|_| name == "SCENARIO").map(str::to_owned);
        let env_flags = flag.map(|value| ("SCENARIO".to_owned(), value.to_owned())).into_iter().collect();
        let options = LoadOptions { env_flags, profile: chosen.map(str::to_owned), environment: &lookup };
        load("plan.yml", text, &options)
            .map(|loaded| loaded.profile.unwrap())
            .map_err(|error| error.to_string())
    };
    assert_eq!(profile(None, None, None).unwrap(), "smoke");
    assert_eq!(profile(None, Some("load"), None).unwrap(), "load");
    assert_eq!(profile(Some("smoke"), Some("load"), None).unwrap(), "smoke");
    assert_eq!(profile(Some("smoke"), None, Some("load")).unwrap(), "load");
    let unknown = profile(Some("lode"), None, None).unwrap_err();
    assert!(
        unknown.contains("no profile `lode`") && unknown.contains("expected `smoke` or `load`"),
        "{unknown}"
    );
}

#[test]
fn merge_keys_and_anchors_work() {
    let config = loaded(
        "name: a\nscenarios:\n  first: &base\n    executor: constant-vus\n    duration: 1s\n    vus: 7\n    flow: [{sleep: 1s}]\n  \
         second:\n    <<: *base\n    duration: 2s\n",
    );
    assert_eq!(
        config.scenarios[1].executor,
        ExecutorConfig::ConstantVus { vus: 7, duration: Duration::from_secs(2) }
    );
}

fn refused(text: &str) -> String {
    load("plan.yml", text, &LoadOptions::default()).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn hostile_files_are_refused_quickly() {
    let mut laughs = "a0: &a0 [lol, lol]\n".to_owned();
    for level in 1..60 {
        let before = format!("*a{}", level - 1);
        laughs.push_str(&format!("a{level}: &a{level} [{before}, {before}, {before}, {before}, {before}]\n"));
    }
    assert!(refused(&laughs).contains("counting what aliases repeat"), "{}", refused(&laughs));

    let merged: String = (1..60).fold("a0: &a0 {x: 1, y: 2}\n".to_owned(), |text, level| {
        let before = format!("*a{}", level - 1);
        text + &format!(
            "a{level}: &a{level} {{<<: [{before}, {before}, {before}, {before}], k{level}: {before}}}\n"
        )
    });
    assert!(refused(&merged).contains("counting what aliases repeat"));

    assert!(refused(&"[".repeat(100_000)).contains("nested deeper than 64 levels"));
    assert!(refused(&"- ".repeat(100_000)).contains("nested deeper than 64 levels"));
    assert!(refused(&"{a: ".repeat(100_000)).contains("nested deeper than 64 levels"));
    assert!(refused(&"x".repeat(2 << 20)).contains("more than the 1048576 that are read"));
    assert!(refused("a: &a [*a]").contains("error"));

    let anchors: String = (0..60).map(|level| format!("{}- &a{level}\n", " ".repeat(level))).collect();
    let wide = format!("{anchors}{}- [{}]", " ".repeat(60), "1,".repeat(150_000));
    assert!(refused(&wide).contains("counting what aliases repeat"));

    // Many problems cost no more than many values do.
    let one_line = format!("{{{}}}", (0..20_000).map(|at| format!("k{at}: ${{X}},")).collect::<String>());
    assert!(refused(&one_line).contains("error"));
    let unknown = (0..20_000).map(|at| format!("k{at}: \"$${{\"\n")).collect::<String>();
    assert!(refused(&unknown).contains("more"));
    let undeclared = (0..20_000).map(|at| format!("- ${{X{at}}}\n")).collect::<String>();
    assert!(refused(&format!("vars: {{A: 1}}\nlist:\n{undeclared}")).contains("more"));
    assert!(refused(&format!("x: {}", "${A}".repeat(200_000))).contains("more"));
    let keys = |indent: &str| (0..20_000).map(|at| format!("{indent}k{at}: 1\n")).collect::<String>();
    let patched = format!(
        "default_profile: p\n{}vars:\n{}profiles:\n  p:\n    vars:\n{}{}",
        keys(""),
        keys("  "),
        keys("      "),
        keys("    ")
    );
    assert!(refused(&patched).contains("more"));
}

#[test]
fn secrets_from_outside_are_not_in_messages() {
    let text = "name: a\nvars: {API_TOKEN: null, USER: null}\nscenarios: {s: {executor: constant-vus, vus: \"${API_TOKEN}\", duration: \"${USER}\", flow: [{http: {url: \"x://${API_TOKEN}\"}}]}}";
    let lookup = |name: &str| (name == "API_TOKEN" || name == "USER").then(|| format!("value-of-{name}"));
    let options = LoadOptions { environment: &lookup, ..LoadOptions::default() };
    let problems = load("plan.yml", text, &options).map(|_| ()).unwrap_err().to_string();
    assert!(!problems.contains("value-of-API_TOKEN"), "{problems}");
    assert!(problems.contains("value-of-USER"), "{problems}");
}

#[test]
fn all_problems_of_a_file_come_at_once() {
    let text = "name: A\nsteps: 1\nscenarios:\n  s:\n    executor: constant-vus\n    vus: 0\n    duration: 5\n    flow:\n      - htp: {}\n      - sleep: 1\n";
    let problems = load("plan.yml", text, &LoadOptions::default()).map(|_| ()).unwrap_err();
    let lines: Vec<u32> = problems.list.iter().map(|problem| problem.place.unwrap().line).collect();
    assert_eq!(lines, [1, 2, 6, 7, 9, 10], "{problems}");
}

proptest! {
    #[test]
    fn random_text_never_panics(text in "\\PC*") {
        let _ = load("plan.yml", &text, &LoadOptions::default());
    }

    #[test]
    fn random_yaml_never_panics(text in "([a-c]: |- |\\{|\\}|\\[|\\]|, |\\n|  |\\$\\{A\\}|\\{\\{|&a |\\*a |<<: |\"|'|: |[0-9]+s?|null|name|vars|\u{1b}){0,60}") {
        if let Err(problems) = load("plan.yml", &text, &LoadOptions::default()) {
            prop_assert!(!problems.to_string().is_empty());
        }
    }

    #[test]
    fn a_plan_with_a_character_changed_never_panics(at in 0usize..4000, with in "\\PC|\\n") {
        let mut text = CHAT.to_owned();
        if let Some((from, old)) = CHAT.char_indices().nth(at % CHAT.chars().count()) {
            text.replace_range(from..from + old.len_utf8(), &with);
        }
        if let Err(problems) = load("plan.yml", &text, &LoadOptions::default()) {
            for problem in &problems.list {
                let place = problem.place.unwrap();
                prop_assert!(place.line >= 1 && place.column >= 1 && place.length >= 1, "{}", problems);
            }
        }
    }
}
