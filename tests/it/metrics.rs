//! `/metrics` as Prometheus would scrape it, during a run and after: formats, names, labels, final values.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use loadgate::exposition::{Format, Limits, parse};
use loadgate::family::{Family, FamilyKind};

use crate::stage::{Service, Serving, check_with_promtool, demo_target, get, is_final, try_run, value};

/// Contract, section 7, and what tells the parts of one family apart. Nothing else may be a label.
const LABELS: [&str; 24] = [
    "level",
    "slo",
    "testid",
    "test",
    "scenario",
    "name",
    "method",
    "expected_response",
    "group",
    "check",
    "status",
    "error_code",
    "reason",
    "condition",
    "state",
    "verdict",
    "metric",
    "threshold",
    "probe",
    "version",
    "fault",
    "scrape_job",
    "suite",
    "colour",
];

/// A plan that uses whatever makes a metric.
fn everything(target: &Service) -> String {
    let (http, ws) = (target.http(), target.ws());
    format!(
        r#"name: everything
tags: {{suite: all, colour: plan}}
scrape: [{{job: backend, url: '{http}/metrics', interval: 500ms}}]
probes: {{hz: {{query: backend_loop_hz, interval: 200ms}}}}
metrics:
  orders: {{type: counter}}
  stock: {{type: gauge}}
  sold: {{type: rate}}
  price: {{type: trend}}
  reply_time: {{type: trend, time: true}}
scenarios:
  users:
    executor: constant-vus
    vus: 2
    duration: 2s
    tags: {{colour: blue}}
    flow:
      - http: {{url: '{http}/health?secret=token-1', checks: {{healthy: status == 200}}, record: {{orders: '1', stock: '7', sold: 'true', price: '2.5'}}}}
      - group:
          name: outer
          flow:
            - http: {{url: '{http}/missing/{{{{ uuid() }}}}?secret=token-2', checks: {{there: 'json.items[0].id == 1'}}}}
            - group: {{name: inner, flow: [{{sleep: 10ms}}]}}
      - http: {{url: 'http://127.0.0.1:1/refused'}}
      - websocket: {{url: '{ws}/nothing/{{{{ uuid() }}}}', flow: [{{send: {{text: never}}}}]}}
      - websocket:
          url: '{ws}/api/chat?secret=token-3'
          flow:
            - ping: {{}}
            - send: {{json: {{type: message, content: hello}}}}
            - receive: {{until: json.type == 'done', record: reply_time}}
  rate:
    executor: constant-arrival-rate
    rate: 20
    duration: 2s
    pre_allocated_vus: 1
    flow: [{{sleep: 200ms}}]
chaos: [{{name: none, at: 200ms, do: {{http: {{url: '{http}/health'}}}}, recovery: {{when: vector(1), stable_for: 1s}}}}]
slo: [{{name: quick, metric: iteration_duration, target: 'p(95)<1h'}}]
thresholds:
  checks: [rate>0.99]
  http_req_duration: ['p(95)<20s', avg<20s]
  hz: [min>0]
"#
    )
}

#[test]
fn metrics_are_served_during_the_run_and_after_it_with_the_verdict() {
    let target = demo_target(&[]);
    let serving = Serving::start(&everything(&target), &["--testid", "run-9", "--tag", "colour=flag"]);
    let during =
        serving.scrape_until(|seen| value(seen, "k6_http_reqs_total", &[]).is_some_and(|count| count > 0.0));
    assert_eq!(value(&during, "loadgate_run_final", &[]), Some(0.0), "the run was over before it was seen");
    assert_eq!(value(&during, "loadgate_run_state", &[("state", "running")]), Some(1.0));
    assert_eq!(value(&during, "loadgate_verdict", &[]), Some(0.0), "no verdict yet");

    let last = serving.scrape_until(is_final);
    assert_eq!(value(&last, "loadgate_run_state", &[("state", "finished")]), Some(1.0));
    assert_eq!(value(&last, "loadgate_run_state", &[]), Some(1.0));
    assert_eq!(value(&last, "loadgate_verdict", &[("verdict", "failed")]), Some(1.0));
    assert_eq!(value(&last, "loadgate_verdict", &[]), Some(1.0), "exactly one");
    let threshold = [("metric", "checks"), ("threshold", "rate>0.99")];
    assert_eq!(value(&last, "loadgate_threshold_ok", &threshold), Some(0.0));
    assert_eq!(value(&last, "loadgate_threshold_value", &threshold), Some(0.5));
    assert_eq!(value(&last, "loadgate_threshold_limit", &threshold), Some(0.99));
    let in_seconds = [("metric", "http_req_duration"), ("threshold", "p(95)<20s")];
    assert_eq!(value(&last, "loadgate_threshold_limit", &in_seconds), Some(20.0));
    assert_eq!(
        value(&last, "k6_http_req_duration_seconds_bucket", &[("le", "20.0")]),
        value(&last, "k6_http_reqs_total", &[])
    );

    check_series(&last);
    check_tags(&last);
    check_formats(serving.address, &last);
    check_with_promtool(&get(serving.address, "").1);
    check_golden(&last);
    assert_eq!(serving.end(), 99);
}

