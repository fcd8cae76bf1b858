//! The life of a run beside its load: setup, teardown, warmup, scenarios that wait for each other, limits.

use std::net::TcpListener;

use loadgate::aggregate::Selector;
use loadgate::metric;
use loadgate::verdict::Verdict;

use super::{check, once};
use crate::stage::{Asked, HttpServer, Ran, reply, run, websocket_server};

fn paths(server: &HttpServer) -> Vec<String> {
    server.asked().iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
}

fn with_base(text: &str, server: &HttpServer) -> String {
    text.replace("{base}", &server.url())
}

async fn shop(asked: Asked) -> Vec<u8> {
    match asked.path.as_str() {
        "/init" => reply(200, r#"{"id": 42, "tokens": ["a", "b"]}"#),
        "/sick" => reply(503, ""),
        _ => reply(200, "{}"),
    }
}

#[test]
fn what_setup_captures_every_user_of_every_scenario_and_the_teardown_see() {
    let server = HttpServer::start(shop);
    let text = "
name: life
vars: {PLACE: shelf}
setup:
  - http: {url: '{base}/init', method: POST, capture: {id: json.id, tokens: json.tokens}}
  - if:
      when: id > 40
      then: [{set: {place: vars.PLACE}}]
      else: [{set: {place: '\"nowhere\"'}}]
  - check: {numbered: id == 42}
scenarios:
  a:
    executor: constant-vus
    vus: 2
    duration: 1s
    vars: {PLACE: window}
    flow:
      - http: {url: '{base}/a/{{ id }}/{{ place }}/{{ vars.PLACE }}'}
      - set: {id: id + 1}
      - http: {url: '{base}/next/{{ id }}'}
      - sleep: 1s
  b:
    executor: constant-vus
    duration: 1s
    flow:
      - http: {url: '{base}/b/{{ tokens[1] }}/{{ vars.PLACE }}'}
      - sleep: 1s
teardown:
  - http: {url: '{base}/orders/{{ id }}', method: DELETE}
thresholds: {http_reqs: [count==5], iterations: [count==3]}
";
    let ran = run(&with_base(text, &server));
    check(&ran, Verdict::Passed, &[]);
    let mut asked = paths(&server);
    assert_eq!(
        (asked.first().unwrap().as_str(), asked.last().unwrap().as_str()),
        ("POST /init", "DELETE /orders/42")
    );
    asked.sort();
    let load = [
        "GET /a/42/shelf/window",
        "GET /a/42/shelf/window",
        "GET /b/b/shelf",
        "GET /next/43",
        "GET /next/43",
    ];
    assert_eq!(asked[1..6], load);
    assert_eq!(ran.count("k6_http_reqs_total", &[]), 5, "setup and teardown are no load");
    assert_eq!(ran.last.sum("k6_checks_total", &[]), None, "their checks are not judged");
}

#[test]
fn a_failing_setup_sends_no_load_says_why_and_is_cleaned_up_after() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = HttpServer::start(|_| async {
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        Vec::new()
    });
    let deaf = websocket_server(|_socket| async {});
    let (silent_url, deaf_url) = (silent.url(), deaf.ws());
    for (step, said) in [
        (format!("http: {{url: 'http://{nobody}/x'}}"), "/x: connection refused (error code 1212)"),
        ("http: {url: '{base}/sick'}".to_owned(), "/sick: status 503"),
        (
            "http: {url: '{base}/x', checks: {many: json.tokens > 3}}".to_owned(),
            "/x: check `many` (`json.tokens` is undefined) failed (status 200)",
        ),
        ("check: {known: id == 41}".to_owned(), "setup step in line 5: check `known` failed"),
        ("set: {deep: tokens.a.b}".to_owned(), "`tokens.a"),
        (
            "group: {name: g, flow: [{repeat: {times: 2, flow: [{http: {url: '{base}/sick'}}]}}]}".to_owned(),
            "setup group `g`: GET /sick: status 503",
        ),
        (format!("http: {{url: '{silent_url}/x'}}"), "/x: not done in time (setup_timeout: 300ms)"),
        (format!("websocket: {{url: 'ws://{nobody}/ws'}}"), "/ws: connection refused (error code 1212)"),
        (
            format!("websocket: {{url: '{deaf_url}/ws', flow: [{{receive: {{timeout: 5s}}}}]}}"),
            "setup websocket ",
        ),
    ] {
        let server = HttpServer::start(shop);
        let timeout = if step.contains(&silent_url) { "300ms" } else { "60s" };
        let text = format!(
            "name: life\n\
             setup_timeout: {timeout}\n\
             setup:\n\
             - http: {{url: '{{base}}/init', capture: {{id: json.id, tokens: json.tokens}}}}\n\
             - {step}\n\
             - http: {{url: '{{base}}/never'}}\n\
             scenarios: {{s: {{executor: constant-vus, duration: 1s, flow: [{{http: {{url: '{{base}}/load'}}}}]}}}}\n\
             teardown:\n\
             - http: {{url: '{{base}}/orders/{{{{ id }}}}', method: DELETE}}\n"
        );
        let ran = run(&with_base(&text, &server));
        check(
            &ran,
            Verdict::PreflightFailed,
            &["verdict: SETUP FAILED (exit 97): no load was sent: setup ", said],
        );
        let asked = paths(&server);
        assert_eq!((&*asked[0], &*asked[asked.len() - 1]), ("GET /init", "DELETE /orders/42"), "{step}");
        assert!(asked.iter().all(|asked| !asked.contains("/load") && !asked.contains("/never")), "{asked:?}");
    }
}

