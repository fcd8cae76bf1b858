//! Which tags a threshold may ask for. A counter without a series is 0, so `count<1` over a tag that no series
//! can ever have would hold whatever the target does: such a threshold is refused.

use super::metrics::{demands, nearest};
use crate::config::{PlanConfig, Problem, ThresholdConfig};
use crate::ids::MetricId;
use crate::labels::Labels;
use crate::metric::{Catalog, Protocol};
use crate::record::Registry;

/// Needs the series of all steps, which are there once the scenarios are compiled.
pub(super) fn check(plan: &PlanConfig, registry: &Registry, problems: &mut Vec<Problem>) {
    let catalog = registry.catalog();
    let series: Vec<_> = registry.keys_from(0).into_iter().map(|key| (key.metric, key.labels)).collect();
    for (threshold, _) in demands(plan) {
        // What is no metric is a probe, or was refused before.
        let Some(metric) = catalog.find(&threshold.metric.value.name) else { continue };
        let alike = siblings(metric, catalog);
        let alike: Vec<&Labels> =
            series.iter().filter(|(of, _)| alike(*of)).map(|(_, labels)| labels).collect();
        let tags = &threshold.metric.value.tags;
        problems.extend(tags.iter().filter_map(|(tag, value)| {
            let run_wide = ["test", "testid"].contains(&tag.as_str())
                || plan.tags.iter().any(|(known, _)| known.value == *tag);
            // `{group:}` asks for what is in no group. Unknown scenarios are refused elsewhere.
            let settled = run_wide || value.is_empty() || tag == "scenario" && !alike.is_empty();
            if settled || later_labels(metric, catalog).contains(&tag.as_str()) {
                return None;
            }
            refusal(threshold, tag, value, &alike)
        }));
    }
}

fn refusal(threshold: &ThresholdConfig, tag: &str, value: &str, series: &[&Labels]) -> Option<Problem> {
    let name = &threshold.metric.value.name;
    let values: Vec<&str> = series.iter().filter_map(|labels| labels.value(tag)).collect();
    if values.is_empty() {
        let mut known: Vec<&str> =
            series.iter().flat_map(|labels| labels.iter()).map(|(tag, _)| tag).collect();
        known.sort_unstable();
        known.dedup();
        let help = match known.as_slice() {
            [] => "it has no tag in this plan".to_owned(),
            known => format!("its tags are {}, and what `tags` of the plan name", known.join(", ")),
        };
        let message = format!("no series of `{name}` has the tag `{tag}`");
        return Some(Problem::new(threshold.metric.place, message).help(help));
    }
    // What redirects lead to is asked for by GET; names past `series_limit` become `other`.
    let comes_later = matches!((tag, value), ("method", "GET") | ("name", "other"));
    if comes_later || values.contains(&value) {
        return None;
    }
    let message = format!("no series of `{name}` has the {tag} `{value}`");
    Some(Problem::new(threshold.metric.place, message).help(format!("nearest: {}", nearest(value, values))))
}

/// The metrics whose series have the same tags from the plan as those of `metric`, and are there from the start.
fn siblings(metric: MetricId, catalog: &Catalog) -> impl Fn(MetricId) -> bool {
    let like = protocol_of(metric, catalog).map_or(metric, |protocol| protocol.known);
    move |other| other == like
}

/// The labels that come with what happens, from closed sets.
fn later_labels(metric: MetricId, catalog: &Catalog) -> &'static [&'static str] {
    let Some(protocol) = protocol_of(metric, catalog) else { return &[] };
    let own = protocol.later.iter().find(|(later, _)| *later == metric);
    own.map_or(protocol.later_of_others, |(_, labels)| labels)
}

fn protocol_of(metric: MetricId, catalog: &Catalog) -> Option<&'static Protocol> {
    let definition = catalog.definition(metric);
    Protocol::of(&definition.name).filter(|_| !definition.custom)
}