/// The closed set of labels, and nothing in their values that came from outside the plan.
fn check_series(families: &[Family]) {
    let (mut names, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for family in families {
        assert!(names.insert(family.name.clone()), "{} comes twice", family.name);
        assert!(!family.help.is_empty(), "{} has no help", family.name);
        for series in &family.series {
            assert!(
                seen.insert(format!("{}{}", family.name, series.labels)),
                "{}{}",
                family.name,
                series.labels
            );
            for (label, value) in series.labels.iter() {
                assert!(LABELS.contains(&label), "{}: the label {label}", family.name);
                for leak in ["://", "?", "secret", "127.0.0.1", "refused (", "os error"] {
                    assert!(!value.contains(leak), "{}: {label}={value}", family.name);
                }
                if matches!(label, "status" | "error_code") {
                    let allowed =
                        ["k6_http_reqs_total", "k6_http_req_duration", "k6_ws_connection_errors_total"];
                    assert!(
                        allowed.iter().any(|allowed| family.name.starts_with(allowed)),
                        "{}: {label}",
                        family.name
                    );
                }
            }
        }
    }
    let names_of_url: BTreeSet<&str> = families
        .iter()
        .flat_map(|family| &family.series)
        .filter_map(|series| series.labels.value("name"))
        .collect();
    let expected = ["/api/chat", "/health", "/missing/{{ uuid() }}", "/nothing/{{ uuid() }}", "/refused"];
    assert_eq!(names_of_url.into_iter().collect::<Vec<_>>(), expected);
}

/// Step before scenario before flag before plan; `testid` and `test` on every series of the run.
fn check_tags(families: &[Family]) {
    for family in families {
        let of_run = family.name.starts_with("k6_") || family.name.starts_with("loadgate_run");
        for labels in family.series.iter().filter(|_| of_run).map(|series| &series.labels) {
            let label = |name| labels.value(name);
            assert_eq!(
                [label("testid"), label("test"), label("suite")],
                [Some("run-9"), Some("everything"), Some("all")]
            );
            let colour = if label("scenario") == Some("users") { "blue" } else { "flag" };
            assert_eq!(label("colour"), Some(colour), "{}{labels}", family.name);
        }
    }
}

fn check_formats(address: SocketAddr, last: &[Family]) {
    let without_process = |families: &[Family]| -> Vec<Family> {
        families.iter().filter(|family| !family.name.starts_with("process_")).cloned().collect()
    };
    let (head, body) = get(address, "Accept: application/openmetrics-text; version=1.0.0\r\n");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(body.ends_with(b"# EOF\n"));
    let open = parse(&body, Format::OpenMetrics, &Limits::default()).unwrap().families;
    assert_eq!(without_process(&open), without_process(last));
    let (head, body) = get(address, "Accept-Encoding: gzip\r\n");
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&*body).read_to_end(&mut text).unwrap();
    assert_eq!(
        without_process(&parse(&text, Format::Text, &Limits::default()).unwrap().families),
        without_process(last)
    );
}

