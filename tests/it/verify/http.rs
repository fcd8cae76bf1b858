//! Requests whose checks decide; when they are sent, and when they are not.

use loadgate::verdict::Verdict;

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{outcomes, plan_with, verified};
use crate::stage::{Asked, Ended, HttpServer, loadgate_run, reply, run};

async fn shop(asked: Asked) -> Vec<u8> {
    match asked.path.split('?').next().unwrap() {
        "/stock" => reply(200, r#"{"stock": 0, "quantity": 100}"#),
        "/sick" => reply(503, "sorry"),
        "/init" => reply(200, r#"{"id": 7}"#),
        "/orders/7" => reply(200, r#"{"orders": 101}"#),
        _ => reply(404, ""),
    }
}

#[test]
fn checks_decide_and_a_page_that_says_why_there_is_no_answer_is_none() {
    let server = HttpServer::start(shop);
    let ask = |name: &str, path: &str, rest: &str| {
        format!("- http: {{name: {name}, url: '{}{path}', {rest}}}\n", server.url())
    };
    let verify = [
        ask("held", "/stock", "checks: {sold out: json.stock == 0}"),
        ask("failed", "/stock", "checks: {some left: json.stock > 0, all: json.quantity == 100}"),
        ask("no such field", "/stock", "checks: {sold: json.sold.much == 0}"),
        ask("sick", "/sick", "checks: {sold out: json.stock == 0}"),
        ask("status", "/sick", "checks: {well: status == 200}"),
        ask("gone", "/gone", "expected_statuses: 404, checks: {gone: status == 404}"),
    ];
    let nobody = "- http: {url: 'http://127.0.0.1:1/', checks: {up: status == 200}}\n";
    let (ran, outcomes) = verified(&format!("{}{nobody}", verify.concat()));
    assert_eq!(
        outcomes,
        [
            "held: held status 200",
            "failed: failed status 200, wanted check `some left`",
            "no such field: failed status 200, wanted check `sold` (`json.sold` is undefined)",
            "sick: unknown status 503 (check `sold out`: `json` is undefined: the body is not JSON)",
            "status: failed status 503, wanted check `well`",
            "gone: held status 404",
            "http 7: unknown connection refused",
        ]
    );
    assert_eq!(ran.finished.verdict, Verdict::Failed);
    assert_eq!(ran.count("k6_http_reqs_total", &[]), 0, "no part of the load");
}

#[test]
fn verifications_are_asked_after_the_load_and_before_the_teardown_with_what_setup_captured() {
    let server = HttpServer::start(shop);
    let base = server.url();
    let flow = format!("- http: {{url: '{base}/stock'}}");
    let verify =
        format!("- http: {{url: '{base}/orders/{{{{ id }}}}', checks: {{enough: json.orders >= 100}}}}");
    let rest = format!(
        "settle: 10ms\nsetup:\n  - http: {{url: '{base}/init', capture: {{id: json.id}}}}\n\
         teardown:\n  - http: {{url: '{base}/init?last'}}\n"
    );
    let ran = run(&format!("{}{rest}", plan_with(&flow, &verify)));
    assert_eq!(outcomes(&ran), ["http 1: held status 200"]);
    let asked: Vec<String> = server.asked().iter().map(|asked| asked.path.clone()).collect();
    assert_eq!(asked, ["/init", "/stock", "/orders/7", "/init?last"]);
    assert_eq!(ran.finished.verdict, Verdict::Passed);
}

#[test]
fn nothing_is_verified_where_no_load_was_sent() {
    let server = HttpServer::start(shop);
    let base = server.url();
    let verify = format!("- http: {{url: '{base}/stock', checks: {{sold out: json.stock == 0}}}}");
    let rest = format!("preflight:\n  - http: {{url: '{base}/sick'}}\n");
    let ran = run(&format!("{}{rest}", plan_with("- sleep: 1ms", &verify)));
    assert_eq!(ran.finished.verdict, Verdict::PreflightFailed);
    assert!(outcomes(&ran).is_empty());
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_signal_ends_the_wait_and_the_questions_and_what_cleans_up_is_still_done() {
    // The verification's answer takes an hour, and so does the wait before it in the second plan.
    let server = HttpServer::start(async |asked: Asked| {
        if asked.path == "/books" {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        reply(200, "{}")
    });
    let base = server.url();
    let verify = format!("- http: {{url: '{base}/books', timeout: 1h, checks: {{sold: json.stock == 0}}}}");
    let flow = format!("- http: {{url: '{base}/load'}}");
    let teardown = format!("teardown: [{{http: {{url: '{base}/end'}}}}]\n");
    for (settle, asked) in [("0s", &["/load", "/books", "/end"][..]), ("1h", &["/load", "/end"])] {
        let before = server.asked().len();
        let text = format!("{}settle: {settle}\n{teardown}", plan_with(&flow, &verify));
        let (mut command, folder) = loadgate_run(&text, &[]);
        let stderr = folder.path().join("stderr");
        command.stderr(std::fs::File::create(&stderr).unwrap());
        let child = command.spawn().unwrap();
        let patience = Instant::now() + Duration::from_secs(60);
        let verifying = || std::fs::read_to_string(&stderr).unwrap().contains("verifying: the load is over");
        let there = || server.asked().len() - before >= asked.len() - 1;
        while !(verifying() && there()) {
            assert!(Instant::now() < patience, "waited in vain");
            std::thread::sleep(Duration::from_millis(10));
        }
        kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
        let ended = Ended::of(child.wait_with_output().unwrap(), folder);
        ended.check(
            105,
            &[
                "verdict: STOPPED (exit 105): signal SIGINT",
                "? verify http 1: could not be judged: the run was stopped before it was asked",
            ],
        );
        let paths: Vec<String> = server.asked()[before..].iter().map(|asked| asked.path.clone()).collect();
        assert_eq!(paths, asked);
    }
}
