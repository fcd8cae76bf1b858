//! The steps that steer: group, repeat, if, set, log, and errors of expressions.

use super::once;
use crate::stage::{HttpServer, reply, run};

fn server() -> HttpServer {
    HttpServer::start(|asked| async move { reply(200, &format!("{{\"n\":{}}}", asked.number)) })
}

#[test]
fn groups_are_nested_timed_and_named_as_in_k6() {
    let server = server();
    let flow = "- group:\n    \
                  name: outer\n    \
                  flow:\n      \
                    - http: {url: '{base}/a', checks: {ok: status == 200}}\n      \
                    - group: {name: inner, flow: [{http: {url: '{base}/b', checks: {ok: status == 200}}}, {sleep: 50ms}]}\n\
                - http: {url: '{base}/c', checks: {ok: status == 200}}\n";
    let ran = run(&once(&flow.replace("{base}", &server.url()), ""));
    for (name, group) in [("/a", "::outer"), ("/b", "::outer::inner"), ("/c", "")] {
        assert_eq!(ran.count("k6_http_reqs_total", &[("name", name), ("group", group)]), 2, "{name}");
    }
    for group in ["::outer", "::outer::inner", ""] {
        assert_eq!(ran.count("k6_checks_total", &[("group", group), ("condition", "nonzero")]), 2, "{group}");
    }
    let time =
        |group, stat: &str| ran.last.sum(&format!("k6_group_duration_{stat}"), &[("group", group)]).unwrap();
    assert_eq!(ran.last.sum("k6_group_duration_seconds_count", &[]), Some(4.0));
    assert!(time("::outer::inner", "min") >= 0.05 && time("::outer", "min") >= time("::outer::inner", "min"));
}

#[test]
fn repeat_and_if_follow_their_conditions() {
    let server = server();
    let flow = "- set: {left: '3'}\n\
                - repeat:\n    \
                    while: left > 0\n    \
                    flow:\n      \
                      - http: {url: '{base}/while'}\n      \
                      - set: {left: left - 1}\n\
                - repeat: {times: 4, flow: [{http: {url: '{base}/times'}}]}\n\
                - if: {when: vu == 1, then: [{http: {url: '{base}/first'}}], else: [{http: {url: '{base}/others'}}]}\n\
                - if: {when: left > 0, then: [{http: {url: '{base}/never'}}]}\n";
    let ran = run(&once(&flow.replace("{base}", &server.url()), ""));
    let of = |name| ran.count("k6_http_reqs_total", &[("name", name)]);
    assert_eq!(
        ["/while", "/times", "/first", "/others", "/never"].map(of),
        [6, 8, 1, 1, 0],
        "{}",
        ran.notes()
    );
    assert_eq!(server.requests(), 16);
}

#[test]
fn an_expression_that_cannot_be_evaluated_ends_the_iteration_and_is_counted() {
    let server = server();
    let flow = "- http: {url: '{base}/', capture: {deep: json.n.nothing.there}}\n\
                - http: {url: '{base}/never'}\n";
    let ran = run(&once(&flow.replace("{base}", &server.url()), ""));
    let [iterations, errors] =
        ["k6_iterations_total", "k6_iteration_errors_total"].map(|name| ran.count(name, &[]));
    assert!(errors >= 2 && errors == iterations, "{errors} of {iterations}");
    assert!(server.asked().iter().all(|asked| asked.path == "/"));
    super::check(
        &ran,
        loadgate::verdict::Verdict::Inconclusive,
        &["iterations ended early because an expression could not be evaluated"],
    );
    assert!(ran.notes().contains("an iteration of `s` ended early: "), "{}", ran.notes());
}

#[test]
fn think_time_may_be_drawn_and_a_log_step_changes_nothing() {
    let server = server();
    let flow = "- log: 'user {{ vu }} begins'\n\
                - http: {url: '{base}/'}\n\
                - sleep: {min: 1ms, max: 5ms}\n";
    let ran = run(&once(&flow.replace("{base}", &server.url()), ""));
    assert_eq!((ran.count("k6_iterations_total", &[]), server.requests()), (2, 2), "{}", ran.notes());
}

