//! A plan that cannot be wrong: names became ids, defaults are filled in, templates are compiled.
//! Everything that can be refused was refused, with its place in the file.

mod compile;
mod data;
mod metrics;
mod scenario;
mod steps;
mod target;
mod text;

use std::sync::Arc;
use std::time::Duration;

pub use compile::compile;

use crate::data::Feed;
use crate::executor::{Executor, Segment};
use crate::flow::{Flow, HttpStep, ScenarioSeries};
use crate::ids::ScenarioId;
use crate::labels::Labels;
use crate::protocol::Settings;
use crate::record::Registry;
use crate::rules::Threshold;
use crate::selector::Selector;
use crate::template::Value;
use crate::time::{Elapsed, span};

#[derive(Debug)]
pub struct Plan {
    /// The label `test`.
    pub name: Arc<str>,
    /// On every series of the run.
    pub tags: Labels,
    pub registry: Arc<Registry>,
    pub settings: Arc<Settings>,
    pub vars: Value,
    pub scrapes: Vec<Scrape>,
    pub probes: Vec<Probe>,
    pub preflight: Preflight,
    pub scenarios: Vec<Arc<Scenario>>,
    /// Which part of the load is ours, of several machines.
    pub segment: Segment,
    /// How long after the last scenario's end the load is cut off.
    pub drain: Duration,
    pub thresholds: Vec<Threshold>,
    /// The share of due iterations that may be dropped, 0 to 1.
    pub max_dropped: f64,
    /// How long `/metrics` keeps the final values.
    pub retain_series: Duration,
}

#[derive(Debug, Clone)]
pub struct Scenario {
    pub id: ScenarioId,
    pub name: Arc<str>,
    pub executor: Arc<dyn Executor>,
    pub start_time: Elapsed,
    pub graceful_stop: Duration,
    pub flow: Flow,
    /// What each iteration takes a row of.
    pub feed: Feed,
    pub series: ScenarioSeries,
}

/// A target whose `/metrics` are read during the run.
#[derive(Debug, Clone)]
pub struct Scrape {
    pub job: Arc<str>,
    pub url: url::Url,
    pub interval: Duration,
    pub timeout: Duration,
}

/// A selector sampled during the run.
#[derive(Debug, Clone)]
pub struct Probe {
    pub name: String,
    /// As it was written.
    pub query: String,
    pub selector: Selector,
    pub interval: Duration,
}

/// Requests that must succeed before load is sent, with series of their own that are not exported.
#[derive(Debug)]
pub struct Preflight {
    pub registry: Arc<Registry>,
    pub series: ScenarioSeries,
    pub steps: Vec<PreflightStep>,
}

#[derive(Debug)]
pub struct PreflightStep {
    /// For messages: the URL as it was written.
    pub what: String,
    pub step: HttpStep,
    /// Tried again until it succeeds or this has passed.
    pub wait_for: Duration,
}

impl Scenario {
    /// For people, in k6's words: `10 looping VUs for 5m (gracefulStop: 30s)`.
    pub fn describe(&self) -> String {
        let start_time = Duration::from(self.start_time);
        let times = [("startTime", start_time), ("gracefulStop", self.graceful_stop)];
        let times = times.into_iter().filter(|(_, time)| !time.is_zero());
        let facts = self
            .executor
            .fact()
            .into_iter()
            .chain(times.map(|(name, time)| format!("{name}: {}", span(time))));
        let facts: Vec<String> = facts.collect();
        match facts.as_slice() {
            [] => self.executor.describe(),
            facts => format!("{} ({})", self.executor.describe(), facts.join(", ")),
        }
    }
}

impl Plan {
    /// What falls to one machine of several. Thresholds and limits stay as they are: each machine judges what it sent.
    pub fn part(mut self, segment: Segment) -> Self {
        for scenario in &mut self.scenarios {
            let scenario = Arc::make_mut(scenario);
            scenario.executor = Arc::from(scenario.executor.part(&segment));
        }
        Plan { segment, ..self }
    }

    /// When the last scenario ends by plan, without its graceful stop.
    pub fn planned(&self) -> Duration {
        let end = |scenario: &Arc<Scenario>| {
            Duration::from(scenario.start_time) + Duration::from(scenario.executor.duration())
        };
        self.scenarios.iter().map(end).max().unwrap_or_default()
    }
}
