//! The whole plan, in the order in which its parts need each other.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::files::Files;
use super::procedure::Procedures;
use super::reach::{Hosts, Reach};
use super::{
    Plan, chaos, data, hooks, metrics, procedure, rules, scenario, schedule, target, threshold_tags, verify,
};
use crate::config::{Loaded, PlanConfig, Problems};
use crate::executor::Segment;
use crate::labels::Labels;
use crate::record::Registry;
use crate::template::Names;

/// Compiles what was read. Files that the plan names are looked for beside `base`, the plan's folder.
///
/// # Errors
/// Everything that is wrong, each with its place in the file.
pub fn compile(loaded: &Loaded, base: &Path) -> Result<Plan, Problems> {
    compile_within(loaded, base, &Reach::default())
}

/// As [`compile`], for load that may go so far.
///
/// # Errors
/// As [`compile`].
pub fn compile_within(loaded: &Loaded, base: &Path, reach: &Reach) -> Result<Plan, Problems> {
    with(loaded, Files::beside(base), reach).0
}

/// As [`compile_within`], with files from wherever they are; answers with them, too.
pub(super) fn with(loaded: &Loaded, mut files: Files, reach: &Reach) -> (Result<Plan, Problems>, Files) {
    let plan = &loaded.config;
    files.hosts = Hosts::of(plan);
    files.redactor = Arc::clone(&loaded.redactor);
    let mut problems = loaded.problems.clone();
    let catalog = metrics::catalog(&plan.metrics, &mut problems);
    let thresholds = metrics::thresholds(plan, &catalog, &mut problems);
    let threshold_rules = rules::of_thresholds(&thresholds, plan, &catalog, &mut problems);
    let registry = Registry::new(Arc::new(catalog), &metrics::bounds(&thresholds), plan.series_limit);
    let names = Names::new(plan.vars.iter().map(|(name, _)| name.clone()));
    let mut procedures = Procedures { defaults: &plan.defaults, files: &mut files, problems: &mut problems };
    let mut hooks = hooks::compile(plan, &names, &mut procedures);
    let mut faults = chaos::compile(plan, &names, &mut procedures);
    let (mut preflight, _) = procedures.compile("preflight", &plan.preflight, None, &names);
    let (mut setup, names) = procedures.compile("setup", &plan.setup, Some(plan.setup_timeout), &names);
    let verifications = verify::compile(plan, &loaded.source, &mut procedures, &names);
    let (mut teardown, _) =
        procedures.compile("teardown", &plan.teardown, Some(plan.teardown_timeout), &names);
    for step in [&mut preflight, &mut setup, &mut teardown].into_iter().flat_map(|it| &mut it.steps) {
        // It will stand in messages.
        step.what = loaded.redactor.redact(&step.what);
    }
    let broken = faults.iter_mut().flat_map(|fault| fault.act.iter_mut().chain(&mut fault.undo));
    for action in hooks.on_failure.iter_mut().chain(&mut hooks.always).chain(broken) {
        action.hide(&loaded.source);
    }
    let data = data::read(&plan.data, &mut files, &names, &mut problems);
    let before = problems.len();
    let mut from = scenario::Sources { plan, registry: &registry, data: &data, files };
    let mut next_step = 0;
    let scenarios: Vec<_> = plan
        .scenarios
        .iter()
        .enumerate()
        .map(|(at, config)| Arc::new(scenario::compile(at, config, &mut from, &mut next_step, &mut problems)))
        .collect();
    preflight.steps.extend(procedure::descriptions(&from.files.services, &loaded.redactor));
    let ledgers = from.files.ledgers.plans(&registry, &mut problems);
    // Only then are all series there that thresholds may ask for.
    let sound = loaded.problems.is_empty() && problems.len() == before;
    schedule::check(plan, &scenarios, &mut problems);
    if sound {
        threshold_tags::check(plan, &registry, &mut problems);
    }
    let scrapes = target::scrapes(plan, &mut from.files.hosts, &mut problems);
    let targets = from.files.hosts.targets();
    let settings = target::settings(plan, reach, &mut from.files, &mut problems);
    let named = rules::named(plan, &mut from.files, &mut problems);
    if sound {
        rules::check(plan, &named, schedule::planned(&scenarios), &mut problems);
    }
    if problems.is_empty() {
        let planned = schedule::planned(&scenarios);
        chaos::check(plan, &named.files, planned, &mut problems);
        rules::check_memory(plan, &named, &registry, &scrapes, planned, &mut problems);
    }
    let probes = target::probes(plan, &mut problems);
    let files = from.files;
    let compiled = match (settings, threshold_rules) {
        (Some(settings), Some(threshold_rules)) if problems.is_empty() && named.problems.is_empty() => {
            Ok(Plan {
                name: Arc::from(plan.name.value.as_str()),
                tags: Labels::new(
                    plan.tags.iter().map(|(name, value)| (name.value.as_str(), value.value.as_str())),
                ),
                registry: Arc::new(registry),
                settings: Arc::new(settings),
                targets,
                vars: scenario::template_values(&plan.vars),
                scrapes,
                probes,
                preflight,
                setup,
                settle: plan.settle,
                verifications,
                teardown,
                hooks,
                faults,
                programs: hooks::programs(loaded),
                source: Arc::clone(&loaded.source),
                warmup: plan.warmup.value,
                scenarios,
                ledgers,
                segment: Segment::WHOLE,
                drain: plan.drain.unwrap_or_else(|| longest_graceful_stop(plan)),
                thresholds,
                threshold_rules,
                rule_files: named.files,
                max_requests_per_sec: plan.limits.rps,
                max_dropped: plan.limits.max_dropped,
                keep_cookies: plan.defaults.no_cookies_reset,
                retain_series: plan.retain_series,
                redactor: Arc::clone(&loaded.redactor),
            })
        }
        _ => Err(Problems::new(Arc::clone(&loaded.source), problems).and(named.problems)),
    };
    (compiled, files)
}

/// Without a `drain` of its own, a plan cuts off no scenario's graceful stop.
fn longest_graceful_stop(plan: &PlanConfig) -> Duration {
    plan.scenarios.iter().map(|scenario| scenario.graceful_stop).max().unwrap_or_default()
}