/// Every family with its type and the labels its series carry.
fn check_golden(families: &[Family]) {
    let mut listed = BTreeMap::new();
    for family in families {
        let kind = match family.kind {
            FamilyKind::Counter => "counter",
            FamilyKind::Gauge => "gauge",
            FamilyKind::Histogram => "histogram",
            FamilyKind::Summary => "summary",
            FamilyKind::Unknown => "unknown",
        };
        let labels = family.series.iter().flat_map(|series| series.labels.iter().map(|(name, _)| name));
        let labels: BTreeSet<&str> =
            labels.filter(|name| !["testid", "test", "suite", "colour"].contains(name)).collect();
        let labels: Vec<&str> = labels.into_iter().collect();
        listed.insert(family.name.clone(), format!("{kind} {}", labels.join(",")).trim_end().to_owned());
    }
    let actual: String = listed.iter().map(|(name, rest)| format!("{name} {rest}\n")).collect();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/metrics-families.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{} differs; UPDATE_GOLDEN=1 writes it anew", path.display());
}

#[test]
fn a_preflight_that_failed_is_served_too() {
    let plan = "name: e2e\n\
                preflight: [{http: {url: 'http://127.0.0.1:1/'}}]\n\
                scenarios: {s: {executor: constant-vus, duration: 1s, flow: [{sleep: 1s}]}}\n";
    let serving = Serving::start(plan, &[]);
    let last = serving.scrape_until(is_final);
    assert_eq!(value(&last, "loadgate_verdict", &[("verdict", "preflight_failed")]), Some(1.0));
    assert_eq!(value(&last, "k6_iterations_total", &[]), Some(0.0));
    assert!(value(&last, "k6_http_reqs_total", &[]).unwrap_or(0.0) == 0.0, "preflight is no load");
    assert_eq!(serving.end(), 97);
}

#[test]
fn what_is_known_before_the_run_is_there_from_its_first_moment_at_zero() {
    let target = demo_target(&[]);
    let ran = try_run(&everything(&target)).unwrap();
    let first = &ran.earlier[0];
    for (name, labels) in [
        ("k6_iterations_total", [("scenario", "users")]),
        ("k6_dropped_iterations_total", [("reason", "no_idle_vu")]),
        ("k6_checks_total", [("check", "healthy")]),
        ("k6_http_req_failed_total", [("name", "/health")]),
        ("k6_ws_sessions_total", [("name", "/api/chat")]),
        ("k6_ws_msgs_sent_total", [("name", "/api/chat")]),
        ("k6_data_sent_total", [("scenario", "users")]),
        ("k6_orders_total", [("scenario", "users")]),
        ("k6_ws_connected", [("name", "/api/chat")]),
    ] {
        assert!(first.sum(name, &labels).is_some(), "{name} is missing");
    }
    // Counters never fall, and none that was there goes.
    for pair in ran.earlier.windows(2) {
        for (name, labels, before) in
            pair[0].0.iter().filter(|(name, ..)| name.ends_with("_total") && name.starts_with("k6_"))
        {
            let exact: Vec<(&str, &str)> = labels.iter().collect();
            assert!(pair[1].sum(name, &exact).is_some_and(|after| after >= *before), "{name}{labels}");
        }
    }
}

#[test]
fn metrics_of_the_plan_cannot_take_the_names_of_others() {
    let plan = |metrics: &str| {
        format!(
            "name: e2e\nmetrics: {{{metrics}}}\nscenarios: {{s: {{executor: constant-vus, duration: 1s, flow: [{{sleep: 1s}}]}}}}\n"
        )
    };
    for metrics in [
        "http_reqs: {type: counter}",
        "http_reqs_total: {type: counter}",
        "http_req_duration_p95: {type: gauge}",
        "http_req_duration_seconds: {type: trend}",
        "checks_rate: {type: gauge}",
        "orders: {type: counter}, orders_total: {type: counter}",
        "price: {type: trend}, price_max: {type: gauge}",
    ] {
        let Err(problems) = try_run(&plan(metrics)) else { panic!("{metrics} was taken") };
        assert!(problems.to_string().contains("choose another name"), "{problems}");
    }
}
