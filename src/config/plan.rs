//! The top of a plan.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::chaos::check_names;
use super::fields::{Element, Fields, Reader, Value, Within};
use super::metric::MetricBody;
use super::node::{Kind, Node};
use super::scenario::Scenarios;
use super::schema::{Schemas, or_filled};
use super::slo::Slos;
use super::target::Probes;
use super::threshold::Thresholds;
use super::value::{
    AtLeast, Constant, Count, EnvironmentName, FilePath, Label, MetricName, Name, PlanName, ProfileName,
    Table, Text, VariableName,
};
use super::{
    At, DataConfig, Defaults, FaultConfig, HooksConfig, Limits, MetricConfig, Place, ProbeConfig,
    ScenarioConfig, ScrapeConfig, SloConfig, StepConfig, ThresholdConfig, VerifyConfig, later,
};

/// A plan as it was written, after `${}` and the profile were filled in. Names in it are not yet resolved.
#[derive(Debug, Clone)]
pub struct PlanConfig {
    /// `[a-z0-9-]+`; the label `test`.
    pub name: At<String>,
    pub description: Option<String>,
    /// On every series of the run.
    pub tags: Vec<(At<String>, At<String>)>,
    /// What `vars.NAME` is in expressions, after filling.
    pub vars: Vec<(String, serde_json::Value)>,
    pub defaults: Defaults,
    pub limits: Limits,
    pub scrape: Vec<ScrapeConfig>,
    pub probes: Vec<ProbeConfig>,
    pub data: Vec<(At<String>, DataConfig)>,
    /// How long load is sent before anything is judged (default 0).
    pub warmup: At<Duration>,
    pub preflight: Vec<At<StepConfig>>,
    /// Done once before the load; what it captures every VU sees.
    pub setup: Vec<At<StepConfig>>,
    /// Default 60 s, as in k6.
    pub setup_timeout: Duration,
    pub scenarios: Vec<ScenarioConfig>,
    /// How long the run may take to end after the last scenario has; `None`: the longest graceful stop.
    pub drain: Option<Duration>,
    /// How long after the load its traces are left alone before `verify` (default 0).
    pub settle: Duration,
    /// What is asked once the load is over, in this order.
    pub verify: Vec<At<VerifyConfig>>,
    /// Done once at the end, whatever became of the load.
    pub teardown: Vec<At<StepConfig>>,
    /// Default 60 s, as in k6.
    pub teardown_timeout: Duration,
    /// Done when the verdict is known.
    pub hooks: HooksConfig,
    /// In the order of the file, not of time.
    pub chaos: Vec<FaultConfig>,
    pub metrics: Vec<MetricConfig>,
    pub thresholds: Vec<ThresholdConfig>,
    pub slo: Vec<SloConfig>,
    /// Rule files: paths from the plan's folder, or patterns.
    pub rules: Vec<At<String>>,
    /// How long `/metrics` keeps the final values (default 5 m).
    pub retain_series: Duration,
    /// Label sets per metric (default 200); past it `name` becomes `other`.
    pub series_limit: usize,
}

impl Element for PlanConfig {
    const NAME: &'static str = "plan";
    const HELP: &'static str = "What load to send, what to scrape meanwhile and what must hold";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let name = f.required::<At<Name<PlanName>>>("name", "The plan's name: the label `test`");
        let description = f.optional::<Text>("description", "What the plan is for");
        let tags = f.or_empty::<Table<Label, At<Constant>>>("tags", "On every series of the run");
        let vars = f.or_empty::<Table<EnvironmentName, VariableValue>>(
            "vars",
            "What `${NAME}` may stand for; `null` = required",
        );
        f.known(
            "default_profile",
            "The profile taken when the command line names none; `${SCENARIO}` lets a variable name it",
            |schemas| or_filled(Name::<ProfileName>::schema(schemas)),
        );
        f.known(
            "profiles",
            "Changes to the plan, merged into it by JSON Merge Patch (RFC 7396)",
            profiles_schema,
        );
        let defaults = f.or_all_defaults("defaults", "For every exchange; a step may override");
        let limits = f.or_all_defaults("limits", "Of the generator, beside the daemon's");
        let scrape =
            f.or_empty::<Vec<ScrapeConfig>>("scrape", "The target's `/metrics`, scraped during the run");
        let probes = f.or_empty::<Probes>(
            "probes",
            "Expressions over scraped series, sampled during the run; usable in thresholds",
        );
        let data = f.or_empty::<Table<VariableName, DataConfig>>("data", "Tables whose rows iterations take");
        let warmup = f.or("warmup", "How long load is sent before anything is judged", "0s");
        let preflight = f.or_empty_within(
            Within::Preflight,
            "preflight",
            "Steps that must succeed before any load is sent",
        );
        let setup = f.or_empty("setup", "Steps done once, before the load; what they capture every VU sees");
        let setup_timeout = f.or::<AtLeast<1>>("setup_timeout", "How long `setup` may take", "60s");
        let scenarios = f.required::<Scenarios>("scenarios", "Who does what, how often and for how long");
        let drain = f.optional(
            "drain",
            "How long the run may take to end after its last scenario (default: the longest graceful_stop)",
        );
        let settle = f.or("settle", "How long to wait between the load and `verify`", "0s");
        let verify = f.or_empty::<Vec<At<VerifyConfig>>>(
            "verify",
            "What databases, services and series must answer once the load is over; each decides",
        );
        let teardown =
            f.or_empty("teardown", "Steps done once, at the end, whatever became of the load; each is tried");
        let teardown_timeout = f.or::<AtLeast<1>>("teardown_timeout", "How long `teardown` may take", "60s");
        let hooks = f.or_all_defaults::<HooksConfig>("hooks", HooksConfig::HELP);
        let chaos = f
            .or_empty::<Vec<FaultConfig>>("chaos", "What is broken while the load is sent, and mended again");
        let metrics =
            f.or_empty::<Table<MetricName, MetricBody>>("metrics", "Custom metrics, which `record` fills");
        let thresholds =
            f.or_empty::<Thresholds>("thresholds", "What must hold on the final values, in k6's grammar");
        let slo = f.or_empty::<Slos>("slo", "Objectives of two levels, each of which becomes two gates");
        let rules = f.or_empty::<Vec<At<FilePath>>>(
            "rules",
            "Rule files in Prometheus' format that decide too; patterns such as `rules/*.yml`",
        );
        let retain_series = f.or("retain_series", "How long `/metrics` keeps the final values", "5m");
        let series_limit = f.or::<Count<1, 100_000>>(
            "series_limit",
            "Label sets per metric; past it `name` becomes `other`",
            "200",
        );
        later::plan(f);

