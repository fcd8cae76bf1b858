//! The step `http` against a server that tells what it was asked.

use std::time::Duration;

use super::once;
use crate::stage::{Asked, HttpServer, Ran, reply, reply_with, run};

/// Runs one flow in two users; `{base}` in it is the server.
fn run_flow(server: &HttpServer, flow: &str, rest: &str) -> Ran {
    run(&once(&flow.replace("{base}", &server.url()), rest))
}

fn paths(server: &HttpServer) -> Vec<String> {
    let mut paths: Vec<String> =
        server.asked().iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect();
    paths.sort();
    paths
}

async fn redirecting(asked: Asked) -> Vec<u8> {
    let to = |status, location: &str| reply_with(status, &format!("location: {location}\r\n"), "away");
    match asked.path.as_str() {
        "/a" => to(302, "/b?x=1"),
        "/b?x=1" => to(307, "/c"),
        "/c" => reply_with(200, "x-end: yes\r\n", &format!("{} {}", asked.method, asked.body)),
        "/same" => to(307, "/c"),
        "/ftp" => to(302, "ftp://127.0.0.1/"),
        "/malformed" => to(302, "http://[::bad/"),
        path => {
            let hop: u32 = path.strip_prefix("/loop/").unwrap().parse().unwrap();
            to(301, &format!("/loop/{}", hop + 1))
        }
    }
}

#[test]
fn redirects_are_followed_and_each_hop_is_a_request() {
    let server = HttpServer::start(redirecting);
    let ran = run_flow(
        &server,
        "- http: {url: '{base}/a', method: POST, body: text, checks: {end: 'status == 200 and headers.x_end == \"yes\"', body: 'body == \"GET \"'}}",
        "",
    );
    assert_eq!(paths(&server), ["GET /b?x=1", "GET /b?x=1", "GET /c", "GET /c", "POST /a", "POST /a"]);
    let of = |status| ran.count("k6_http_reqs_total", &[("status", status), ("name", "/a")]);
    assert_eq!([of("302"), of("307"), of("200")], [2, 2, 2]);
    // Each hop by its own method, as in k6.
    let by = |method| ran.count("k6_http_reqs_total", &[("method", method)]);
    assert_eq!([by("POST"), by("GET")], [2, 4]);
    assert_eq!(ran.count("k6_http_req_failed_total", &[("method", "GET"), ("condition", "zero")]), 4);
    assert_eq!((ran.check("end"), ran.check("body")), ((2, 0), (2, 0)), "{}", ran.notes());
    assert_eq!(ran.last.sum("k6_http_req_failed_rate", &[]), Some(0.0));
}

#[test]
fn a_307_repeats_the_request_with_its_body() {
    let server = HttpServer::start(redirecting);
    let ran = run_flow(
        &server,
        "- http: {url: '{base}/same', json: {a: 1}, checks: {repeated: 'body == \"POST {\\\"a\\\":1}\"'}}",
        "",
    );
    assert_eq!(ran.check("repeated"), (2, 0), "{}", ran.notes());
}

#[test]
fn a_redirect_that_leads_nowhere_is_a_failed_request_unless_none_is_to_be_followed() {
    for path in ["/ftp", "/malformed"] {
        let server = HttpServer::start(redirecting);
        let step =
            format!("- http: {{url: '{{base}}{path}', checks: {{nowhere: status == 0 and error == 1020}}}}");
        let ran = run_flow(&server, &step, "");
        assert_eq!(ran.count("k6_http_reqs_total", &[("error_code", "1020")]), 2, "{path}");
        assert_eq!(ran.check("nowhere"), (2, 0), "{path}: {}", ran.notes());
        let step =
            format!("- http: {{url: '{{base}}{path}', redirects: 0, checks: {{away: status == 302}}}}");
        assert_eq!(run_flow(&server, &step, "").check("away"), (2, 0), "{path}");
    }
}

#[test]
fn redirects_stop_at_the_limit_and_the_last_answer_is_what_checks_see() {
    let server = HttpServer::start(redirecting);
    let ran =
        run_flow(&server, "- http: {url: '{base}/loop/0', redirects: 3, checks: {moved: status == 301}}", "");
    let expected: Vec<String> = (0..=3).flat_map(|hop| vec![format!("GET /loop/{hop}"); 2]).collect();
    assert_eq!(paths(&server), expected);
    assert_eq!(ran.check("moved"), (2, 0));
    let server = HttpServer::start(redirecting);
    run_flow(&server, "- http: {url: '{base}/loop/0', redirects: 0}", "");
    assert_eq!(paths(&server), ["GET /loop/0", "GET /loop/0"]);
}

