//! Who listens to a run in the foreground: the display, `/metrics` with the query API, and the Alertmanagers.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::sync::Arc;

use super::log::LogLines;
use crate::api::{RuleGroup, Sources, Target};
use crate::family::Family;
use crate::notify::Notices;
use crate::plan::Plan;
use crate::report::{Display, Format, Progress};
use crate::rules::{Group, Notice};
use crate::run::{Listener, scrape_targets};
use crate::scrape::Scrape;

/// Lines of the log that are kept for the report.
const KEPT_LINES: usize = 5_000;

pub(super) struct Foreground {
    pub(super) display: Display,
    log: LogLines,
    /// What was logged last.
    logged: VecDeque<String>,
    served: Option<Served>,
    notices: Option<Notices>,
}

/// What the API answers from; published piece by piece.
pub(super) struct Served {
    sources: Arc<Sources>,
    targets: Vec<Target>,
}

impl Served {
    pub(super) fn new(sources: Arc<Sources>, plan: &Plan) -> Self {
        let targets: Vec<Target> = scrape_targets(plan).iter().map(Target::new).collect();
        sources.targets.publish(targets.clone());
        Served { sources, targets }
    }
}

impl Foreground {
    pub(super) fn new(
        plan: &Plan,
        quiet: bool,
        format: Format,
        log: LogLines,
        served: Option<Served>,
        notices: Option<Notices>,
    ) -> Self {
        let names: Vec<String> = plan.scenarios.iter().map(|scenario| scenario.name.to_string()).collect();
        let display = Display::new(quiet, format, std::io::stderr().is_terminal(), &names);
        Foreground { display, log, logged: VecDeque::new(), served, notices }
    }

    /// Ends the display and prints what was logged last. Who notifies goes on; the log's end is handed out.
    pub(super) fn finish(mut self) -> (Option<Notices>, String) {
        self.print_log();
        self.display.finish();
        (self.notices, self.logged.make_contiguous().join("\n"))
    }

    fn print_log(&mut self) {
        for line in self.log.take() {
            self.display.message(&line);
            self.logged.push_back(line);
            if self.logged.len() > KEPT_LINES {
                self.logged.pop_front();
            }
        }
    }
}

impl Listener for Foreground {
    fn progress(&mut self, progress: &Progress) {
        self.print_log();
        self.display.update(progress);
    }

    fn families(&mut self, mut families: Vec<Family>) {
        if let Some(notices) = &self.notices {
            families.extend(notices.families());
        }
        if let Some(served) = &self.served {
            served.sources.exporter.publish(families);
        }
    }

    fn scraped(&mut self, scrape: &Scrape, at_ms: i64) {
        let Some(served) = &mut self.served else { return };
        if let Some(target) = served.targets.iter_mut().find(|target| target.is_of(scrape)) {
            target.record(scrape, at_ms);
        }
        served.sources.targets.publish(served.targets.clone());
    }

    fn rules(&mut self, groups: &[Group]) {
        if let Some(served) = &self.served {
            served.sources.rules.publish(groups.iter().map(RuleGroup::of).collect());
        }
    }

    fn alerts(&mut self, at_ms: i64, notices: Vec<Notice>) {
        if let Some(notifier) = &mut self.notices {
            notifier.send(at_ms, notices);
        }
    }
}
