//! `limits.memory`: what targets send is held up to a limit, and whoever meets it is told so.

use serde_json::{Value, json};

use crate::stage::{Ended, HttpServer, reply};

/// One user who runs `flow` so many times.
fn plan(flow: &str, iterations: u32) -> String {
    format!(
        "name: e2e\n\
         limits: {{memory: 1MiB, max_dropped: 100%}}\n\
         thresholds: {{http_req_failed: [rate<=1]}}\n\
         scenarios:\n  \
           s: {{executor: shared-iterations, vus: 1, iterations: {iterations}, max_duration: 60s, flow: [{flow}]}}\n"
    )
}

/// How often exchanges failed with this code, by the list of causes.
fn failed_with(export: &Value, code: &str) -> Value {
    let causes = export["causes"].as_array().unwrap();
    causes.iter().find(|cause| cause["value"] == code).map_or(json!(0), |cause| cause["count"].clone())
}

fn serving(body: &str) -> HttpServer {
    let body = body.to_owned();
    HttpServer::start(move |_| {
        let answer = reply(200, &body);
        async move { answer }
    })
}

const DOUBT: &str = "times a body or message found no room in limits.memory (1 MiB): raise it, use fewer VUs";

#[test]
fn a_body_above_the_budget_fails_with_a_code_of_its_own_and_the_run_is_inconclusive() {
    let server = serving(&"x".repeat(3 << 20));
    let url = server.url();
    let text = plan(&format!("{{http: {{url: '{url}/', checks: {{full: \"'x' in body\"}}}}}}"), 3);
    let ended = Ended::run(&text, &[]);
    ended.check(98, &["! 3 ", DOUBT]);
    let export = ended.export();
    assert_eq!(failed_with(&export, "1804"), json!(3));
    let meaning = "no memory left for bodies and messages (raise limits.memory)";
    let expected = json!([{
        "metric": "http_reqs", "label": "error_code", "value": "1804", "count": 3, "meaning": meaning,
    }]);
    assert_eq!(export["causes"], expected);
}

#[test]
fn what_an_exchange_held_is_there_for_the_next_one() {
    let server = serving(&"x".repeat(700 << 10));
    let url = server.url();
    let text = plan(&format!("{{http: {{url: '{url}/', checks: {{full: \"'x' in body\"}}}}}}"), 50);
    let ended = Ended::run(&text, &[]);
    ended.check(0, &["verdict: PASSED"]);
    assert_eq!(ended.export()["causes"], json!([]));
    assert_eq!(server.requests(), 50);
}

#[test]
fn json_that_is_much_larger_than_its_text_is_undefined_and_says_why() {
    let server = serving(&format!("[{}0]", "[],".repeat(50_000)));
    let url = server.url();
    let text = plan(&format!("{{http: {{url: '{url}/', checks: {{parsed: 'json[0] != 1'}}}}}}"), 2);
    let ended = Ended::run(&text, &[]);
    ended.check(98, &[DOUBT]);
    let why = "check `parsed` failed: `json` is undefined: no memory left for bodies and messages";
    assert!(ended.stdout.contains(why), "{}", ended.stdout);
    assert_eq!(failed_with(&ended.export(), "1804"), json!(0), "the exchange itself went well");
}

#[test]
fn a_captured_body_is_held_until_its_iteration_ends() {
    let server = serving(&"x".repeat(220 << 10));
    let url = server.url();
    let capture = |name: &str| format!("{{http: {{url: '{url}/', capture: {{{name}: body}}}}}}");
    let one = plan(&capture("a"), 20);
    Ended::run(&one, &[]).check(0, &["verdict: PASSED"]);
    let three = plan(&format!("{}, {}, {}", capture("a"), capture("b"), capture("c")), 2);
    Ended::run(&three, &[]).check(98, &[DOUBT]);
}
