//! Thresholds as PromQL, by table.

use std::time::Duration;

use super::*;
use crate::aggregate::Selector;
use crate::config::Comparison::{self, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
use crate::metric::{Catalog, Kind, Unit};
use crate::rules::Aggregation::{self, Avg, Count, Max, Min, Quantile, Rate, Value};

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for (name, kind, unit) in [
        ("orders_total", Kind::Counter, Unit::Plain),
        ("depth", Kind::Gauge, Unit::Plain),
        ("payload", Kind::Trend, Unit::Plain),
        ("reply_time", Kind::Trend, Unit::Time),
    ] {
        catalog.declare(name, kind, unit);
    }
    catalog
}

fn threshold(subject: &str, aggregation: Aggregation, comparison: Comparison, limit: f64) -> Threshold {
    let (name, tags) = subject.split_once('{').unwrap_or((subject, ""));
    let tags = tags.trim_end_matches('}').split(',').filter_map(|tag| tag.split_once(':'));
    let subject_of = match catalog().find(name) {
        Some(metric) => Subject::Metric(Selector::new(metric, tags)),
        None => Subject::Probe(0),
    };
    Threshold {
        name: subject.to_owned(),
        source: "the threshold".to_owned(),
        subject: subject_of,
        aggregation,
        comparison,
        limit,
        abort_after: None,
        objective: None,
    }
}

fn rules(threshold: &Threshold, warmup_secs: u64) -> ThresholdRules {
    let (catalog, probes, warmup) = (catalog(), ["hz".to_owned()], Duration::from_secs(warmup_secs));
    let scope = Scope { test: "shop", catalog: &catalog, probes: &probes, warmup };
    ThresholdRules::compile(std::slice::from_ref(threshold), scope).unwrap()
}

#[test]
fn each_kind_of_threshold_is_one_expression_that_adds_up() {
    let count = "sum by (testid) (k6_http_req_duration_seconds_count{test=\"shop\"})";
    let bucket = |le: &str| {
        format!(
            "sum by (testid) (k6_http_req_duration_seconds_bucket{{test=\"shop\",le=\"{le}\"}}) / {count}"
        )
    };
    let requests = "sum by (testid) (k6_http_reqs_total{test=\"shop\",status=\"503\"} \
                    or on (testid) 0 * loadgate_run_info{test=\"shop\"})";
    for (subject, aggregation, comparison, limit, expected) in [
        ("http_req_duration", Quantile(0.95), Less, 5e8, format!("{} < 0.95", bucket("0.5"))),
        ("http_req_duration", Quantile(0.999), LessOrEqual, 1e10, format!("{} < 0.999", bucket("10.0"))),
        ("http_req_duration", Quantile(0.5), Greater, 1e8, format!("{} >= 0.5", bucket("0.1"))),
        ("http_req_duration", Quantile(0.0), Less, 1e8, format!("{} <= 0", bucket("0.1"))),
        ("http_req_duration", Quantile(0.0), GreaterOrEqual, 1e8, format!("{} > 0", bucket("0.1"))),
        (
            "http_req_duration",
            Avg,
            Less,
            1e8,
            format!(
                "round(sum by (testid) (k6_http_req_duration_seconds_sum{{test=\"shop\"}}) * 1e9) / {count} / 1e9 >= 0.1"
            ),
        ),
        (
            "http_req_duration{expected_response:true}",
            Max,
            LessOrEqual,
            2.5e9,
            "max by (testid) (k6_http_req_duration_max{test=\"shop\",expected_response=\"true\"}) > 2.5".to_owned(),
        ),
        (
            "reply_time",
            Min,
            Greater,
            1e6,
            "min by (testid) (k6_reply_time_min{test=\"shop\"}) <= 0.001".to_owned(),
        ),
        (
            "payload",
            Avg,
            GreaterOrEqual,
            -2.5,
            "sum by (testid) (k6_payload_sum{test=\"shop\"}) / sum by (testid) (k6_payload_count{test=\"shop\"}) < -2.5"
                .to_owned(),
        ),
        (
            "checks",
            Rate,
            Greater,
            0.99,
            "sum by (testid) (k6_checks_total{test=\"shop\",condition=\"nonzero\"}) \
             / (sum by (testid) (k6_checks_total{test=\"shop\"}) > 0) <= 0.99"
                .to_owned(),
        ),
        ("http_reqs{status:503}", Count, Less, 10.0, format!("{requests} >= 10")),
        ("http_reqs{status:503}", Count, Equal, 10.0, format!("{requests} != 10")),
        ("http_reqs{status:503}", Count, NotEqual, 10.0, format!("{requests} == 10")),
        (
            "http_reqs{status:503}",
            Rate,
            GreaterOrEqual,
            0.5,
            format!("{requests} / (max by (testid) (loadgate_run_elapsed_seconds{{test=\"shop\"}}) > 0) < 0.5"),
        ),
        (
            "orders_total",
            Count,
            Greater,
            0.0,
            "sum by (testid) (k6_orders_total{test=\"shop\"} or on (testid) 0 * loadgate_run_info{test=\"shop\"}) <= 0"
                .to_owned(),
        ),
        ("ws_connected", Value, Less, 5.0, "sum by (testid) (k6_ws_connected{test=\"shop\"}) >= 5".to_owned()),
        (
            "depth",
            Value,
            Less,
            5.0,
            "loadgate_threshold_value{test=\"shop\",metric=\"depth\",threshold=\"the threshold\"} >= 5".to_owned(),
        ),
        ("hz", Avg, Greater, 95.0, "loadgate_probe_avg{test=\"shop\",probe=\"hz\"} <= 95".to_owned()),
        ("hz", Value, Less, 105.5, "loadgate_probe_value{test=\"shop\",probe=\"hz\"} >= 105.5".to_owned()),
        ("hz", Min, Greater, 90.0, "loadgate_probe_min{test=\"shop\",probe=\"hz\"} <= 90".to_owned()),
    ] {
        let rules = rules(&threshold(subject, aggregation, comparison, limit), 0);
        let rule = &rules.rules()[0];
        assert_eq!(rule.crossed.text(), expected);
        let final_values =
            "\nunless on (testid) loadgate_run_final == 0\nand on (testid) loadgate_run_final == 1";
        assert_eq!(rule.last.text(), format!("{expected}{final_values}"));
        assert!(rule.abort.is_none());
    }
}

