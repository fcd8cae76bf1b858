//! What rules and runbooks ask for exists: in the exporter, in the demo target, or on a list with the reason.

use std::collections::{BTreeMap, BTreeSet};

use loadgate::aggregate::exported_names;
use loadgate::exposition::{Format, Limits, parse};
use loadgate::metric::{Catalog, TIME_BOUNDS_SECS};
use loadgate::promql::Query;
use promql_parser::parser::{Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::{alerts, read, runbooks};
use crate::stage::{demo_target, get};

/// Metrics of neither, each with the reason.
const OTHERS: [(&str, &str); 8] = [
    ("up", "of every scrape"),
    ("ALERTS", "of whoever evaluates the rules"),
    ("k6_message_response_time_seconds_bucket", "recorded by the chat plans"),
    ("k6_ws_event_latency_ms_bucket", "recorded by config/plans/pulse-websocket.yml"),
    ("kube_deployment_spec_replicas", "of kube-state-metrics"),
    ("kube_deployment_status_replicas_available", "of kube-state-metrics"),
    ("loadgate_last_success_timestamp_seconds", "of the daemon, not built yet"),
    ("loadgate_last_verdict", "of the daemon, not built yet"),
];

/// On series of the run beside what the golden file lists: the run's own, and the tags that rules go by.
const LABELS: [&str; 8] = ["testid", "test", "suite", "goal", "le", "quantile", "job", "instance"];

#[derive(Default)]
struct Selectors(Vec<VectorSelector>);

impl ExprVisitor for Selectors {
    type Error = ();

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, ()> {
        match expr {
            Expr::VectorSelector(selector) => self.0.push(selector.clone()),
            Expr::MatrixSelector(matrix) => self.0.push(matrix.vs.clone()),
            _ => {}
        }
        Ok(true)
    }
}

fn selectors(query: &Query) -> Vec<VectorSelector> {
    let mut found = Selectors::default();
    walk_expr(&mut found, query.expr()).unwrap();
    found.0
}

/// Each expression with where it stands.
fn expressions() -> Vec<(String, Query)> {
    let rules = alerts().into_iter().map(|(file, rule)| (format!("{file}.yml, {}", rule.name), rule.query));
    rules.chain(runbooks::queries()).collect()
}

/// Sample names with their labels, of what a run exported with everything that makes a metric.
fn exported() -> BTreeMap<String, BTreeSet<String>> {
    let mut names = BTreeMap::new();
    for line in read("tests/golden/metrics-families.txt").lines() {
        let mut parts = line.split(' ');
        let (name, kind) = (parts.next().unwrap(), parts.next().unwrap());
        let labels: BTreeSet<String> = parts.next().unwrap_or("").split(',').map(str::to_owned).collect();
        let suffixes = if kind == "histogram" { &["_bucket", "_sum", "_count"][..] } else { &[""] };
        names.extend(suffixes.iter().map(|suffix| (format!("{name}{suffix}"), labels.clone())));
    }
    names
}

#[test]
fn every_metric_exists() {
    let exported = exported();
    let catalog = Catalog::default();
    let mut known: BTreeSet<String> =
        catalog.iter().flat_map(|(_, definition)| exported_names(definition)).collect();
    known.extend(exported.into_keys());
    let target = demo_target(&[]);
    for family in parse(&get(target.address, "").1, Format::Text, &Limits::default()).unwrap().families {
        family.each_sample(|sample, _, _| {
            known.insert(sample.to_owned());
        });
    }
    let mut others: BTreeSet<&str> = OTHERS.iter().map(|(name, _)| *name).collect();
    assert!(others.iter().all(|name| !known.contains(*name)), "what exists needs no reason");
    for (place, query) in expressions() {
        for selector in selectors(&query) {
            let name = selector.name.clone().unwrap_or_else(|| panic!("{place}: a selector without a name"));
            assert!(
                known.contains(&name) || OTHERS.iter().any(|(other, _)| *other == name),
                "{place}: {name}"
            );
            others.remove(&*name);
        }
    }
    assert!(others.is_empty(), "on the list, and used nowhere: {others:?}");
    let plans =
        ["chat-streaming", "pulse-websocket"].map(|plan| read(format!("config/plans/{plan}.yml"))).concat();
    for recorded in ["message_response_time: {type: trend, time: true}", "ws_event_latency_ms: {type: trend}"]
    {
        assert!(plans.contains(recorded), "{recorded}");
    }
}

#[test]
fn every_label_exists_and_le_is_a_bound() {
    let exported = exported();
    let target = String::from_utf8(get(demo_target(&[]).address, "").1).unwrap();
    for (place, query) in expressions() {
        for selector in selectors(&query) {
            let name = selector.name.clone().unwrap();
            for matcher in &selector.matchers.matchers {
                if let Some(labels) = exported.get(&name) {
                    let exists = labels.contains(&matcher.name) || LABELS.contains(&&*matcher.name);
                    assert!(exists, "{place}: {name} has no label {}", matcher.name);
                }
                if matcher.name == "le" {
                    let bound = TIME_BOUNDS_SECS.iter().any(|bound| format!("{bound:?}") == matcher.value);
                    let of_target = target.contains(&format!("{name}{{le=\"{}\"}}", matcher.value));
                    assert!(bound && name.starts_with("k6_") || of_target, "{place}: le={:?}", matcher.value);
                }
            }
        }
    }
}

/// They cannot be added up, nor averaged.
#[test]
fn no_rule_asks_a_percentile_that_was_made_elsewhere() {
    for (_, rule) in alerts() {
        for selector in selectors(&rule.query) {
            let name = selector.name.unwrap();
            let statistic =
                ["_p90", "_p95", "_p99", "_med", "_avg"].iter().find(|suffix| name.ends_with(**suffix));
            assert!(statistic.is_none(), "{}: {name}", rule.name);
        }
    }
}
