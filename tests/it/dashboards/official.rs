//! k6's official dashboards over a real Prometheus that scraped a run: no panel may stay empty.

use serde_json::Value;

use super::list::{Dashboard, EXPRESSIONS};
use super::{now, wait_until};
use crate::stage::{Prometheus, Service, Serving, demo_target, is_final};

/// (expression, why it may find nothing)
const EXCEPTIONS: [(&str, &str); 0] = [];

/// Requests that succeed and that fail, groups, checks that hold and that do not, dropped iterations.
fn plan(target: &Service) -> String {
    let http = target.http();
    format!(
        r#"name: dashboards
scenarios:
  users:
    executor: constant-vus
    vus: 2
    duration: 2m
    flow:
      - http: {{url: '{http}/health', checks: {{healthy: status == 200}}}}
      - group: {{name: missing, flow: [{{http: {{url: '{http}/missing', checks: {{found: status == 200}}}}}}]}}
      - sleep: 50ms
  rate:
    executor: constant-arrival-rate
    rate: 20
    duration: 2m
    pre_allocated_vus: 1
    flow: [{{sleep: 200ms}}]
"#
    )
}

/// The expressions of `dashboard`, filled in, that find no number and are not excused.
fn unanswered(prometheus: &Prometheus, dashboard: &Dashboard, start: f64) -> Vec<String> {
    let expanded = dashboard.expanded(prometheus, Prometheus::SCRAPE_INTERVAL_SECS);
    if expanded.is_empty() {
        return vec!["a variable has no value".to_owned()];
    }
    let excused = |written: &str| EXCEPTIONS.iter().any(|(expression, _)| *expression == written);
    expanded
        .into_iter()
        .filter(|(written, _)| !excused(written))
        .filter(|(_, expanded)| prometheus.numbers_in_range(expanded, start, now()) == 0)
        .map(|(_, expanded)| expanded)
        .collect()
}

#[test]
fn every_expression_of_k6s_dashboards_finds_data_in_a_real_prometheus() {
    let target = demo_target(&["errors=0.3"]);
    let start = now();
    let serving = Serving::start(&plan(&target), &["--testid", "run-7"]);
    let Some(text) = Prometheus::scraping(serving.address, &[]) else { return };
    let Some(native) = Prometheus::scraping(serving.address, &["native-histograms"]) else { return };
    assert_eq!(
        text.numbers_in_range("k6_no_such_metric", start, now()),
        0,
        "then every expression finds data"
    );
    let dashboards = Dashboard::all(EXPRESSIONS);
    assert_eq!(dashboards.len(), 2);
    for (prometheus, dashboard) in [&text, &native].into_iter().zip(&dashboards) {
        let unanswered = || unanswered(prometheus, dashboard, start);
        wait_until(&|| format!("{}: {:#?}", dashboard.name, unanswered()), || unanswered().is_empty());
    }

    serving.interrupt();
    serving.scrape_until(is_final);
    let seen =
        |prometheus: &Prometheus| prometheus.query("loadgate_run_state{state=\"finished\"} == 1").len() == 1;
    wait_until(&|| "the final values".to_owned(), || seen(&text) && seen(&native));
    check_formats_agree(&text, &native);
    check_quantile(&native, &serving.export());
    assert_eq!(serving.end(), 105);
}

/// The server without the feature is given OpenMetrics, the other protobuf: they know the same.
fn check_formats_agree(text: &Prometheus, native: &Prometheus) {
    // Of the process (`process_*`) each scrape says something else; whatever else is exported is final.
    let numbers = r#"{__name__=~"k6_.+|loadgate_.+", __name__!~".+_(bucket|sum|count)", testid="run-7"}"#;
    let sorted = |prometheus: &Prometheus, expression: &str| {
        let mut samples: Vec<String> =
            prometheus.query(expression).iter().map(|(labels, value)| format!("{labels} {value}")).collect();
        samples.sort();
        samples
    };
    assert!(sorted(text, numbers).len() > 100, "{:#?}", sorted(text, numbers));
    assert_eq!(sorted(text, numbers), sorted(native, numbers));

    let mut histograms = 0;
    for metric in text.list("label/__name__/values") {
        let Some(metric) = metric.strip_suffix("_bucket").filter(|metric| metric.starts_with("k6_")) else {
            continue;
        };
        histograms += 1;
        // `+ 0` drops the metric's name, as the functions do.
        for part in ["count", "sum"] {
            let of_native = sorted(native, &format!("histogram_{part}({metric})"));
            assert!(!of_native.is_empty(), "{metric} is not native");
            assert_eq!(sorted(text, &format!("{metric}_{part} + 0")), of_native, "{metric}");
        }
    }
    assert!(histograms >= 10, "only {histograms} histograms");
}

/// The summary's p95 lies in the bucket in which Prometheus finds it: at most a factor of 2^(1/8) apart, and
/// the summary is within 1 %.
fn check_quantile(native: &Prometheus, export: &Value) {
    let shown_ms = export["metrics"]["http_req_duration"]["values"]["p(95)"].as_f64().unwrap();
    let of_run = native.query("histogram_quantile(0.95, sum(k6_http_req_duration_seconds))");
    let [(_, secs)] = of_run.as_slice() else { panic!("{of_run:?}") };
    let factor = (secs * 1e3 / shown_ms).max(shown_ms / (secs * 1e3));
    assert!(factor < 2f64.powf(0.125) * 1.01, "{secs} s in Prometheus, {shown_ms} ms in the summary");

    let (least, most) = ("min(k6_http_req_duration_min)", "max(k6_http_req_duration_max)");
    let rate = native.query("histogram_quantile(0.95, sum(rate(k6_http_req_duration_seconds[1m])))");
    let bound = |expression| native.query(expression)[0].1;
    let [(_, secs)] = rate.as_slice() else { panic!("{rate:?}") };
    let slack = 2f64.powf(0.125);
    assert!(bound(least) / slack <= *secs && *secs <= bound(most) * slack, "{secs} s");
}
