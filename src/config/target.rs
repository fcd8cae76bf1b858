//! What is observed of the target: scrapes and probes.

use std::time::Duration;

use super::At;

#[derive(Debug, Clone)]
pub struct ScrapeConfig {
    /// The label `job`; unique in the plan.
    pub job: At<String>,
    pub url: At<String>,
    /// Default 1 s.
    pub interval: Duration,
    /// Default half the interval; at most the interval.
    pub timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct ProbeConfig {
    /// Named in thresholds.
    pub name: At<String>,
    /// A plain selector, `name{label="value"}`.
    pub query: At<String>,
    /// Default 1 s.
    pub interval: Duration,
}
