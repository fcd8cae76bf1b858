//! Who listens to a run in the foreground: the display, and `/metrics`.

use std::io::IsTerminal;
use std::sync::Arc;

use super::log::LogLines;
use crate::api::Exporter;
use crate::family::Family;
use crate::plan::Plan;
use crate::report::{Display, Format, Progress};
use crate::run::Listener;

pub(super) struct Foreground {
    pub(super) display: Display,
    log: LogLines,
    exporter: Option<Arc<Exporter>>,
}

impl Foreground {
    pub(super) fn new(
        plan: &Plan,
        quiet: bool,
        format: Format,
        log: LogLines,
        exporter: Option<Arc<Exporter>>,
    ) -> Self {
        let names: Vec<String> = plan.scenarios.iter().map(|scenario| scenario.name.to_string()).collect();
        let display = Display::new(quiet, format, std::io::stderr().is_terminal(), &names);
        Foreground { display, log, exporter }
    }

    /// Ends the display and prints what was logged last.
    pub(super) fn finish(mut self) {
        self.print_log();
        self.display.finish();
    }

    fn print_log(&mut self) {
        for line in self.log.take() {
            self.display.message(&line);
        }
    }
}

impl Listener for Foreground {
    fn progress(&mut self, progress: &Progress) {
        self.print_log();
        self.display.update(progress);
    }

    fn families(&mut self, families: Vec<Family>) {
        if let Some(exporter) = &self.exporter {
            exporter.publish(families);
        }
    }
}
