//! What dashboards and documents name exists, and what exists is shown somewhere, or stands in a list that says why not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use loadgate::aggregate::exported_names;
use loadgate::exposition::{Format, Limits, parse};
use loadgate::family::{Family, FamilyKind};
use loadgate::metric::Catalog;
use loadgate::promql::Query;
use regex::Regex;
use tempfile::TempDir;

use super::dashboards;
use super::expressions::{asked, selected, telling_scope, variables};
use crate::stage::{Daemon, demo_target, get, write_config};

/// Names of metrics that are neither loadgate's own nor the demo target's.
const OTHERS: [(&str, &str); 7] = [
    ("kube_deployment_spec_replicas", "of kube-state-metrics"),
    ("kube_deployment_status_replicas_available", "of kube-state-metrics"),
    ("ALERTS", "of whoever evaluates the rules"),
    ("up", "of every scrape"),
    ("scrape_duration_seconds", "of every scrape"),
    ("k6_message_response_time_seconds", "recorded by the chat plans"),
    ("k6_ws_event_latency_ms", "recorded by config/plans/pulse-websocket.yml"),
];

/// Families that no dashboard shows: the pattern of their names, and why.
const NOT_SHOWN: [(&str, &str); 9] = [
    (
        "k6_.+_(avg|med|p90|p95|p99)",
        "cannot be added up, nor averaged: percentiles are made of the histogram beside them",
    ),
    ("k6_.+_min", "the least of anything is the luck of one sample"),
    ("k6_.+_max", "of the whole run and one label set; shown where a longest is asked for"),
    ("k6_.+_rate", "since the run began; what happens now is made of the counter beside it"),
    ("k6_(orders|sold)_total|k6_(price|reply_time_seconds|stock)", "declared by the plan of the golden test"),
    ("process_(start_time_seconds|threads|virtual_memory_bytes)", "say nothing of how a run went"),
    (
        "loadgate_run_paused_seconds_total",
        "in the time of a run and its end; the page shows pauses as they happen",
    ),
    ("loadgate_notify_queue_capacity", "a constant"),
    (
        "backend_(events|event|orders|stock|cloudevents|grpc_calls|unroutable|ws_subscriptions|ws_requests|chat_messages).*",
        "what the demo target counts of its own; a service of yours has others",
    ),
];

/// Stands in documents for any metric.
const MADE_UP: [&str; 2] = ["k6_x_seconds_bucket", "k6_x_seconds_count"];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// (name of the family, whether it is a histogram)
type Families = BTreeSet<(String, bool)>;

fn families(of: &[Family]) -> Families {
    of.iter().map(|family| (family.name.clone(), family.kind == FamilyKind::Histogram)).collect()
}

fn scraped(address: std::net::SocketAddr) -> Families {
    families(&parse(&get(address, "").1, Format::Text, &Limits::default()).unwrap().families)
}

/// The built-in ones, whether or not a run has any of them.
fn built_in() -> Families {
    let catalog = Catalog::default();
    let names: Vec<String> = catalog.iter().flat_map(|(_, definition)| exported_names(definition)).collect();
    let is_histogram = |name: &str| names.contains(&format!("{name}_bucket"));
    let is_part = |name: &str| {
        ["_bucket", "_sum", "_count"].iter().any(|part| name.strip_suffix(part).is_some_and(is_histogram))
    };
    let families = names.iter().filter(|name| !is_part(name));
    families.map(|name| (name.clone(), is_histogram(name))).collect()
}

/// Of runs (with all that makes a metric), of a daemon that notifies, has a schedule and has verified a run, and of the
/// demo target.
fn exported() -> Families {
    let golden = read("tests/golden/metrics-families.txt");
    let mut all: Families = golden
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .map(|words| (words[0].to_owned(), words[1] == "histogram"))
        .collect();
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("plans")).unwrap();
    let plan = "name: nightly\nscenarios: {s: {executor: constant-vus, duration: 1s, flow: [{sleep: 1s}]}}\n\
                verify: [{metrics: {query: vector(1), at_least: 1}}]\n";
    fs::write(folder.path().join("plans/nightly.yml"), plan).unwrap();
    let config = "alertmanager: {urls: ['http://127.0.0.1:1']}\n\
                  schedules: [{plan: nightly, cron: '0 3 1 1 *', timezone: UTC}]\n";
    write_config(&folder, config);
    let daemon = Daemon::on(folder, None);
    let run = daemon.submit("nightly");
    daemon.wait(&run, "finished");
    let own = daemon.until(
        || {
            Some(scraped(daemon.address))
                .filter(|own| own.iter().any(|(name, _)| name == "loadgate_last_verdict"))
        },
        "the daemon's own metrics",
    );
    all.extend(own);
    all.extend(built_in());
    all.extend(scraped(demo_target(&[]).address));
    all
}

