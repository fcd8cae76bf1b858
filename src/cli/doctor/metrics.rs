//! The target's `/metrics`: whether they can be scraped, and hold what the plan's probes ask for.

use std::collections::BTreeSet;

use super::finding::Finding;
use crate::plan::Plan;
use crate::promql::{MatchKind, Options, Query};
use crate::rules::nearest_metrics;
use crate::run::scrape_targets;
use crate::scrape::once;
use crate::time::Clock;

const SCRAPE: &str = "scrape";
const PROBE: &str = "probe";

pub(super) async fn check(plan: &Plan) -> Vec<Finding> {
    let clock = Clock::start();
    let mut findings = Vec::new();
    let mut names = BTreeSet::new();
    let mut whole = true;
    for target in scrape_targets(plan) {
        let scrape = once(&target, &clock).await;
        let (job, instance) = (&target.job, target.instance());
        match scrape.result {
            Ok(families) => {
                findings
                    .push(Finding::ok(SCRAPE, format!("{job} ({instance}) has {} samples", scrape.samples)));
                for family in families {
                    family.each_sample(|name, _, _| {
                        names.insert(name.to_owned());
                    });
                }
            }
            Err(error) => {
                whole = false;
                let url = plan.redactor.redact(&crate::notify::shown_url(&target.url));
                findings.push(Finding::problem(
                    SCRAPE,
                    plan.redactor.redact(&format!("{job} ({instance}): {error}")),
                    format!("curl -i {url}"),
                ));
            }
        }
    }
    for probe in plan.probes.iter().filter(|_| whole) {
        findings.extend(missing(&probe.name, &probe.query, &names));
    }
    findings
}

/// A probe whose metric nobody has.
fn missing(probe: &str, query: &Query, names: &BTreeSet<String>) -> Option<Finding> {
    let selectors = query.selectors(&Options::default());
    let wanted = selectors.iter().filter_map(|selector| {
        let name = selector.matchers.iter().find(|matcher| matcher.label == "__name__")?;
        (name.kind == MatchKind::Equal).then_some(name.value.as_str())
    });
    // Our own series are made by the run, and `up` and its like by the scrape.
    let made = |name: &str| {
        name.starts_with("k6_")
            || name.starts_with("loadgate_")
            || name.starts_with("scrape_")
            || name == "up"
    };
    let missing: Vec<&str> = wanted.filter(|name| !made(name) && !names.contains(*name)).collect();
    let first = missing.first()?;
    let near = nearest_metrics(first, names.iter().map(String::as_str));
    let near = if near.is_empty() { "none".to_owned() } else { near.join(", ") };
    let what = format!("`{probe}` asks for `{first}`, which no target exposes; the nearest are: {near}");
    Some(Finding::problem(
        PROBE,
        what,
        "name one of these in the plan's `probes`, or switch the metric on in the service",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_that_nobody_exposes_is_told_with_the_nearest() {
        let names: BTreeSet<String> = ["backend_loop_hertz", "backend_up"].map(str::to_owned).into();
        let found =
            |query: &str| missing("hz", &Query::parse(query).unwrap(), &names).map(|finding| finding.what);
        assert_eq!(found("backend_up"), None);
        assert_eq!(found("up"), None);
        assert_eq!(found("rate(k6_http_reqs_total[1m])"), None);
        let told = found("avg(backend_loop_hz{job=\"a\"})").unwrap();
        assert!(
            told.contains("`hz` asks for `backend_loop_hz`")
                && told.contains("backend_loop_hertz, backend_up"),
            "{told}"
        );
    }
}
