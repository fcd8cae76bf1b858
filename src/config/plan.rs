//! The top of a plan.

use std::time::Duration;

use super::{At, ProbeConfig, ScenarioConfig, ScrapeConfig, StepConfig, ThresholdConfig};

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
