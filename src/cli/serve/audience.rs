//! Shows what the daemon's runs do: `/metrics`, and Prometheus' API over targets and rules.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::Dispatch;

use super::run_log;
use crate::api::{RuleGroup, Sources, Target};
use crate::cli::run::LogFormat;
use crate::daemon::{Audience, LogSink};
use crate::family::Family;
use crate::plan::Plan;
use crate::rules::Group;
use crate::run::scrape_targets;
use crate::scrape::Scrape;
use crate::store::RunId;

pub(in crate::cli) struct Shown {
    sources: Arc<Sources>,
    log_format: LogFormat,
    pages: Mutex<Pages>,
}

/// Of each run; published together.
#[derive(Default)]
struct Pages {
    targets: BTreeMap<RunId, Vec<Target>>,
    /// `None`: the daemon's own.
    rules: BTreeMap<Option<RunId>, Vec<RuleGroup>>,
}

impl Shown {
    pub(in crate::cli) fn new(sources: Arc<Sources>, log_format: LogFormat) -> Self {
        Shown { sources, log_format, pages: Mutex::default() }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish_targets(&self, pages: &Pages) {
        self.sources.targets.publish(pages.targets.values().flatten().cloned().collect());
    }

    fn publish_rules(&self, pages: &Pages) {
        self.sources.rules.publish(pages.rules.values().flatten().cloned().collect());
    }
}

impl Audience for Shown {
    fn families(&self, families: Vec<Family>) {
        self.sources.exporter.publish(families);
    }

    fn begin(&self, run: &RunId, plan: &Plan) {
        let mut pages = self.pages();
        pages.targets.insert(run.clone(), scrape_targets(plan).iter().map(Target::new).collect());
        self.publish_targets(&pages);
    }

    fn scraped(&self, run: &RunId, scrape: &Scrape, at_ms: i64) {
        let mut pages = self.pages();
        let targets = pages.targets.get_mut(run);
        if let Some(target) =
            targets.and_then(|targets| targets.iter_mut().find(|target| target.is_of(scrape)))
        {
            target.record(scrape, at_ms);
        }
        self.publish_targets(&pages);
    }

    fn rules(&self, of: Option<&RunId>, groups: &[Group]) {
        let mut pages = self.pages();
        pages.rules.insert(of.cloned(), groups.iter().map(RuleGroup::of).collect());
        self.publish_rules(&pages);
    }

    fn end(&self, run: &RunId) {
        let mut pages = self.pages();
        pages.targets.remove(run);
        pages.rules.remove(&Some(run.clone()));
        self.publish_targets(&pages);
        self.publish_rules(&pages);
    }

    fn log(&self, run: &RunId, sink: LogSink) -> Dispatch {
        run_log::dispatch(run, self.log_format, sink)
    }
}
