//! Hooks of a run in the foreground.

use std::fs;

use serde_json::{Value, json};

use crate::stage::{Ended, HttpServer, loadgate_run, reply};

/// One request to `url`, and these hooks.
fn plan(url: &str, threshold: &str, hooks: &str) -> String {
    format!(
        "name: hooked
scenarios:
  once:
    executor: per-vu-iterations
    flow:
      - http: {{url: {url}/load}}
thresholds: {{http_reqs: ['{threshold}']}}
hooks:
{hooks}"
    )
}

fn server() -> HttpServer {
    HttpServer::start(|_| async { reply(200, "") })
}

const HELD: &str = "count>=1";
const CROSSED: &str = "count>1";

#[test]
fn a_failed_run_does_its_hooks_in_order_and_they_know_the_verdict() {
    let server = server();
    let line = "echo $LOADGATE_VERDICT $LOADGATE_EXIT_CODE $LOADGATE_TEST $LOADGATE_TESTID $WHO >>hooks.txt";
    let hooks = format!(
        "  always:
    - exec: {{command: '{line}', env: {{WHO: always}}}}
  on_failure:
    - exec: {{command: [sh, -c, '{line}'], env: {{WHO: first}}}}
    - exec: {{command: '{line}; echo said; echo why >&2; exit 7', env: {{WHO: second}}}}
"
    );
    let ended = Ended::run(&plan(&server.url(), CROSSED, &hooks), &["--allow-exec", "--testid", "t7"]);
    ended.check(
        99,
        &[
            "verdict: FAILED (exit 99)",
            "! hooks.on_failure: exec echo $LOADGATE_VERDICT",
            "exit status 7; why\n      stdout: said\n      stderr: why\n",
            "✓ hooks.always: exec echo $LOADGATE_VERDICT",
        ],
    );
    let told = fs::read_to_string(ended.file("hooks.txt")).unwrap();
    assert_eq!(
        told,
        ["first", "second", "always"].map(|who| format!("failed 99 hooked t7 {who}\n")).concat()
    );
    let hooks = &ended.export()["hooks"];
    assert_eq!(hooks[1]["list"], "on_failure");
    assert_eq!(hooks[1]["result"]["error"], "exit status 7; why");
    assert_eq!(hooks[1]["result"]["stdout"], json!({"text": "said\n", "more_bytes": 0}));
    assert_eq!(ended.export()["doubts"], json!([]));
}

#[test]
fn a_passed_run_does_only_what_is_always_done_and_stays_passed_when_that_fails() {
    let server = server();
    let hooks = "  always: [{exec: {command: exit 3}}]\n  on_failure: [{exec: {command: touch failed}}]\n";
    let ended = Ended::run(&plan(&server.url(), HELD, hooks), &["--allow-exec"]);
    ended.check(0, &["verdict: PASSED\n  ! hooks.always: exec exit 3: exit status 3"]);
    assert!(!ended.file("failed").exists());
    assert_eq!(ended.export()["hooks"].as_array().unwrap().len(), 1);
}

#[test]
fn a_run_that_could_not_begin_does_its_hooks_too() {
    let gone = "http://127.0.0.1:1";
    let hooks = "  always: [{exec: {command: 'echo always $LOADGATE_VERDICT >>said'}}]
  on_failure: [{exec: {command: 'echo failure $LOADGATE_EXIT_CODE >>said'}}]
preflight: [{http: {url: 'http://127.0.0.1:1/'}}]
";
    let ended = Ended::run(&plan(gone, HELD, hooks), &["--allow-exec"]);
    ended.check(97, &["PREFLIGHT FAILED"]);
    let said = fs::read_to_string(ended.file("said")).unwrap();
    assert_eq!(said, "failure 97\nalways preflight_failed\n");
}

#[test]
fn a_request_of_a_hook_carries_the_verdict_and_a_key_that_tells_repetitions_apart() {
    let server = server();
    let url = server.url();
    let hooks = format!(
        "  always:
    - http:
        url: {url}/told
        json: {{verdict: '{{{{ verdict }}}}', id: '{{{{ testid }}}}', code: '{{{{ exit_code }}}}'}}
    - http: {{url: '{url}/other', expected_statuses: 500}}
"
    );
    let ended = Ended::run(&plan(&url, CROSSED, &hooks), &["--testid", "t8"]);
    ended.check(99, &["✓ hooks.always: POST", "! hooks.always: GET", "status 200"]);
    let asked = server.asked();
    let told = asked.iter().find(|asked| asked.path == "/told").unwrap();
    let body: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!(body, json!({"verdict": "failed", "id": "t8", "code": 99}));
    assert_eq!(told.header("idempotency-key"), Some("t8-hook-always-0"));
    assert_eq!(ended.export()["metrics"]["http_reqs"]["values"]["count"], 1, "it is no part of the load");
}

#[test]
fn a_plan_with_programs_is_refused_before_anything_is_sent_where_they_are_not_allowed() {
    let server = server();
    let hooks = "  always:\n    - exec: {command: [touch, ran]}\n";
    let ended = Ended::run(&plan(&server.url(), HELD, hooks), &[]);
    assert_eq!(ended.code, 104, "{}", ended.stderr);
    for said in ["error: programs are not allowed here", "plan.yml:10:7", "- exec:", "--allow-exec"] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    assert_eq!((server.requests(), ended.file("ran").exists()), (0, false));
}

#[test]
fn what_came_from_outside_is_in_no_hooks_output() {
    let server = server();
    let hooks = "  always: [{exec: {command: 'echo it is $TOKEN; exit 5', env: {TOKEN: \"${TOKEN}\"}}}]
vars: {TOKEN: null}
";
    let (mut command, folder) =
        loadgate_run(&plan(&server.url(), HELD, hooks), &["--allow-exec", "-e", "TOKEN=canary-5x"]);
    let ended = Ended::of(command.output().unwrap(), folder);
    ended.check(0, &["stdout: it is ***"]);
    let all = format!("{}{}{}", ended.stdout, ended.stderr, ended.export());
    assert!(!all.contains("canary-5x"), "{all}");
}
