//! The top of a plan.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::fields::{Element, Fields, Reader, Value, Within};
use super::node::{Kind, Node};
use super::scenario::Scenarios;
use super::schema::Schemas;
use super::target::Probes;
use super::threshold::Thresholds;
use super::value::{
    AtLeast, Count, EnvironmentName, HostName, Label, MetricName, Name, PlanName, ProfileName, Share, Table,
    Text, word,
};
use super::{At, ProbeConfig, ScenarioConfig, ScrapeConfig, StepConfig, ThresholdConfig, later};

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
    pub preflight: Vec<At<StepConfig>>,
    pub scenarios: Vec<ScenarioConfig>,
    /// How long the run may take to end after the last scenario has (default 30 s).
    pub drain: Duration,
    pub metrics: Vec<MetricConfig>,
    pub thresholds: Vec<ThresholdConfig>,
    /// How long `/metrics` keeps the final values (default 5 m).
    pub retain_series: Duration,
    /// Label sets per metric (default 200); past it `name` becomes `other`.
    pub series_limit: usize,
}

/// For every exchange; a step may override.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// Default 60 s.
    pub timeout: Duration,
    /// Default `loadgate/<version>`.
    pub user_agent: String,
    pub tls: TlsConfig,
    /// Host name to address; `host` or `host:port` on both sides.
    pub hosts: Vec<(At<String>, At<String>)>,
    /// Default true: bodies are counted and dropped unless a step reads them.
    pub discard_bodies: bool,
}

#[derive(Debug, Clone, Default)]
pub struct TlsConfig {
    pub insecure_skip_verify: bool,
    /// A PEM file of authorities trusted beside the system's.
    pub ca: Option<At<String>>,
}

#[derive(Debug, Clone)]
pub struct Limits {
    /// The share of due iterations that may be dropped, 0 to 1 (default 0.001).
    pub max_dropped: f64,
}

#[derive(Debug, Clone)]
pub struct MetricConfig {
    pub name: At<String>,
    pub kind: MetricKind,
    /// Values are durations: thresholds in ms unless they carry a unit, exported in seconds.
    pub time: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    Counter,
    Gauge,
    Rate,
    Trend,
}

impl Element for PlanConfig {
    const NAME: &'static str = "plan";
    const HELP: &'static str = "What load to send, what to scrape meanwhile and what must hold";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let name = f.required::<At<Name<PlanName>>>("name", "The plan's name: the label `test`");
        let description = f.optional::<Text>("description", "What the plan is for");
        let tags = f.or_empty::<Table<Label, At<Text>>>("tags", "On every series of the run");
        let vars = f.or_empty::<Table<EnvironmentName, VariableValue>>(
            "vars",
            "What `${NAME}` may stand for; `null` = required",
        );
        f.known(
            "default_profile",
            "The profile taken when the command line names none",
            Name::<ProfileName>::schema,
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
        let preflight = f.or_empty_within(
            Within::Preflight,
            "preflight",
            "Steps that must succeed before any load is sent",
        );
        let scenarios = f.required::<Scenarios>("scenarios", "Who does what, how often and for how long");
        let drain = f.or("drain", "How long the run may take to end after its last scenario", "30s");
        let metrics =
            f.or_empty::<Table<MetricName, MetricBody>>("metrics", "Custom metrics, which `record` fills");
        let thresholds =
            f.or_empty::<Thresholds>("thresholds", "What must hold on the final values, in k6's grammar");
        let retain_series = f.or("retain_series", "How long `/metrics` keeps the final values", "5m");
        let series_limit = f.or::<Count<1, 100_000>>(
            "series_limit",
            "Label sets per metric; past it `name` becomes `other`",
            "200",
        );
        later::plan(f);

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
            preflight: preflight?,
            scenarios: scenarios?.0,
            drain: drain?,
            metrics: metrics?,
            thresholds: thresholds?.0,
            retain_series: retain_series?,
            series_limit: usize::try_from(series_limit?.0).unwrap_or(usize::MAX),
        })
    }
}

fn check_unique_jobs(f: &mut Fields<'_>, scrape: &[ScrapeConfig]) {
    for (at, config) in scrape.iter().enumerate() {
        if let Some(first) = scrape.iter().take(at).find(|other| other.job.value == config.job.value) {
            let message = format!("a second scrape has the job `{}`", config.job.value);
            let help = format!("the first is at {}:{}", first.job.place.line, first.job.place.column);
            f.problem_at(config.job.place, message, help);
        }
    }
}

