//! What a run shows of itself while it lasts, on stderr: bars on a terminal, else plain lines.
//!
//! The display only formats the snapshots it is given and holds no clock. It never fails: a terminal
//! or pipe that is gone must not end a run.

mod line;
mod plain;
mod terminal;

use std::io::Write as _;
use std::time::Duration;

pub use line::{Layout, headline, line, target_line};
pub(super) use line::{Mark, mark, percent, tally, vus};

use super::Progress;
use plain::Plain;
use terminal::Terminal;

/// Load time between two blocks of plain lines.
const EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Display {
    output: Output,
}

#[derive(Debug)]
enum Output {
    Silent,
    Plain(Plain),
    Terminal(Terminal),
}

impl Display {
    /// `terminal` says whether stderr is one. `scenarios` are the names in the plan's order.
    pub fn new(quiet: bool, terminal: bool, scenarios: &[String]) -> Self {
        let output = match (quiet, terminal) {
            (true, _) => Output::Silent,
            (false, true) => Output::Terminal(Terminal::new(scenarios)),
            (false, false) => Output::Plain(Plain::new(Box::new(std::io::stderr()), EVERY)),
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
            Output::Plain(plain) => plain.update(progress),
            Output::Terminal(terminal) => terminal.update(progress),
        }
    }

    /// Writes a line above the bars, or among the plain lines; without progress, on its own.
    pub fn message(&mut self, text: &str) {
        match &mut self.output {
            // A terminal that is gone must not end a run.
            Output::Silent => drop(writeln!(std::io::stderr(), "{text}")),
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