#[test]
fn teardown_tries_each_step_and_what_it_leaves_behind_is_a_doubt_that_replaces_no_failure() {
    let teardown = "
teardown:
  - http: {url: '{base}/sick', method: DELETE}
  - log: 'user {{ vu }} cleans up'
  - http: {url: '{base}/after'}
";
    for (threshold, verdict) in [("count>=1", Verdict::Inconclusive), ("count<1", Verdict::Failed)] {
        let server = HttpServer::start(shop);
        let flow = with_base("- http: {url: '{base}/load'}", &server);
        let ran = run(&once(
            &flow,
            &format!("thresholds: {{http_reqs: ['{threshold}']}}{}", with_base(teardown, &server)),
        ));
        check(
            &ran,
            verdict,
            &["! teardown DELETE http://", "/sick: status 503: what this run made may still be there"],
        );
        assert_eq!(paths(&server).last().map(String::as_str), Some("GET /after"));
        assert_eq!(ran.count("k6_http_reqs_total", &[]), 2);
        let states =
            |seen: &crate::stage::Samples| seen.count("loadgate_run_state", &[("state", "finished")]);
        assert_eq!(states(&ran.last), 1);
    }
}

#[test]
fn a_teardown_that_takes_too_long_is_given_up() {
    let server = HttpServer::start(|asked| async move {
        if asked.path == "/slow" {
            tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        }
        reply(200, "")
    });
    let rest = "teardown_timeout: 200ms\nteardown: [{http: {url: '{base}/slow'}}, {http: {url: '{base}/a'}}, {http: {url: '{base}/b'}}]";
    let ran = run(&with_base(&once("- http: {url: '{base}/load'}", rest), &server));
    let said = [
        "/slow: not done in time (teardown_timeout: 200ms)",
        "teardown: no time was left for the last 2 steps",
    ];
    check(&ran, Verdict::Inconclusive, &said);
}

#[test]
fn an_aborted_run_is_cleaned_up_after() {
    let server =
        HttpServer::start(|asked| async move { reply(if asked.path == "/load" { 500 } else { 200 }, "") });
    let rest = "teardown: [{http: {url: '{base}/clean'}}]\n\
                thresholds: {http_req_failed: [{threshold: rate<0.5, abort_on_fail: true}]}";
    let flow = "- repeat: {times: 1000000, flow: [{http: {url: '{base}/load'}}, {sleep: 20ms}]}";
    let ran = run(&with_base(&once(flow, rest), &server));
    check(&ran, Verdict::Failed, &["! ended early: threshold"]);
    assert_eq!(paths(&server).last().map(String::as_str), Some("GET /clean"));
}

#[test]
fn preflight_takes_any_step_and_is_tried_again_as_a_whole() {
    let server = HttpServer::start(|asked| async move {
        match (asked.path.as_str(), asked.number) {
            ("/health", 0..4) => reply(503, ""),
            ("/health", _) => reply(200, r#"{"leader": "node-2"}"#),
            _ => reply(200, ""),
        }
    });
    let talk = websocket_server(|mut socket| async move {
        use futures_util::{SinkExt as _, StreamExt as _};
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() && socket.send(message).await.is_err() {
                break;
            }
        }
    });
    let rest = format!(
        "preflight:\n\
         - group:\n    \
             name: up\n    \
             wait_for: 60s\n    \
             flow:\n      \
               - http: {{url: '{{base}}/first'}}\n      \
               - http: {{url: '{{base}}/health', capture: {{leader: json.leader}}}}\n\
         - log: 'the leader is {{{{ leader }}}}'\n\
         - check: {{leader: leader == 'node-2'}}\n\
         - websocket:\n    \
             url: {}/ws\n    \
             wait_for: 60s\n    \
             flow: [{{send: {{text: '{{{{ leader }}}}'}}}}, {{receive: {{until: body == 'node-2', timeout: 20s}}}}]\n",
        talk.ws()
    );
    let ran = run(&with_base(&once("- http: {url: '{base}/load'}", &rest), &server));
    check(&ran, Verdict::Passed, &[]);
    let firsts = paths(&server).iter().filter(|path| *path == "GET /first").count();
    assert_eq!((firsts, ran.count("k6_http_reqs_total", &[])), (3, 2));
}