/// Names of samples: of a histogram three.
fn samples(families: &Families) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, is_histogram) in families {
        let suffixes = if *is_histogram { &["_bucket", "_sum", "_count"][..] } else { &[""] };
        names.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    let catalog = Catalog::default();
    names.extend(catalog.iter().flat_map(|(_, definition)| exported_names(definition)));
    names
}

/// Names in expressions of panels and annotations, and in what pickers select.
fn named() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for dashboard in dashboards() {
        let scope = telling_scope(&dashboard);
        let texts = asked(&dashboard).into_iter().map(|one| one.text);
        for text in texts.chain(variables(&dashboard).into_iter().map(|(_, selector, _)| selector)) {
            let query = Query::parse(&scope.expression(&text)).unwrap();
            names.extend(selected(query.expr()).into_iter().map(|selected| selected.name));
        }
    }
    names
}

#[test]
fn every_metric_on_a_dashboard_exists_and_every_metric_is_on_one() {
    let (exported, named) = (exported(), named());
    let known = samples(&exported);
    let mut others: BTreeSet<&str> = OTHERS.iter().map(|(name, _)| *name).collect();
    for name in &named {
        let other = OTHERS.iter().find(|(other, _)| name.trim_end_matches("_bucket") == *other);
        assert!(known.contains(name) || other.is_some(), "there is no {name}");
        if let Some((other, _)) = other {
            assert!(!known.contains(name), "{name} exists, and needs no reason");
            others.remove(other);
        }
    }
    assert!(others.is_empty(), "on the list, and on no dashboard: {others:?}");

    let mut unused: BTreeSet<&str> = NOT_SHOWN.iter().map(|(pattern, _)| *pattern).collect();
    let mut missing = Vec::new();
    for (family, is_histogram) in &exported {
        let shown =
            if *is_histogram { named.contains(&format!("{family}_bucket")) } else { named.contains(family) };
        if shown {
            continue;
        }
        let reason = NOT_SHOWN.iter().find(|(pattern, _)| is_whole(pattern, family));
        match reason {
            Some((pattern, _)) => drop(unused.remove(pattern)),
            None => missing.push(family),
        }
    }
    assert!(missing.is_empty(), "on no dashboard: {missing:#?}");
    assert!(unused.is_empty(), "on the list, and nothing is called so: {unused:#?}");
}

fn is_whole(pattern: &str, name: &str) -> bool {
    Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(name)
}

/// What documents call a metric, as they write it: `k6_NAME_total`, `loadgate_threshold_{value,limit,ok}`, `loadgate_fault_*`.
#[test]
fn every_metric_in_a_document_exists() {
    let known = samples(&exported());
    let families: BTreeSet<String> = exported().into_iter().map(|(name, _)| name).collect();
    let word = Regex::new(
        r"\b(?:k6|loadgate|backend)_[a-z0-9_]*[a-z0-9](?:_?\{[a-z0-9_,]+\}(?:_[a-z_]+)?)?(?:_\*)?",
    )
    .unwrap();
    let mut missing = Vec::new();
    for document in ["README.md", "alerting/README.md", "docs/reference.md", "docs/dashboards.md"] {
        let text = read(document);
        let mut checked = 0;
        for found in word.find_iter(&text) {
            let rest = &text[found.end()..];
            // A folder, a file, a name that is made up, or the beginning of one.
            if rest.starts_with(['/', '_', '$', 'A', 'N']) || rest.starts_with(".y") {
                continue;
            }
            checked += 1;
            for name in alternatives(found.as_str()) {
                let exists = known.contains(&name)
                    || families.contains(&name)
                    || OTHERS.iter().any(|(other, _)| *other == name)
                    || MADE_UP.contains(&&*name);
                if !exists {
                    missing.push(format!("{document}: there is no {name} (`{}`)", found.as_str()));
                }
            }
        }
        assert!(checked > 0, "{document} names no metric");
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// `a_{b,c}` is `a_b` and `a_c`; `a{b}` is `a`, with a label.
fn alternatives(written: &str) -> Vec<String> {
    let Some((start, rest)) = written.split_once('{') else { return vec![written.to_owned()] };
    let (inside, end) = rest.split_once('}').unwrap();
    if !start.ends_with('_') {
        return vec![start.to_owned()];
    }
    inside.split(',').map(|one| format!("{start}{one}{end}")).collect()
}