        check_names(f, chaos.as_deref().unwrap_or_default());
        check_unique_jobs(f, scrape.as_deref().unwrap_or_default());
        let metrics: Option<Vec<MetricConfig>> =
            metrics.map(|table| table.0.into_iter().map(MetricBody::named).collect());
        check_probe_names(f, probes.as_ref(), metrics.as_deref());
        Some(PlanConfig {
            name: name?.map(|name| name.0),
            description: description?.map(|text| text.0),
            tags: tags?.into_texts(),
            vars: vars?.0.into_iter().map(|(name, value)| (name.value, value.0)).collect(),
            defaults: defaults?,
            limits: limits?,
            scrape: scrape?,
            probes: probes?.0,
            data: data?.0,
            warmup: warmup?,
            preflight: preflight?,
            setup: setup?,
            setup_timeout: setup_timeout?.0,
            scenarios: scenarios?.0,
            drain: drain?,
            settle: settle?,
            verify: verify?,
            teardown: teardown?,
            teardown_timeout: teardown_timeout?.0,
            hooks: hooks?,
            chaos: chaos?,
            metrics: metrics?,
            thresholds: thresholds?.0,
            slo: slo?.0,
            rules: rules?.into_iter().map(|path| path.map(|path| path.0)).collect(),
            retain_series: retain_series?,
            series_limit: usize::try_from(series_limit?.0).unwrap_or(usize::MAX),
        })
    }
}

fn check_unique_jobs(f: &mut Fields<'_>, scrape: &[ScrapeConfig]) {
    let mut places: HashMap<&str, Place> = HashMap::new();
    for ScrapeConfig { job, .. } in scrape {
        if let Some(first) = places.get(job.value.as_str()) {
            let message = format!("a second scrape has the job `{}`", job.value);
            f.problem_at(job.place, message, format!("the first is at {}:{}", first.line, first.column));
        } else {
            places.insert(&job.value, job.place);
        }
    }
}

fn check_probe_names(f: &mut Fields<'_>, probes: Option<&Probes>, metrics: Option<&[MetricConfig]>) {
    let probes: HashSet<&str> =
        probes.iter().flat_map(|probes| &probes.0).map(|probe| probe.name.value.as_str()).collect();
    for MetricConfig { name, .. } in metrics.unwrap_or_default() {
        if probes.contains(name.value.as_str()) {
            let message = format!("`{}` is both a probe and a metric", name.value);
            f.problem_at(name.place, message, "thresholds could mean either; rename one".to_owned());
        }
    }
}

fn profiles_schema(_: &mut Schemas) -> Json {
    json!({"type": "object", "additionalProperties": {"type": ["object", "null"]}})
}

/// A scalar of `vars` after filling.
pub(super) struct VariableValue(pub(super) Json);

impl Value for VariableValue {
    fn expected() -> String {
        "a text, a number, `true`, `false` or `null`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let value = super::value::json::json(node).filter(|_| matches!(node.kind, Kind::Scalar(_)));
        if value.is_none() {
            reader.unexpected(node, &Self::expected());
        }
        value.map(VariableValue)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": ["string", "number", "boolean", "null"]})
    }
}
