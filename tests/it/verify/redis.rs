//! Redis: what each reply is, and what is seen of it while load is sent.

use std::sync::Arc;

use loadgate::rules::VerificationOutcome;
use loadgate::verdict::Verdict;

use super::{outcomes, plan, plan_with, verified, written};
use crate::stage::{Asked, HttpServer, Redis, reply, run};

#[test]
fn replies_of_both_protocols_are_values() {
    let Some(server) = Redis::start() else { return };
    for words in [
        &["SET", "stock", "0"][..],
        &["RPUSH", "queue", "a", "b"],
        &["HSET", "order", "state", "paid", "amount", "12.5"],
        &["ZADD", "rank", "1.5", "a"],
    ] {
        server.execute(words);
    }
    for protocol in ["resp2", "resp3"] {
        let ask = |name: &str, command: &str, demand: &str| {
            let url = server.url();
            format!(
                "- redis: {{name: {name}, url: '{url}?protocol={protocol}', command: {command}, {demand}}}\n"
            )
        };
        let verify = [
            ask("text", "[GET, stock]", "equals: '0'"),
            ask("number", "[get, stock]", "equals: 0"),
            ask("exists", "[EXISTS, stock, none]", "equals: 1"),
            ask("none", "[GET, none]", "equals: 0"),
            ask("length", "[LLEN, queue]", "at_most: 1"),
            ask("list", "[LRANGE, queue, 0, -1]", "checks: {both: 'rows == [\"a\", \"b\"]'}"),
            ask("list as value", "[LRANGE, queue, 0, -1]", "equals: a"),
            ask("score", "[ZSCORE, rank, a]", "equals: 1.5"),
            ask("wrong type", "[GET, queue]", "equals: a"),
        ];
        let (ran, outcomes) = verified(&verify.concat());
        assert_eq!(
            outcomes[..7],
            [
                "text: held \"0\"",
                "number: held \"0\"",
                "exists: held 1",
                "none: failed null, wanted equals 0",
                "length: failed 2, wanted at most 1",
                "list: held 2 items",
                "list as value: unknown 2 items where one value is needed: look into `rows` by `checks`, or ask for one",
            ]
        );
        let score = if protocol == "resp2" { "score: held \"1.5\"" } else { "score: held 1.5" };
        assert_eq!(outcomes[7], score);
        assert!(
            outcomes[8].starts_with("wrong type: unknown ") && outcomes[8].contains("WRONGTYPE"),
            "{outcomes:?}"
        );
        assert_eq!(ran.finished.verdict, Verdict::Failed);
        assert!(!written(&ran).contains("canary"));
    }
}

#[test]
fn a_wrong_password_leaves_the_run_open_and_is_not_shown() {
    let Some(server) = Redis::start() else { return };
    let (ran, outcomes) = verified(&format!(
        "- redis: {{url: '{}', command: [PING], equals: PONG}}",
        server.url_with("bad-canary")
    ));
    assert!(outcomes[0].starts_with("redis 1: unknown "), "{outcomes:?}");
    assert_eq!(ran.finished.verdict, Verdict::Inconclusive);
    assert!(!written(&ran).contains("canary"), "{}", written(&ran));
}

#[test]
fn a_violation_that_passes_during_the_load_fails_the_run_and_says_when() {
    let Some(server) = Redis::start() else { return };
    server.execute(&["SET", "sold", "100"]);
    let write = Arc::new(server.writer());
    // The load itself goes past the limit for a while, and is back before it ends.
    let shop = HttpServer::start(move |asked: Asked| {
        write("sold", if asked.path == "/over" { "101" } else { "100" });
        async { reply(200, "") }
    });
    let base = shop.url();
    let flow = format!("- http: {{url: '{base}/over'}}\n- sleep: 2s\n- http: {{url: '{base}/back'}}");
    let ask = |rest: &str| {
        format!("- redis: {{url: '{}', command: [GET, sold], equals: 100{rest}}}\n", server.url())
    };
    let verify = [
        ask(""),
        ask(", during: {every: 100ms, at_most: 100}"),
        ask(", during: {every: 100ms, at_most: 101}"),
    ];
    let ran = run(&plan_with(&flow, &verify.concat()));
    assert_eq!(
        outcomes(&ran),
        ["redis 1: held \"100\"", "redis 2: failed \"101\", wanted at most 100", "redis 3: held \"100\""]
    );
    let gate = ran.finished.gates.iter().filter_map(|gate| gate.verification()).nth(1).unwrap();
    let VerificationOutcome::Failed { at: Some(at), .. } = gate.outcome else { panic!("{gate:?}") };
    assert!(at <= ran.finished.elapsed);
    assert!(ran.verdict().contains("verify redis 2: found \"101\" at "), "{}", ran.verdict());
    assert_eq!(ran.finished.verdict, Verdict::Failed);
}

#[test]
fn tls_is_checked_by_the_plans_authorities() {
    let Some(server) = Redis::start() else { return };
    let ask = plan(&format!("- redis: {{url: '{}', command: [PING], equals: PONG}}", server.tls_url()));
    let trusting = format!("defaults: {{tls: {{ca: '{}'}}}}\n", server.certificate().display());
    assert_eq!(outcomes(&run(&format!("{ask}{trusting}"))), ["redis 1: held \"PONG\""]);
    let ran = run(&ask);
    assert!(outcomes(&ran)[0].starts_with("redis 1: unknown TLS: "), "{:?}", outcomes(&ran));
    assert_eq!(ran.finished.verdict, Verdict::Inconclusive);
}
