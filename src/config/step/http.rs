//! The step `http`.

use std::time::Duration;

use super::super::At;
use super::{BodyConfig, CheckConfig, Named, RecordConfig, StatusRange};

#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Default GET, or POST with a body.
    pub method: Option<At<String>>,
    /// A template.
    pub url: At<String>,
    /// The label `name`; default: the URL's path before templating.
    pub name: Option<At<String>>,
    /// Values are templates.
    pub headers: Vec<(At<String>, At<String>)>,
    pub body: Option<BodyConfig>,
    /// Default `defaults.timeout`.
    pub timeout: Option<Duration>,
    /// Redirects followed (default 10).
    pub redirects: u32,
    /// Default 200–399.
    pub expected_statuses: Vec<StatusRange>,
    pub tags: Vec<(At<String>, At<String>)>,
    pub checks: Vec<CheckConfig>,
    pub capture: Vec<Named>,
    pub record: Vec<RecordConfig>,
    /// In `preflight` only: tried again until it succeeds or this has passed.
    pub wait_for: Option<Duration>,
}
