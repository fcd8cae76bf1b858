//! Custom metrics, and thresholds over metrics and probes.

use std::collections::HashMap;

use crate::aggregate::{Selector, exported_names};
use crate::config::{self, At, MetricConfig, MetricKind, PlanConfig, Problem, ThresholdConfig};
use crate::ids::MetricId;
use crate::metric::{Catalog, Kind, Unit};
use crate::record::quantile_of_percent;
use crate::rules::{Aggregation, Level, Objective, Subject, Threshold};

pub(super) fn catalog(metrics: &[MetricConfig], problems: &mut Vec<Problem>) -> Catalog {
    let mut catalog = Catalog::default();
    let mut exported: HashMap<String, String> = HashMap::new();
    for (_, definition) in catalog.iter() {
        exported.extend(exported_names(definition).into_iter().map(|name| (name, definition.name.clone())));
    }
    for MetricConfig { name, kind, time } in metrics {
        let kind = match kind {
            MetricKind::Counter => Kind::Counter,
            MetricKind::Gauge => Kind::Gauge,
            MetricKind::Rate => Kind::Rate,
            MetricKind::Trend => Kind::Trend,
        };
        let unit = if *time { Unit::Time } else { Unit::Plain };
        let Some(id) = catalog.declare(&name.value, kind, unit) else {
            let message = format!("`{}` is the name of a built-in metric", name.value);
            problems.push(Problem::new(name.place, message).help("choose another name"));
            continue;
        };
        let own = exported_names(catalog.definition(id));
        if let Some((taken, other)) = own.iter().find_map(|name| exported.get_key_value(name)) {
            let message = format!("`{}` would be exported as `{taken}`, and so is `{other}`", name.value);
            problems.push(Problem::new(name.place, message).help("choose another name"));
        }
        exported.extend(own.into_iter().map(|exported| (exported, name.value.clone())));
    }
    catalog
}

pub(super) fn thresholds(
    plan: &PlanConfig,
    catalog: &Catalog,
    problems: &mut Vec<Problem>,
) -> Vec<Threshold> {
    let mut compiled = Vec::new();
    for (threshold, objective) in demands(plan) {
        match compile(threshold, plan, catalog) {
            Ok(threshold) => compiled.push(Threshold { objective, ..threshold }),
            Err(problem) => problems.push(problem),
        }
    }
    compiled
}

/// Thresholds, then the levels of objectives.
pub(super) fn demands(plan: &PlanConfig) -> impl Iterator<Item = (&ThresholdConfig, Option<Objective>)> {
    let objectives = plan.slo.iter().flat_map(|slo| {
        let of = |level| Some(Objective { name: slo.name.value.clone(), level });
        let target = (&slo.target, of(Level::Target));
        [target].into_iter().chain(slo.critical.iter().map(move |critical| (critical, of(Level::Critical))))
    });
    plan.thresholds.iter().map(|threshold| (threshold, None)).chain(objectives)
}

/// A histogram bound lies on the limit of each percentile threshold.
pub(super) fn bounds(thresholds: &[Threshold]) -> Vec<(MetricId, f64)> {
    let bound = |threshold: &Threshold| match (&threshold.subject, threshold.aggregation) {
        (Subject::Metric(selector), Aggregation::Quantile(_)) => Some((selector.metric, threshold.limit)),
        _ => None,
    };
    thresholds.iter().filter_map(bound).collect()
}

fn compile(threshold: &ThresholdConfig, plan: &PlanConfig, catalog: &Catalog) -> Result<Threshold, Problem> {
    let (subject, kind, unit) = subject(threshold, plan, catalog)?;
    let aggregation = aggregation(threshold, kind)?;
    if kind == Some(Kind::Rate) && !(0.0..=1.0).contains(&threshold.limit) {
        let message = format!("`{}` compares a share, which is from 0 to 1", threshold.source.value);
        return Err(Problem::new(threshold.source.place, message).help("as in `rate<0.01` or `rate<1%`"));
    }
    let scaled = !matches!(aggregation, Aggregation::Count | Aggregation::Rate);
    let limit = match (threshold.unit_secs, unit) {
        (Some(secs), Unit::Time) if scaled => (threshold.limit * secs * 1e9).round(),
        (None, Unit::Time) if scaled => unit.recorded(threshold.limit),
        (None, _) => threshold.limit,
        (Some(_), _) => {
            let message = format!("`{}` is no time, so its limit has no unit", threshold.metric.value.name);
            return Err(Problem::new(threshold.source.place, message).help("write the number alone"));
        }
    };
    Ok(Threshold {
        name: written(threshold),
        source: threshold.source.value.clone(),
        subject,
        aggregation,
        comparison: threshold.comparison,
        limit,
        abort_after: threshold.abort_on_fail.then_some(threshold.delay_abort_eval),
        objective: None,
    })
}