#[test]
fn a_threshold_that_aborts_is_a_second_rule_that_waits_for_its_delay_and_the_warmup() {
    let rate = threshold("http_req_failed", Rate, Less, 0.01);
    for (warmup_secs, delay_ms, guard) in [(0, 0, "0"), (0, 10_000, "10"), (30, 10_500, "40.5")] {
        let abort_after = Some(Duration::from_millis(delay_ms));
        let rules = rules(&Threshold { abort_after, ..rate.clone() }, warmup_secs);
        let rule = &rules.rules()[0];
        let abort = rule.abort.as_ref().unwrap().text();
        let guard = format!("and on (testid) loadgate_run_elapsed_seconds > {guard}");
        assert_eq!(abort, format!("{}\n{guard}", rule.crossed.text()));
        let file = rules.rule_file();
        assert_eq!(file.matches("- alert:").count(), 2, "{file}");
        assert!(file.contains(&format!("          {guard}\n        labels:\n          severity: \"critical\"\n          gate: \"fail\"\n          abort: \"true\"\n")), "{file}");
    }
}

#[test]
fn with_a_warmup_the_rate_of_a_counter_is_over_the_judged_seconds_and_prometheus_asks_what_was_found() {
    let rules = rules(&threshold("http_reqs", Rate, Less, 10.0), 20);
    let text = rules.rules()[0].crossed.text();
    let judged = "/ (max by (testid) (loadgate_run_elapsed_seconds{test=\"shop\"} - 20) > 0) >= 10";
    assert!(text.ends_with(judged), "{text}");
    let file = rules.rule_file();
    let labels = "{test=\"shop\",metric=\"http_reqs\",threshold=\"the threshold\"}";
    let asked =
        format!("loadgate_threshold_value{labels}\n          and loadgate_threshold_ok{labels} == 0\n");
    assert!(file.contains(&asked), "{file}");
    assert!(file.contains("# The plan has a warmup of 20s, and exported counters hold"), "{file}");
    assert!(!file.contains("k6_http_reqs_total"), "{file}");
}

#[test]
fn a_threshold_that_stands_twice_is_one_rule() {
    let one = threshold("http_reqs", Count, Less, 10.0);
    let catalog = catalog();
    let scope = Scope { test: "shop", catalog: &catalog, probes: &[], warmup: Duration::ZERO };
    let rules = ThresholdRules::compile(&[one.clone(), one], scope).unwrap();
    assert_eq!(rules.rule_file().matches("- alert: HttpReqsCountTooHigh\n").count(), 1);
}

#[test]
fn a_plan_without_thresholds_is_an_empty_group() {
    let catalog = catalog();
    let scope = Scope { test: "shop", catalog: &catalog, probes: &[], warmup: Duration::ZERO };
    let file = ThresholdRules::compile(&[], scope).unwrap().rule_file();
    assert!(file.ends_with("    interval: 1s\n    rules:\n      []\n"), "{file}");
}

#[test]
fn what_stands_in_braces_is_no_template_of_the_alert() {
    let file = rules(&threshold("http_req_failed{name:/order/{{ id }}", Rate, Less, 0.01), 0).rule_file();
    let read = crate::rules::RuleFile::read("generated.yml", &file)
        .unwrap_or_else(|error| panic!("{error}\n{file}"));
    let metric = read.file.groups[0].rules[0].label("metric").unwrap();
    assert_eq!(metric, r#"http_req_failed{name:/order/{{ "{{" }} id }}"#);
}