fn check_probe_names(f: &mut Fields<'_>, probes: Option<&Probes>, metrics: Option<&[MetricConfig]>) {
    let (Some(probes), Some(metrics)) = (probes, metrics) else { return };
    for probe in &probes.0 {
        if let Some(metric) = metrics.iter().find(|metric| metric.name.value == probe.name.value) {
            let message = format!("`{}` is both a probe and a metric", probe.name.value);
            let help = "thresholds could mean either; rename one".to_owned();
            f.problem_at(metric.name.place, message, help);
        }
    }
}

fn profiles_schema(_: &mut Schemas) -> Json {
    json!({"type": "object", "additionalProperties": {"type": ["object", "null"]}})
}

/// A scalar of `vars` after filling.
struct VariableValue(Json);

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

impl Element for Defaults {
    const NAME: &'static str = "defaults";
    const HELP: &'static str = "For every exchange; a step may override";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let timeout = f.or::<AtLeast<1>>("timeout", "How long an exchange may take", "60s");
        let user_agent = f.or::<UserAgent>("user_agent", "The header `User-Agent`", UserAgent::DEFAULT);
        let tls = f.or_all_defaults("tls", "How servers are verified");
        let dns = f.or_all_defaults::<Dns>("dns", "How names are resolved");
        let discard_bodies =
            f.or("discard_bodies", "Bodies are counted and dropped, except where a step reads them", "true");
        Some(Defaults {
            timeout: timeout?.0,
            user_agent: user_agent?.0,
            tls: tls?,
            hosts: dns?.0,
            discard_bodies: discard_bodies?,
        })
    }
}

struct UserAgent(String);

impl UserAgent {
    const DEFAULT: &'static str = concat!("loadgate/", env!("CARGO_PKG_VERSION"));
}

impl Value for UserAgent {
    fn expected() -> String {
        "a text that fits into a header".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.scalar(node, &Self::expected(), |scalar| {
            http::HeaderValue::from_str(&scalar.text).is_ok().then(|| UserAgent(scalar.text.clone()))
        })
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string"})
    }
}

/// Host to address.
struct Dns(Vec<(At<String>, At<String>)>);

impl Element for Dns {
    const NAME: &'static str = "dns";
    const HELP: &'static str = "How names are resolved";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let hosts = f.or_empty::<Table<HostName, At<Name<HostName>>>>(
            "hosts",
            "Host to address, each with or without a port",
        );
        Some(Dns(hosts?
            .0
            .into_iter()
            .map(|(host, address)| (host, address.map(|address| address.0)))
            .collect()))
    }
}

impl Element for TlsConfig {
    const NAME: &'static str = "tls";
    const HELP: &'static str = "How servers are verified";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let insecure_skip_verify = f.or("insecure_skip_verify", "Take any certificate", "false");
        let ca = f.optional::<At<Text>>("ca", "A PEM file of authorities trusted beside the system's");
        f.later("cert", "A PEM file with the client's certificate", later::text);
        f.later("key", "A PEM file with the client's key", later::text);
        f.later("min_version", "The oldest version of TLS that is spoken", later::tls_version);
        Some(TlsConfig {
            insecure_skip_verify: insecure_skip_verify?,
            ca: ca?.map(|ca| ca.map(|path| path.0)),
        })
    }
}

impl Element for Limits {
    const NAME: &'static str = "limits";
    const HELP: &'static str = "Of the generator, beside the daemon's";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        f.later("rps", "The most requests a second, over all scenarios", later::number);
        let max_dropped =
            f.or::<Share>("max_dropped", "Of the iterations due; above it the run is inconclusive", "0.1%");
        Some(Limits { max_dropped: max_dropped?.0 })
    }
}

/// A custom metric without its name.
struct MetricBody {
    kind: MetricKind,
    time: bool,
}

impl MetricBody {
    fn named((name, body): (At<String>, MetricBody)) -> MetricConfig {
        MetricConfig { name, kind: body.kind, time: body.time }
    }
}

impl Element for MetricBody {
    const NAME: &'static str = "metric";
    const HELP: &'static str = "A custom metric";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let kind = f.required::<MetricKind>("type", "What is made of the values");
        let time = f.or("time", "Values are durations: thresholds in ms unless they carry a unit", "false");
        if time == Some(true) && kind.is_some_and(|kind| kind != MetricKind::Trend) {
            f.problem("time", "only a trend can hold durations", None);
        }
        Some(MetricBody { kind: kind?, time: time? })
    }
}

const METRIC_KINDS: [(&str, MetricKind); 4] = [
    ("counter", MetricKind::Counter),
    ("gauge", MetricKind::Gauge),
    ("rate", MetricKind::Rate),
    ("trend", MetricKind::Trend),
];

impl Value for MetricKind {
    fn expected() -> String {
        "one of `counter`, `gauge`, `rate`, `trend`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, &METRIC_KINDS)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"enum": METRIC_KINDS.map(|(word, _)| word)})
    }
}
