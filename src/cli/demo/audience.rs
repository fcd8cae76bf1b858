//! Shows the demo's run in the terminal as `loadgate run` does, and to the page as the daemon does.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::log::{LogLines, subscriber};
use crate::cli::serve::Shown;
use crate::daemon::{Audience, LogSink};
use crate::family::Family;
use crate::plan::Plan;
use crate::report::{Display, Finished, Progress};
use crate::rules::Group;
use crate::scrape::Scrape;
use crate::store::RunId;

pub(super) struct Spectators {
    page: Shown,
    terminal: Mutex<Terminal>,
    log: LogLines,
}

struct Terminal {
    /// Until the run has ended.
    display: Option<Display>,
    finished: Option<Finished>,
}

impl Spectators {
    pub(super) fn new(page: Shown, display: Display, log: LogLines) -> Self {
        let terminal = Mutex::new(Terminal { display: Some(display), finished: None });
        Spectators { page, terminal, log }
    }

    /// What came of the run; ends the display.
    pub(super) fn finished(&self) -> Option<Finished> {
        let mut terminal = self.terminal();
        self.print_log(&mut terminal);
        if let Some(display) = terminal.display.take() {
            display.finish();
        }
        terminal.finished.take()
    }

    fn print_log(&self, terminal: &mut Terminal) {
        let Some(display) = &mut terminal.display else { return };
        self.log.take().iter().for_each(|line| display.message(line));
    }

    fn terminal(&self) -> MutexGuard<'_, Terminal> {
        self.terminal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audience for Spectators {
    fn families(&self, families: Vec<Family>) {
        self.page.families(families);
    }

    fn begin(&self, run: &RunId, plan: &Plan) {
        self.page.begin(run, plan);
    }

    fn scraped(&self, run: &RunId, scrape: &Scrape, at_ms: i64) {
        self.page.scraped(run, scrape, at_ms);
    }

    fn rules(&self, of: Option<&RunId>, groups: &[Group]) {
        self.page.rules(of, groups);
    }

    fn end(&self, run: &RunId) {
        self.page.end(run);
    }

    fn log(&self, _: &RunId, sink: LogSink) -> Dispatch {
        let lines = Lines { sink, log: self.log.clone() };
        let subscriber = subscriber("info").with_writer(lines);
        Dispatch::new(subscriber.finish())
    }

    fn progress(&self, _: &RunId, progress: &Progress) {
        let mut terminal = self.terminal();
        self.print_log(&mut terminal);
        if let Some(display) = &mut terminal.display {
            display.update(progress);
        }
    }

    fn finished(&self, _: &RunId, finished: Finished) {
        self.terminal().finished = Some(finished);
    }
}

/// Takes whole lines: into the run's record, and from there to the terminal.
#[derive(Clone)]
struct Lines {
    sink: LogSink,
    log: LogLines,
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = (self.sink)(String::from_utf8_lossy(bytes).trim_end());
        self.log.push(&line);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        self.clone()
    }
}