#[test]
fn tags_go_from_plan_over_scenario_to_step() {
    let server = server();
    let text = once(
        &"- http: {url: '{base}/', tags: {kind: step, own: x}}\n- http: {url: '{base}/b'}"
            .replace("{base}", &server.url()),
        // Whoever calls a tag like a label of ours must not make several series one.
        "tags: {kind: plan, suite: all, name: plan, status: plan}\n\
         thresholds: {'http_reqs{suite:all}': [count==4], 'http_reqs{suite:other}': [count==0], \
           'http_reqs{kind:step}': [count==2], 'http_reqs{kind:plan}': [count==0], \
           'http_req_duration{suite:all,kind:scenario}': [max<60s], 'vus{suite:all}': [value>=0]}",
    );
    let ran = run(&text.replace("    executor:", "    tags: {kind: scenario}\n    executor:"));
    let of = |kind, suite| ran.count("k6_http_reqs_total", &[("kind", kind), ("suite", suite)]);
    assert_eq!([of("step", "all"), of("scenario", "all"), of("plan", "all")], [2, 2, 0]);
    assert_eq!(ran.count("k6_http_reqs_total", &[("own", "x")]), 2);
    super::check(&ran, loadgate::verdict::Verdict::Passed, &[]);
    let (mut series, all) = (std::collections::BTreeSet::new(), &ran.last.0);
    assert!(
        all.iter().all(|(name, labels, _)| series.insert(format!("{name}{labels}"))),
        "a series comes twice"
    );
    assert_eq!(ran.count("k6_http_reqs_total", &[("name", "/b"), ("status", "200")]), 2);
}

#[test]
fn one_of_several_flows_is_chosen_by_weight() {
    let server = server();
    let flow = "- repeat:\n    \
                  times: 500\n    \
                  flow:\n      \
                    - choose:\n          \
                        - {weight: 3, flow: [{http: {url: '{base}/often'}}]}\n          \
                        - {weight: 1, flow: [{http: {url: '{base}/seldom'}}]}\n";
    let ran = run(&once(&flow.replace("{base}", &server.url()), ""));
    let of = |name| ran.count("k6_http_reqs_total", &[("name", name)]);
    assert_eq!(of("/often") + of("/seldom"), 1_000);
    // Six standard deviations: wrong once in five hundred million runs.
    assert!((668..=832).contains(&of("/often")), "{}", of("/often"));
}

#[test]
fn a_late_paced_request_is_timed_from_when_it_was_due() {
    let server = server();
    // The second and third are due while the first iteration's sleep keeps them waiting.
    let flow = "- repeat: {every: 10ms, times: 3, flow: [{http: {url: '{base}/'}}, {sleep: 200ms}]}\n\
                - http: {url: '{base}/after'}\n";
    let ran = run(&once(&flow.replace("{base}", &server.url()), ""));
    let longest =
        |stat: &str, name| ran.last.sum(&format!("k6_http_req_{stat}_max"), &[("name", name)]).unwrap();
    assert!(longest("response_time", "/") >= 0.38, "{}", longest("response_time", "/"));
    assert_eq!(ran.last.count("k6_round_lag_seconds_count", &[]), 6);
    // What comes after the rounds is due when it starts.
    assert!(longest("response_time", "/after") < longest("response_time", "/"));
}

#[test]
fn iterations_send_the_rows_of_their_tables() {
    let server = server();
    let flow = "- http: {url: '{base}/{{ data.users.email }}', json: {id: '{{ data.users.id }}', also: '{{ data.ids }}'}}\n\
                - http: {url: '{base}/{{ data.users.email }}'}";
    let rest =
        "data:\n  users: {list: [{email: a, id: 1}, {email: b, id: 2}]}\n  ids: {list: [x], pick: random}";
    let ran = run(&once(&flow.replace("{base}", &server.url()), rest));
    assert_eq!(ran.count("k6_http_reqs_total", &[("status", "200")]), 4, "{}", ran.notes());
    let mut asked: Vec<_> = server.asked().into_iter().map(|asked| (asked.path, asked.body)).collect();
    asked.sort();
    let body = |id| format!("{{\"id\":{id},\"also\":\"x\"}}");
    let expected = [("/a", String::new()), ("/a", body(1)), ("/b", String::new()), ("/b", body(2))];
    assert_eq!(asked, expected.map(|(path, body)| (path.to_owned(), body)));
}
