//! Requests whose checks decide; when they are sent, and when they are not.

use loadgate::verdict::Verdict;

use super::{outcomes, plan_with, verified};
use crate::stage::{Asked, HttpServer, reply, run};

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
