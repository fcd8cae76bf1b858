//! Metrics that are recorded only where a condition holds: a flash sale's outcomes.

use std::time::Duration;

use loadgate::verdict::Verdict;

use super::once;
use crate::stage::{HttpServer, reply, reply_with, run};

const METRICS: &str = "metrics:\n  \
    orders_accepted: {type: counter}\n  \
    orders_rejected: {type: counter}\n  \
    rate_limited: {type: counter}\n  \
    unanswered: {type: counter}\n  \
    revenue: {type: counter}\n  \
    order_latency: {type: trend, time: true}\n";

#[test]
fn each_outcome_of_an_order_has_its_counter() {
    let server = HttpServer::start(|asked| async move {
        match asked.path.as_str() {
            "/sold-out" => reply(409, r#"{"left":0}"#),
            "/later" => reply_with(302, "location: /elsewhere\r\n", ""),
            "/broken" => Vec::new(),
            _ => reply(200, r#"{"price":2.5}"#),
        }
    });
    let step = |path: &str| {
        format!(
            "- http:\n    \
               url: '{}/{path}'\n    \
               method: POST\n    \
               name: order\n    \
               redirects: 0\n    \
               expected_statuses: [200, 302, 409]\n    \
               checks: {{answered: 'status in [200, 302, 409]'}}\n    \
               record:\n      \
                 orders_accepted: {{value: 1, when: status == 200}}\n      \
                 orders_rejected: {{when: status == 409}}\n      \
                 rate_limited: {{value: '1', when: status == 302}}\n      \
                 unanswered: {{when: status == 0}}\n      \
                 revenue: {{value: json.price, when: status == 200}}\n      \
                 order_latency: {{when: status == 200}}\n",
            server.url()
        )
    };
    let flow = format!("{}{}{}{}", step("ok"), step("sold-out"), step("later"), step("broken"));
    let rest = "thresholds: {orders_accepted: [count==2], orders_rejected: [count==2], rate_limited: [count==2], \
                unanswered: [count==2], revenue: [count==5], order_latency: [max<60s], checks: [rate>0.7]}";
    let ran = run(&once(&flow, &format!("{METRICS}{rest}")));
    super::check(&ran, Verdict::Passed, &[]);
    assert_eq!(ran.count("k6_order_latency_seconds_count", &[]), 2);
    assert_eq!(ran.check("answered"), (6, 2), "{}", ran.notes());
    assert_eq!(ran.count("k6_iteration_errors_total", &[]), 0, "{}", ran.notes());
}

#[test]
fn a_condition_that_cannot_be_evaluated_records_nothing_and_says_so() {
    let server = HttpServer::start(|_| async { reply(200, "no json") });
    let flow = format!(
        "- http: {{url: '{}/', record: {{orders_accepted: {{when: json.ok}}}}}}\n\
         - record: {{orders_rejected: {{value: 2, when: status == 200}}, revenue: {{when: status == 404}}}}\n",
        server.url()
    );
    let ran = run(&once(&flow, METRICS));
    let sum = |name| ran.last.sum(name, &[]);
    assert_eq!(
        [sum("k6_orders_accepted_total"), sum("k6_orders_rejected_total"), sum("k6_revenue_total")],
        [Some(0.0), Some(4.0), Some(0.0)]
    );
    assert_eq!(ran.count("k6_iteration_errors_total", &[]), 0, "{}", ran.notes());
    assert!(ran.notes().contains("a `when` of `record` failed: `json` is undefined"), "{}", ran.notes());
}

#[test]
fn a_failed_exchange_is_in_the_percentiles_unless_a_condition_leaves_it_out() {
    let server = HttpServer::start(|_| async {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Vec::new()
    });
    let url = server.url();
    let flow = format!(
        "- http: {{url: '{url}/', timeout: 100ms, record: order_latency}}\n\
         - http: {{url: '{url}/', timeout: 100ms, record: {{order_latency: {{when: status == 200}}}}}}\n\
         - http: {{url: '{url}/', timeout: 100ms, record: {{order_latency: {{when: error == 1050}}}}}}\n",
    );
    let ran = run(&once(&flow, METRICS));
    assert_eq!(ran.count("k6_order_latency_seconds_count", &[]), 4);
    assert!(ran.last.sum("k6_order_latency_min", &[]).unwrap() >= 0.1);
}