/// `None` as the kind stands for a probe.
fn subject(
    threshold: &ThresholdConfig,
    plan: &PlanConfig,
    catalog: &Catalog,
) -> Result<(Subject, Option<Kind>, Unit), Problem> {
    let selector = &threshold.metric.value;
    let probe = |name: &str| plan.probes.iter().position(|probe| probe.name.value == name);
    let probe_unit = |at| Ok((Subject::Probe(at), None, Unit::Plain));
    // A spelling of S1's seed: `checks{type:hz}: avg>95` means the probe `hz`.
    if let ("checks", [(tag, name)], false) =
        (selector.name.as_str(), selector.tags.as_slice(), threshold.aggregation == config::Aggregation::Rate)
        && tag == "type"
        && let Some(at) = probe(name)
    {
        return probe_unit(at);
    }
    if let Some(at) = probe(&selector.name) {
        if !selector.tags.is_empty() {
            return Err(Problem::new(threshold.metric.place, "a probe has no tags")
                .help("write them into the probe's query: `name{label=\"value\"}`"));
        }
        return probe_unit(at);
    }
    let Some(metric) = catalog.find(&selector.name) else {
        return Err(unknown(&threshold.metric, plan, catalog));
    };
    let definition = catalog.definition(metric);
    if let Some((tag, value)) =
        selector.tags.iter().find(|(tag, value)| is_unknown_scenario(tag, value, plan))
    {
        let names: Vec<&str> = plan.scenarios.iter().map(|scenario| scenario.name.value.as_str()).collect();
        return Err(Problem::new(threshold.metric.place, format!("there is no {tag} `{value}`"))
            .help(format!("expected one of {}", names.join(", "))));
    }
    let tags = selector.tags.iter().map(|(tag, value)| (tag.as_str(), value.as_str()));
    Ok((Subject::Metric(Selector::new(metric, tags)), Some(definition.kind), definition.unit))
}

fn is_unknown_scenario(tag: &str, value: &str, plan: &PlanConfig) -> bool {
    tag == "scenario"
        && !value.is_empty()
        && !plan.scenarios.iter().any(|scenario| scenario.name.value == value)
}

fn unknown(metric: &At<config::MetricSelector>, plan: &PlanConfig, catalog: &Catalog) -> Problem {
    let wanted = &metric.value.name;
    let probes = plan.probes.iter().map(|probe| probe.name.value.as_str());
    let known = catalog.iter().map(|(_, known)| known.name.as_str()).chain(probes).collect();
    Problem::new(metric.place, format!("there is no metric or probe `{wanted}`"))
        .help(format!("nearest: {}", nearest(wanted, known)))
}

/// The three names most like the one that was not found.
pub(super) fn nearest(wanted: &str, mut known: Vec<&str>) -> String {
    known.sort_by(|a, b| {
        let likeness = |name| strsim::jaro_winkler(wanted, name);
        likeness(b).total_cmp(&likeness(a)).then_with(|| a.cmp(b))
    });
    known.dedup();
    known.truncate(3);
    known.join(", ")
}

/// k6's table of which kind of metric has which aggregation.
fn aggregation(threshold: &ThresholdConfig, kind: Option<Kind>) -> Result<Aggregation, Problem> {
    use config::Aggregation as Written;
    let (fits, expected) = match kind {
        Some(Kind::Counter) => {
            (matches!(threshold.aggregation, Written::Count | Written::Rate), "count or rate")
        }
        Some(Kind::Gauge) => (matches!(threshold.aggregation, Written::Value), "value"),
        Some(Kind::Rate) => (matches!(threshold.aggregation, Written::Rate), "rate"),
        Some(Kind::Trend) => (
            matches!(
                threshold.aggregation,
                Written::Avg | Written::Min | Written::Max | Written::Med | Written::Percentile(_)
            ),
            "avg, min, max, med or p(N)",
        ),
        None => (
            matches!(threshold.aggregation, Written::Avg | Written::Min | Written::Max | Written::Value),
            "avg, min, max or value",
        ),
    };
    if !fits {
        let kind = kind.map_or("probe", Kind::name);
        let message = format!("`{}` does not fit a {kind}", threshold.source.value);
        return Err(Problem::new(threshold.source.place, message).help(format!("a {kind} has {expected}")));
    }
    Ok(match threshold.aggregation {
        Written::Count => Aggregation::Count,
        Written::Rate => Aggregation::Rate,
        Written::Value => Aggregation::Value,
        Written::Avg => Aggregation::Avg,
        Written::Min => Aggregation::Min,
        Written::Max => Aggregation::Max,
        Written::Med => Aggregation::Quantile(0.5),
        Written::Percentile(percent) => Aggregation::Quantile(quantile_of_percent(percent)),
    })
}

/// The metric as k6 writes it: `name{tag:value,tag2:value}`.
fn written(threshold: &ThresholdConfig) -> String {
    let selector = &threshold.metric.value;
    if selector.tags.is_empty() {
        return selector.name.clone();
    }
    let tags: Vec<String> = selector.tags.iter().map(|(tag, value)| format!("{tag}:{value}")).collect();
    format!("{}{{{}}}", selector.name, tags.join(","))
}
