//! A plan that cannot be wrong: names became ids, defaults are filled in, templates are compiled.
//! Everything that can be refused was refused, with its place in the file.

mod action;
mod bundle;
mod chaos;
mod compile;
mod data;
mod files;
mod hooks;
mod ledgers;
mod limits;
mod metrics;
mod procedure;
mod protos;
mod reach;
mod rules;
mod scenario;
mod schedule;
mod steps;
mod target;
mod text;
mod threshold_tags;
mod vegeta;
pub mod verify;

use std::sync::Arc;
use std::time::Duration;

pub use action::{Action, ActionKind, Exec, Process, Signal};
pub use bundle::{Bundle, BundleError, Packed, pack};
pub use chaos::{Fault, Recovery};
pub use compile::{compile, compile_within};
pub use hooks::Hooks;
pub use reach::{NamedTarget, Reach};
pub use schedule::{Course, Span};
pub use text::{EXIT_CODE, TESTID, VERDICT};

use crate::config::{Problems, Redactor, Source};
use crate::data::Feed;
use crate::executor::{Executor, Segment};
use crate::flow::{Flow, ScenarioSeries};
use crate::ids::ScenarioId;
use crate::labels::Labels;
use crate::ledger::LedgerPlan;
use crate::promql::Query;
use crate::protocol::Settings;
use crate::record::Registry;
use crate::rules::{RuleFile, Threshold, ThresholdRules};
use crate::template::Value;
use crate::time::{Elapsed, span};
use verify::Verification;

#[derive(Debug)]
pub struct Plan {
    /// The label `test`.
    pub name: Arc<str>,
    /// On every series of the run.
    pub tags: Labels,
    pub registry: Arc<Registry>,
    pub settings: Arc<Settings>,
    /// Those that are known before the run.
    pub targets: Vec<NamedTarget>,
    pub vars: Value,
    pub scrapes: Vec<Scrape>,
    pub probes: Vec<Probe>,
    /// What must hold before anything else is done.
    pub preflight: Procedure,
    /// What it captures every user sees.
    pub setup: Procedure,
    /// How long nothing is asked after the load.
    pub settle: Duration,
    /// What is asked then.
    pub verifications: Vec<Verification>,
    /// Done whatever became of the load; each step is tried.
    pub teardown: Procedure,
    /// Done when the verdict is known.
    pub hooks: Hooks,
    /// What is broken while the load is sent.
    pub faults: Vec<Fault>,
    /// What to say where programs are not allowed, if it has any.
    pub programs: Option<Problems>,
    /// The file, which knows what no message may show.
    pub source: Arc<Source>,
    /// How long load is sent before anything is judged.
    pub warmup: Duration,
    pub scenarios: Vec<Arc<Scenario>>,
    /// Of the events that some steps publish and others receive.
    pub ledgers: Vec<LedgerPlan>,
    /// Which part of the load is ours, of several machines.
    pub segment: Segment,
    /// How long after the last scenario's end the load is cut off.
    pub drain: Duration,
    /// Thresholds, then the levels of objectives.
    pub thresholds: Vec<Threshold>,
    /// The same, as they are asked of the run's families.
    pub threshold_rules: ThresholdRules,
    /// That the plan names: their alerts decide too.
    pub rule_files: Vec<RuleFile>,
    /// The share of due iterations that may be dropped, 0 to 1.
    pub max_dropped: f64,
    /// Of HTTP requests over all scenarios, above 0.
    pub max_requests_per_sec: Option<f64>,
    /// Whether a VU's cookies outlive its iterations.
    pub keep_cookies: bool,
    /// How long `/metrics` keeps the final values.
    pub retain_series: Duration,
    /// Of the values that no log, summary or answer may show.
    pub redactor: Arc<Redactor>,
}

#[derive(Debug, Clone)]
pub struct Scenario {
    pub id: ScenarioId,
    pub name: Arc<str>,
    pub executor: Arc<dyn Executor>,
    /// From the start of the run, or from the end of `start_after`.
    pub start_time: Elapsed,
    /// The scenario whose end, graceful stop included, this one waits for; there is no circle.
    pub start_after: Option<ScenarioId>,
    pub graceful_stop: Duration,
    pub flow: Flow,
    /// What each iteration takes a row of.
    pub feed: Feed,
    pub series: ScenarioSeries,
    /// The plan's, with those that this scenario overrides.
    pub vars: Value,
}

/// A target whose `/metrics` are read during the run.
#[derive(Debug, Clone)]
pub struct Scrape {
    pub job: Arc<str>,
    pub url: url::Url,
    pub interval: Duration,
    pub timeout: Duration,
}

/// An expression sampled during the run.
#[derive(Debug, Clone)]
pub struct Probe {
    pub name: String,
    /// Of an instant vector or a number.
    pub query: Query,
    pub interval: Duration,
}

/// Steps that are done once, outside of the load, by one user. Their series are their own, and neither
/// exported nor judged: what k6 counts among the load's requests (its issue 891) is kept apart.
#[derive(Debug)]
pub struct Procedure {
    /// `setup`
    pub name: &'static str,
    pub registry: Arc<Registry>,
    pub series: ScenarioSeries,
    pub steps: Vec<ProcedureStep>,
    /// For all steps together; `None`: each takes as long as it may.
    pub timeout: Option<Duration>,
}

#[derive(Debug)]
pub struct ProcedureStep {
    /// For messages: the method and the URL as it was written.
    pub what: String,
    /// Whether it makes one exchange that `what` describes.
    pub exchange: bool,
    pub flow: Flow,
    /// Tried again until it succeeds or this has passed.
    pub wait_for: Duration,
}

impl Scenario {
    /// For people, in k6's words: `10 looping VUs for 5m (gracefulStop: 30s)`.
    pub fn describe(&self) -> String {
        self.describe_as(&*self.executor)
    }

    /// The same with the executor that it has been scaled to.
    pub fn describe_as(&self, executor: &dyn Executor) -> String {
        let start_time = Duration::from(self.start_time);
        let times = [("startTime", start_time), ("gracefulStop", self.graceful_stop)];
        let times = times.into_iter().filter(|(_, time)| !time.is_zero());
        let facts =
            executor.fact().into_iter().chain(times.map(|(name, time)| format!("{name}: {}", span(time))));
        let facts: Vec<String> = facts.collect();
        match facts.as_slice() {
            [] => executor.describe(),
            facts => format!("{} ({})", executor.describe(), facts.join(", ")),
        }
    }
}

impl Plan {
    /// The most users at a time if all scenarios ran at the same time.
    pub fn max_vus(&self) -> u64 {
        self.scenarios.iter().map(|scenario| scenario.executor.model().max_vus()).fold(0, u64::saturating_add)
    }

    /// What `verify` asks of the run's series.
    pub fn verified_queries(&self) -> impl Iterator<Item = &Query> {
        self.verifications.iter().filter_map(|verification| match &verification.question {
            verify::Question::Metrics(query) => Some(query),
            _ => None,
        })
    }

    /// What falls to one machine of several. Thresholds and limits stay as they are: each machine judges what it sent.
    pub fn part(mut self, segment: Segment) -> Self {
        for scenario in &mut self.scenarios {
            let scenario = Arc::make_mut(scenario);
            scenario.executor = Arc::from(scenario.executor.part(&segment));
        }
        Plan { segment, ..self }
    }
}