#[test]
fn what_is_captured_is_used_in_the_next_request() {
    let server = HttpServer::start(|asked| async move {
        match asked.path.as_str() {
            "/login" => reply_with(200, "x-token: t-42\r\n", r#"{"user":{"id":7,"name":"a b&c"}}"#),
            _ => reply(200, ""),
        }
    });
    let ran = run_flow(
        &server,
        "- http:\n    \
           url: '{base}/login'\n    \
           capture: {id: json.user.id, name: json.user.name, token: headers.x_token}\n\
         - set: {doubled: id * 2}\n\
         - http:\n    \
           url: '{base}/users/{{ id }}/{{ doubled }}?q={{ name | urlencode }}'\n    \
           method: PUT\n    \
           headers: {authorization: 'Bearer {{ token }}', x-fixed: same}\n    \
           form: {name: '{{ name }}', n: '{{ vu }}'}\n\
         - http:\n    \
           url: '{base}/json'\n    \
           json: {id: '{{ id }}', text: 'user {{ id }}', list: ['{{ doubled }}', 1], none: null}\n\
         - http:\n    \
           url: '{base}/text'\n    \
           body: 'iteration={{ iteration }}'\n",
        "",
    );
    assert_eq!(ran.count("k6_iteration_errors_total", &[]), 0, "{}", ran.notes());
    let asked = server.asked();
    let one = |path: &str| {
        asked.iter().find(|asked| asked.path.starts_with(path)).unwrap_or_else(|| panic!("{path}"))
    };
    let put = one("/users");
    assert_eq!((put.method.as_str(), put.path.as_str()), ("PUT", "/users/7/14?q=a%20b%26c"));
    assert_eq!((put.header("authorization"), put.header("x-fixed")), (Some("Bearer t-42"), Some("same")));
    assert_eq!(put.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert!(matches!(put.body.as_str(), "name=a+b%26c&n=1" | "name=a+b%26c&n=2"), "{}", put.body);
    let json = one("/json");
    assert_eq!((json.method.as_str(), json.header("content-type")), ("POST", Some("application/json")));
    let body: serde_json::Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!(body, serde_json::json!({"id": 7, "text": "user 7", "list": [14, 1], "none": null}));
    assert_eq!(one("/text").body, "iteration=0");
    assert!(
        asked
            .iter()
            .all(|asked| asked.header("user-agent").is_some_and(|agent| agent.starts_with("loadgate/")))
    );
    // Never what the template made of it.
    let name = [("name", "/users/{{ id }}/{{ doubled }}")];
    assert_eq!(
        ran.count("k6_http_reqs_total", &name),
        2,
        "{:?}",
        ran.last.0.iter().map(|s| &s.1).collect::<Vec<_>>()
    );
}

#[test]
fn users_keep_their_connections() {
    let server = HttpServer::start(|_| async { reply(200, "x") });
    let ran = run_flow(&server, "- repeat: {times: 5, flow: [{http: {url: '{base}/'}}]}", "");
    assert_eq!((server.requests(), server.connections()), (10, 2));
    assert_eq!(ran.last.sum("k6_http_req_connecting_seconds_count", &[]), Some(10.0));
}

#[test]
fn connections_are_kept_for_a_user_an_iteration_or_not_at_all() {
    let per_request = |keep_alive: &str| {
        let server = HttpServer::start(|_| async { reply(200, "x") });
        let ran = run(&format!(
            "name: e2e\n\
             defaults: {{keep_alive: {keep_alive}}}\n\
             scenarios:\n  \
               s:\n    \
                 executor: constant-vus\n    \
                 vus: 2\n    \
                 duration: 1s\n    \
                 graceful_stop: 60s\n    \
                 flow:\n      \
                   - repeat: {{times: 2, flow: [{{http: {{url: '{url}/'}}}}]}}\n      \
                   - sleep: 300ms\n",
            url = server.url(),
        ));
        let iterations = ran.count("k6_iterations_total", &[]);
        assert!(iterations > 2 && server.requests() == 2 * iterations, "{iterations}");
        (server.connections(), iterations)
    };
    assert_eq!(per_request("vu").0, 2);
    let (connections, iterations) = per_request("iteration");
    assert_eq!(connections, iterations);
    let (connections, iterations) = per_request("never");
    assert_eq!(connections, 2 * iterations);
}

#[test]
fn checks_that_fail_are_counted_and_say_why() {
    let server = HttpServer::start(|_| async { reply(200, r#"{"items":[]}"#) });
    let ran = run_flow(
        &server,
        "- http:\n    \
           url: '{base}/'\n    \
           checks: {ok: status == 200, created: status == 201, first: 'json.items[0].id == 1'}\n\
         - check: {later: json.items | length == 0, elsewhere: json.nothing.there == 1}\n\
         - http: {url: '{base}/after'}\n",
        "thresholds: {checks: [rate>0.9], 'checks{check:ok}': [rate==1]}",
    );
    assert_eq!([ran.check("ok"), ran.check("created")], [(2, 0), (0, 2)]);
    assert_eq!([ran.check("first"), ran.check("later"), ran.check("elsewhere")], [(0, 2), (2, 0), (0, 2)]);
    let notes = ran.notes();
    assert!(
        notes.contains("check `first` failed: ") && notes.contains("check `elsewhere` failed: "),
        "{notes}"
    );
    assert!(!notes.contains("created"), "a check that says no needs no words: {notes}");
    assert_eq!(
        server.asked().iter().filter(|asked| asked.path == "/after").count(),
        2,
        "a check ends nothing"
    );
    super::check(&ran, loadgate::verdict::Verdict::Failed, &["✗ checks rate>0.9: rate=40.00%"]);
}

#[test]
fn custom_metrics_of_all_four_kinds_are_recorded() {
    let server = HttpServer::start(|_| async { reply(200, r#"{"price":2.5,"stock":7,"sold":true}"#) });
    let ran = run_flow(
        &server,
        "- http:\n    \
           url: '{base}/'\n    \
           record: {orders: '1', revenue: json.price, stock: json.stock, sold: json.sold, price: json.price, took: '1500'}\n\
         - http: {url: '{base}/slow', record: request_time}\n\
         - record: {orders: '2', sold: 'false'}\n",
        "metrics:\n  \
           orders: {type: counter}\n  \
           revenue: {type: counter}\n  \
           stock: {type: gauge}\n  \
           sold: {type: rate}\n  \
           price: {type: trend}\n  \
           took: {type: trend, time: true}\n  \
           request_time: {type: trend, time: true}\n\
         thresholds: {orders: [count==6], revenue: [count==5], stock: [value==7], sold: [rate==0.5], \
           price: [max==2.5], took: [max==1.5s, avg==1500], request_time: [max<20s]}",
    );
    super::check(&ran, loadgate::verdict::Verdict::Passed, &[]);
    let sum = |name| ran.last.sum(name, &[]);
    assert_eq!(
        [sum("k6_orders_total"), sum("k6_revenue_total"), sum("k6_stock")],
        [Some(6.0), Some(5.0), Some(7.0)]
    );
    assert_eq!([sum("k6_sold_rate"), sum("k6_sold_total")], [Some(0.5), Some(4.0)]);
    assert_eq!(
        [sum("k6_price_count"), sum("k6_price_sum"), sum("k6_price_max")],
        [Some(2.0), Some(5.0), Some(2.5)]
    );
    assert_eq!([sum("k6_took_seconds_sum"), sum("k6_took_p95")], [Some(3.0), Some(1.5)]);
    assert_eq!(sum("k6_request_time_seconds_count"), Some(2.0));
}

#[test]
fn a_timeout_is_a_failed_request_with_its_code() {
    let server = HttpServer::start(|asked| async move {
        if asked.path == "/never" {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        reply(200, "")
    });
    let ran = run_flow(
        &server,
        "- http: {url: '{base}/never', timeout: 200ms, record: asked_for, checks: {late: error == 1050, nothing: status == 0}}\n\
         - http: {url: '{base}/'}",
        "metrics: {asked_for: {type: trend, time: true}}\n",
    );
    let timed_out =
        [("error_code", "1050"), ("name", "/never"), ("expected_response", "false"), ("status", "0")];
    assert_eq!(ran.count("k6_http_reqs_total", &timed_out), 2);
    assert_eq!(ran.count("k6_http_reqs_total", &[("status", "200"), ("error_code", "")]), 2);
    assert_eq!(ran.last.sum("k6_http_req_failed_rate", &[("name", "/never")]), Some(1.0));
    assert_eq!([ran.check("late"), ran.check("nothing")], [(2, 0); 2], "{}", ran.notes());
    // A slow failure stays in the percentiles.
    assert!(ran.last.sum("k6_asked_for_min", &[]).unwrap() >= 0.2);
    // k6's duration leaves out connecting, which on a busy machine takes its part of the timeout.
    let avg = |phase| ran.last.sum(&format!("k6_http_req_{phase}_avg"), &[("name", "/never")]).unwrap();
    assert!(avg("duration") + avg("blocked") >= 0.2);
}

#[test]
fn a_connection_that_never_came_about_took_as_long_as_it_was_waited_for() {
    // Accepts, and never says a word of TLS.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let flow = format!(
        "- http: {{url: 'https://{}/', timeout: 200ms, record: asked_for}}",
        silent.local_addr().unwrap()
    );
    let ran = run(&once(&flow, "metrics: {asked_for: {type: trend, time: true}}"));
    assert_eq!(ran.count("k6_http_reqs_total", &[("error_code", "1050")]), 2);
    assert!(ran.last.sum("k6_asked_for_min", &[]).unwrap() >= 0.2);
    // As in k6, its duration has nothing to do with connecting.
    assert_eq!(ran.last.sum("k6_http_req_duration_max", &[]), Some(0.0));
}

#[test]
fn answers_that_break_http_are_failed_requests_with_their_codes() {
    let server = HttpServer::start(|asked| async move {
        match asked.path.as_str() {
            "/cut" => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort\r\n\r\n".to_vec(),
            "/garbage" => b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec(),
            "/closed" => Vec::new(),
            "/huge-head" => format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(4 << 20)).into_bytes(),
            _ => reply(404, "no"),
        }
    });
    let ran = run_flow(
        &server,
        "- http: {url: '{base}/cut', timeout: 500ms}\n\
         - http: {url: '{base}/garbage'}\n\
         - http: {url: '{base}/closed', method: POST}\n\
         - http: {url: '{base}/huge-head'}\n\
         - http: {url: '{base}/missing'}\n\
         - http: {url: '{base}/wanted', expected_statuses: [404]}\n",
        "",
    );
    let code = |name, code| ran.count("k6_http_reqs_total", &[("name", name), ("error_code", code)]);
    let found: Vec<String> = ran
        .last
        .0
        .iter()
        .filter(|(name, ..)| name == "k6_http_reqs_total")
        .map(|(_, labels, value)| format!("{labels} {value}"))
        .collect();
    assert_eq!(code("/cut", "1050"), 2, "{found:#?}");
    assert_eq!(code("/garbage", "1800"), 2, "{found:#?}");
    assert_eq!(code("/closed", "1801"), 2, "{found:#?}");
    assert_eq!(code("/huge-head", "1805"), 2, "{found:#?}");
    assert_eq!(code("/missing", "1404"), 2, "{found:#?}");
    let failed = |name| ran.last.sum("k6_http_req_failed_rate", &[("name", name)]);
    assert_eq!([failed("/missing"), failed("/wanted")], [Some(1.0), Some(0.0)]);
    assert_eq!(ran.count("k6_http_reqs_total", &[("name", "/wanted"), ("expected_response", "true")]), 2);
}

#[test]
fn a_url_that_comes_out_malformed_is_a_failed_request() {
    let server = HttpServer::start(|_| async { reply(200, "not-a-url") });
    let ran = run_flow(
        &server,
        "- http: {url: '{base}/', capture: {next: body}}\n\
         - http: {url: '{{ next }}', name: next, checks: {invalid: error == 1020}}",
        "",
    );
    assert_eq!(ran.count("k6_http_reqs_total", &[("name", "next"), ("error_code", "1020")]), 2);
    assert_eq!(ran.check("invalid"), (2, 0), "{}", ran.notes());
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let other = HttpServer::start(|_| async { reply(200, "") });
    let there = other.url();
    let server = HttpServer::start(move |_| {
        let there = there.clone();
        async move { reply_with(302, &format!("location: {there}/there\r\n"), "") }
    });
    run_flow(
        &server,
        "- http: {url: '{base}/', headers: {authorization: secret, cookie: a=b, x-kept: yes!}}",
        "",
    );
    let asked = other.asked();
    assert_eq!(asked.len(), 2);
    let seen = |name| asked[0].header(name);
    assert_eq!([seen("authorization"), seen("cookie"), seen("x-kept")], [None, None, Some("yes!")]);
}
