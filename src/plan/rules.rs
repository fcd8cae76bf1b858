//! Rule files that a plan names: read when it is loaded, and refused where they could not decide anything.

use std::path::Path;
use std::time::Duration;

use super::Scrape;
use super::files::Files;
use crate::config::{At, Place, PlanConfig, Problem, Problems};
use crate::metric::{Catalog, Kind};
use crate::record::Registry;
use crate::rules::{AlertRules, Gravity, Origin, RuleFile, Scope, Threshold, ThresholdRules, longest_reach};
use crate::time::span;
use crate::tsdb::{DEFAULT_BUDGET_BYTES, needed_bytes};

/// What the plan's thresholds and objectives mean in PromQL.
pub(super) fn of_thresholds(
    thresholds: &[Threshold],
    plan: &PlanConfig,
    catalog: &Catalog,
    problems: &mut Vec<Problem>,
) -> Option<ThresholdRules> {
    let probes: Vec<String> = plan.probes.iter().map(|probe| probe.name.value.clone()).collect();
    let scope = Scope { test: &plan.name.value, catalog, probes: &probes, warmup: plan.warmup.value };
    let rules = ThresholdRules::compile(thresholds, scope);
    rules
        .map_err(|error| {
            let message = format!("failed to make a rule of a threshold: {error}");
            problems
                .push(Problem::without_place(message).help("this is loadgate's own fault: please report it"));
        })
        .ok()
}

/// What was read under `rules`.
#[derive(Default)]
pub(super) struct Named {
    pub(super) files: Vec<RuleFile>,
    /// Where each of them is named.
    places: Vec<Place>,
    /// What is wrong in the rule files themselves.
    pub(super) problems: Vec<Problems>,
}

pub(super) fn named(plan: &PlanConfig, files: &mut Files, problems: &mut Vec<Problem>) -> Named {
    let mut named = Named::default();
    for pattern in &plan.rules {
        let paths = match files.matching(&pattern.value) {
            Ok(paths) if paths.is_empty() => Err("no file matches it".to_owned()),
            found => found,
        };
        match paths {
            Ok(paths) => paths.iter().for_each(|path| read(path, pattern, files, &mut named, problems)),
            Err(why) => problems.push(Problem::new(pattern.place, format!("`{}`: {why}", pattern.value))),
        }
    }
    named
}

fn read(
    path: &Path,
    pattern: &At<String>,
    files: &mut Files,
    named: &mut Named,
    problems: &mut Vec<Problem>,
) {
    let shown = path.display().to_string();
    if named.files.iter().any(|known| known.path == shown) {
        return;
    }
    let text = files.read(path).and_then(|bytes| {
        String::from_utf8(bytes.into()).map_err(|_| format!("`{shown}` is not text in UTF-8"))
    });
    match text.map(|text| RuleFile::read(&shown, &text)) {
        Ok(Ok(checked)) => {
            named.files.push(checked.file);
            named.places.push(pattern.place);
        }
        Ok(Err(wrong)) => named.problems.push(wrong),
        Err(why) => problems.push(Problem::new(pattern.place, why)),
    }
}

/// Gates that could never fire in the judged window, or that nobody can read.
pub(super) fn check(plan: &PlanConfig, named: &Named, planned: Duration, problems: &mut Vec<Problem>) {
    let judged = planned.saturating_sub(plan.warmup.value);
    let mut refuse = |file: &str, message: String, help: &str| {
        let named = named.files.iter().zip(&named.places).find(|(known, _)| known.path == file);
        let place = named.map(|(_, place)| *place);
        problems.push(Problem { place, message, help: Some(help.to_owned()) });
    };
    let groups = || named.files.iter().flat_map(|file| &file.groups);
    for rule in AlertRules::new(groups().map(|group| (group, Origin::Plan))).iter() {
        let at = format!("the alert `{}` ({}:{})", rule.alert, rule.file, rule.line);
        if rule.gravity != Gravity::None && !rule.fits(judged) {
            let (window, hold, judged) = (span(rule.window), span(rule.hold), span(judged));
            refuse(
                &rule.file,
                format!(
                    "{at} looks back {window} and holds `for` {hold}, but the run is judged for {judged}"
                ),
                "expected a longer run, a shorter window, or the label `gate: none`",
            );
        }
    }
    for (group, rule) in groups().flat_map(|group| group.rules.iter().map(move |rule| (group, rule))) {
        let Some(gate) = rule.label("gate").filter(|_| rule.is_alert()) else { continue };
        if !gate.contains("{{") && !["", "fail", "inconclusive", "none"].contains(&gate) {
            let at = format!("the alert `{}` ({}:{})", rule.name, group.file, rule.line);
            refuse(
                &group.file,
                format!("{at} has the label gate=\"{gate}\""),
                "expected `fail`, `inconclusive` or `none`",
            );
        }
    }
}

/// How many series a target is thought to have, before it was ever asked.
const SERIES_OF_A_TARGET: usize = 1000;
/// Samples of our own series are a second apart.
const OWN_INTERVAL: Duration = Duration::from_secs(1);

/// Rules that look further back than the store can keep all that they might look at, for as long as the run lasts.
pub(super) fn check_memory(
    plan: &PlanConfig,
    named: &Named,
    registry: &Registry,
    scrapes: &[Scrape],
    planned: Duration,
    problems: &mut Vec<Problem>,
) {
    let Some(first) = plan.rules.first() else { return };
    let reach = longest_reach(named.files.iter().flat_map(|file| &file.groups)).min(planned);
    let own = needed_bytes(estimated_series(registry), reach, OWN_INTERVAL);
    let targets = scrapes.iter().map(|scrape| needed_bytes(SERIES_OF_A_TARGET, reach, scrape.interval));
    let needed = targets.fold(own, usize::saturating_add);
    if needed > DEFAULT_BUDGET_BYTES {
        let message = format!(
            "the rules look back {} on what takes some {} MiB to keep, and the store has {} MiB",
            span(reach),
            needed >> 20,
            DEFAULT_BUDGET_BYTES >> 20
        );
        problems
            .push(Problem::new(first.place, message).help("expected shorter windows, or fewer label sets"));
    }
}

/// Of the label sets known before the run; those that come with statuses and error codes are thought to be as many.
fn estimated_series(registry: &Registry) -> usize {
    let of_key = |kind: Kind| match kind {
        Kind::Counter | Kind::Gauge => 1,
        Kind::Rate => 3,
        // Buckets, sum, count, and the extremes.
        Kind::Trend => 22,
    };
    let keys = registry.keys_from(0);
    let known: usize = keys.iter().map(|key| of_key(registry.catalog().definition(key.metric).kind)).sum();
    2 * known
}
