//! The whole plan, in the order in which its parts need each other.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::steps::{Reads, Steps};
use super::{Plan, Preflight, PreflightStep, data, metrics, scenario, target};
use crate::config::{Loaded, PlanConfig, Problem, Problems, StepConfig};
use crate::executor::Segment;
use crate::flow::ScenarioSeries;
use crate::labels::Labels;
use crate::metric::Catalog;
use crate::record::Registry;
use crate::template::{Names, Value};

/// Compiles what was read. Files that the plan names are looked for beside `base`, the plan's folder.
///
/// # Errors
/// Everything that is wrong, each with its place in the file.
pub fn compile(loaded: &Loaded, base: &Path) -> Result<Plan, Problems> {
    let plan = &loaded.config;
    let mut problems = loaded.problems.clone();
    let catalog = metrics::catalog(&plan.metrics, &mut problems);
    let thresholds = metrics::thresholds(plan, &catalog, &mut problems);
    let registry = Registry::new(Arc::new(catalog), &metrics::bounds(&thresholds), plan.series_limit);
    let names = Names::new(plan.vars.iter().map(|(name, _)| name.clone()));
    let data = data::read(&plan.data, base, &names, &mut problems);
    let mut next_step = 0;
    let scenarios: Vec<_> = plan
        .scenarios
        .iter()
        .enumerate()
        .map(|(at, config)| {
            let (defaults, next, problems) = (&plan.defaults, &mut next_step, &mut problems);
            Arc::new(scenario::compile(at, config, &registry, defaults, &data, next, problems))
        })
        .collect();
    let preflight = preflight(plan, &names, &mut problems);
    let settings = target::settings(plan, base, &mut problems);
    let scrapes = target::scrapes(plan, &mut problems);
    let probes = target::probes(plan, &mut problems);
    match settings {
        Some(settings) if problems.is_empty() => Ok(Plan {
            name: Arc::from(plan.name.value.as_str()),
            tags: Labels::new(
                plan.tags.iter().map(|(name, value)| (name.value.as_str(), value.value.as_str())),
            ),
            registry: Arc::new(registry),
            settings: Arc::new(settings),
            vars: Value::from_pairs(
                plan.vars.iter().map(|(name, value)| (name.as_str(), template_value(value))),
            ),
            scrapes,
            probes,
            preflight,
            scenarios,
            segment: Segment::WHOLE,
            drain: plan.drain.unwrap_or_else(|| longest_graceful_stop(plan)),
            thresholds,
            max_dropped: plan.limits.max_dropped,
            retain_series: plan.retain_series,
        }),
        _ => Err(Problems::new(Arc::clone(&loaded.source), problems)),
    }
}

/// Preflight requests are counted apart: they are no part of the load.
fn preflight(plan: &PlanConfig, names: &Names, problems: &mut Vec<Problem>) -> Preflight {
    let registry = Arc::new(Registry::new(Arc::new(Catalog::default()), &[], plan.series_limit));
    let labels = Labels::new([("scenario", "preflight")]);
    let series = ScenarioSeries::new(&registry, &labels);
    let mut next_id = 0;
    let mut steps = Steps {
        registry: &registry,
        defaults: &plan.defaults,
        problems,
        next_id: &mut next_id,
        names: names.clone(),
        labels,
        group: String::new(),
        exchanged: false,
        reads: Reads::default(),
        kept: Reads { anything: true, body: true, ..Reads::default() },
    };
    let mut compiled = Vec::new();
    for step in &plan.preflight {
        let StepConfig::Http(http) = &step.value else {
            let problem = Problem::new(step.place, "this step is not supported yet in `preflight`");
            steps.problems.push(problem.help("expected `http`"));
            continue;
        };
        if let Some(step) = steps.http(http) {
            let wait_for = http.wait_for.unwrap_or(Duration::ZERO);
            compiled.push(PreflightStep { what: http.url.value.clone(), step, wait_for });
        }
    }
    Preflight { registry, series, steps: compiled }
}

/// Without a `drain` of its own, a plan cuts off no scenario's graceful stop.
fn longest_graceful_stop(plan: &PlanConfig) -> Duration {
    plan.scenarios.iter().map(|scenario| scenario.graceful_stop).max().unwrap_or_default()
}

/// JSON has nothing that a template's value could not hold.
fn template_value(value: &serde_json::Value) -> Value {
    serde_json::from_value(value.clone()).unwrap_or(Value::UNDEFINED)
}
