//! What a run shows of itself while it lasts, on stderr: bars on a terminal, else plain lines.
//!
//! The display only formats the snapshots it is given and holds no clock. It never fails: a terminal
//! or pipe that is gone must not end a run.

mod json;
mod line;
mod plain;
mod terminal;

use std::io::Write as _;
use std::time::Duration;

pub use line::{Layout, headline, line, target_line};
pub(super) use line::{Mark, mark, percent, tally, vus};

use super::Progress;
use json::Json;
use plain::Plain;
use terminal::Terminal;

/// Load time between two blocks of plain lines.
const EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Display {
    output: Output,
}

/// How progress and log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Bars on a terminal, else plain lines.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

#[derive(Debug)]
enum Output {
    Silent,
    Json(Json),
    Plain(Plain),
    Terminal(Terminal),
}

impl Display {
    /// `terminal` says whether stderr is one. `scenarios` are the names in the plan's order.
    pub fn new(quiet: bool, format: Format, terminal: bool, scenarios: &[String]) -> Self {
        let output = match (quiet, format, terminal) {
            (true, ..) => Output::Silent,
            (false, Format::Json, _) => Output::Json(Json::new(Box::new(std::io::stderr()), EVERY)),
            (false, Format::Text, true) => Output::Terminal(Terminal::new(scenarios)),
            (false, Format::Text, false) => Output::Plain(Plain::new(Box::new(std::io::stderr()), EVERY)),
        };
        Display { output }
    }

    /// How much load time passes between two blocks of plain lines; a terminal shows every snapshot.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        if let Output::Plain(plain) = &mut self.output {
            plain.every(every);
        }
        self
    }

    pub fn update(&mut self, progress: &Progress) {
        match &mut self.output {
            Output::Silent => {}
            Output::Json(json) => json.update(progress),
            Output::Plain(plain) => plain.update(progress),
            Output::Terminal(terminal) => terminal.update(progress),
        }
    }

    /// Writes a line above the bars, or among the plain lines; without progress, on its own.
    pub fn message(&mut self, text: &str) {
        match &mut self.output {
            // A terminal that is gone must not end a run.
            Output::Silent => drop(writeln!(std::io::stderr(), "{text}")),
            Output::Json(json) => json.message(text),
            Output::Plain(plain) => plain.write(text),
            Output::Terminal(terminal) => terminal.message(text),
        }
    }

    /// Takes the bars off the terminal: the summary that follows says the same, and more.
    pub fn finish(self) {
        if let Output::Terminal(terminal) = self.output {
            terminal.finish();
        }
    }
}
