//! Log lines, kept until the display prints them: written straight to the terminal they would tear
//! the live display apart.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::SubscriberBuilder;
use tracing_subscriber::fmt::format::{DefaultFields, Format};

use super::run::LogFormat;
use crate::config::Redactor;

/// Lines that wait; further ones are counted.
const MAX_LINES: usize = 1_000;

/// What writes lines of this level (`info`) and above, or what `LOADGATE_LOG` says (`debug`, `loadgate=trace`). What a
/// library says of connections is counted instead.
pub(super) fn subscriber(level: &str) -> SubscriberBuilder<DefaultFields, Format, EnvFilter> {
    let filter = EnvFilter::try_from_env("LOADGATE_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("{level},async_nats=off")));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_target(false)
}

#[derive(Debug, Clone, Default)]
pub(super) struct LogLines {
    waiting: Arc<Mutex<Waiting>>,
    redactor: Arc<Redactor>,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<String>,
    dropped: u64,
}

impl LogLines {
    /// See [`subscriber`] for which lines there are.
    /// No line shows what `redactor` knows.
    pub(super) fn install(format: LogFormat, redactor: Arc<Redactor>, level: &str) -> Self {
        let lines = LogLines { redactor, ..LogLines::default() };
        let subscriber = subscriber(level).with_writer(lines.clone());
        // A second run in one process, in tests, keeps the first one's.
        let _ = match format {
            LogFormat::Text => subscriber.try_init(),
            LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
        };
        lines
    }

    pub(super) fn push(&self, line: &str) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.lines.len() < MAX_LINES {
            waiting.lines.push(self.redactor.redact(line));
        } else {
            waiting.dropped += 1;
        }
    }

    pub(super) fn take(&self) -> Vec<String> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = std::mem::take(&mut waiting.lines);
        let dropped = std::mem::take(&mut waiting.dropped);
        if dropped > 0 {
            lines.push(format!("{dropped} more log lines were dropped"));
        }
        lines
    }
}

impl io::Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(String::from_utf8_lossy(bytes).trim_end());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = LogLines;

    fn make_writer(&'a self) -> LogLines {
        self.clone()
    }
}