#[test]
fn a_warmup_is_counted_and_not_judged() {
    let server =
        || HttpServer::start(|asked| async move { reply(if asked.number < 3 { 500 } else { 200 }, "") });
    let of = |warmup: &str| {
        let server = server();
        let text = format!(
            "name: life\n\
             warmup: {warmup}\n\
             scenarios:\n  \
               s: {{executor: constant-vus, duration: 4s, flow: [{{http: {{url: '{}/', checks: {{ok: status == 200}}}}}}, {{sleep: 20ms}}]}}\n\
             thresholds: {{http_req_failed: [rate==0, {{threshold: rate<0.01, abort_on_fail: true}}], checks: [rate==1], iterations: [rate>0]}}\n",
            server.url()
        );
        (run(&text), server.requests())
    };
    let (cold, _) = of("0s");
    check(&cold, Verdict::Failed, &["ended early", "✗ checks rate==1"]);
    let (ran, requests) = of("2s");
    check(&ran, Verdict::Passed, &[]);
    let failed = |ran: &Ran| ran.count("k6_http_req_failed_total", &[("condition", "nonzero")]);
    assert_eq!(
        (failed(&ran), ran.count("k6_http_reqs_total", &[])),
        (3, requests),
        "exported counters count everything"
    );
    let judged = ran.finished.totals.counter(&Selector::all(metric::ITERATIONS)) as u64;
    let warmup = ran.finished.warmup.unwrap();
    assert_eq!(warmup.iterations + judged, ran.count("k6_iterations_total", &[]));
    assert!(judged > 0 && warmup.iterations >= 3, "{warmup:?}");
    let summary = loadgate::report::text(&ran.finished, &loadgate::report::SummaryOptions::default());
    assert!(
        summary.contains(&format!("warmup 2s: {} iterations not judged", warmup.iterations)),
        "{summary}"
    );
    assert_eq!(ran.last.sum("loadgate_threshold_value", &[("threshold", "rate==1")]), Some(1.0));
    // No counter that Prometheus reads goes back at the boundary.
    let mut before = 0;
    for seen in ran.earlier.iter().chain([&ran.last]) {
        let now = seen.count("k6_http_reqs_total", &[]);
        assert!(now >= before, "{now} after {before}");
        before = now;
    }
}

#[test]
fn a_scenario_that_waits_for_another_sends_nothing_before_its_end() {
    let server = HttpServer::start(|asked| async move {
        if asked.path == "/first" {
            tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        }
        reply(200, "")
    });
    let text = "
name: life
scenarios:
  second: {start_after: first, executor: constant-vus, vus: 2, duration: 1s, flow: [{http: {url: '{base}/second'}}, {sleep: 1s}]}
  first: {executor: constant-vus, vus: 2, duration: 1s, flow: [{http: {url: '{base}/first'}}]}
";
    let ran = run(&with_base(text, &server));
    check(&ran, Verdict::Passed, &[]);
    let asked = paths(&server);
    let first_of_second = asked.iter().position(|path| path == "GET /second").unwrap();
    assert!(asked[first_of_second..].iter().all(|path| path == "GET /second"), "{asked:?}");
    let second = &ran.finished.scenarios[0];
    assert_eq!((second.executor.ends_with(", after first"), second.waits_for.is_none()), (true, true));
    assert!(second.start_time >= std::time::Duration::from_secs(1), "{second:?}");
}

#[test]
fn requests_of_all_scenarios_together_stay_below_the_limit() {
    let server = HttpServer::start(|_| async { reply(200, "") });
    let scenario = |name: &str| {
        format!(
            "  {name}: {{executor: constant-vus, vus: 3, duration: 2s, graceful_stop: 0s, flow: [{{http: {{url: '{}/'}}}}]}}\n",
            server.url()
        )
    };
    let ran =
        run(&format!("name: life\nlimits: {{rps: 20}}\nscenarios:\n{}{}", scenario("a"), scenario("b")));
    let most = (ran.finished.elapsed.as_secs_f64() * 20.0).ceil() as u64 + 1;
    let requests = server.requests();
    assert!((2..=most).contains(&requests), "{requests} requests, at most {most} allowed");
}

#[test]
fn load_that_ends_before_its_warmup_is_told_as_not_judged() {
    let ran = run("
name: short
warmup: 30s
scenarios: {s: {executor: shared-iterations, vus: 2, iterations: 7, flow: [{sleep: 1ms}]}}
");
    check(&ran, Verdict::Inconclusive, &["no iteration was completed"]);
    assert_eq!(ran.finished.warmup.unwrap().iterations, 7);
}
