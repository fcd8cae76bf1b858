//! What a run logs: to stderr with the run's id, and to the run's own log.

use std::io;

use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::files::complain;
use crate::cli::log::subscriber;
use crate::cli::run::LogFormat;
use crate::daemon::LogSink;
use crate::store::RunId;

pub(super) fn dispatch(run: &RunId, format: LogFormat, sink: LogSink) -> Dispatch {
    let lines = Lines { testid: run.0.clone(), format, sink };
    let subscriber = subscriber("info").with_writer(lines);
    match format {
        LogFormat::Text => Dispatch::new(subscriber.finish()),
        LogFormat::Json => Dispatch::new(subscriber.json().flatten_event(true).finish()),
    }
}

#[derive(Clone)]
struct Lines {
    testid: String,
    format: LogFormat,
    sink: LogSink,
}

impl Lines {
    /// With the run's id, as the formats have it.
    fn signed(&self, line: &str) -> String {
        match (self.format, line.strip_prefix('{')) {
            (LogFormat::Json, Some(rest)) => format!("{{\"testid\":\"{}\",{rest}", self.testid),
            _ => format!("{line} testid={}", self.testid),
        }
    }
}

/// Takes whole lines: the formatter writes each at once.
impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = (self.sink)(text.trim_end());
        complain(&self.signed(&line));
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_line_carries_the_runs_id_to_stderr_and_is_kept_as_it_is() {
        let kept = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&kept);
        let sink: LogSink = Arc::new(move |line| {
            seen.lock().unwrap().push(line.to_owned());
            line.to_owned()
        });
        let lines = |format| Lines { testid: "r1".to_owned(), format, sink: Arc::clone(&sink) };
        assert_eq!(
            lines(LogFormat::Json).signed("{\"level\":\"INFO\"}"),
            "{\"testid\":\"r1\",\"level\":\"INFO\"}"
        );
        assert_eq!(lines(LogFormat::Text).signed("INFO it began"), "INFO it began testid=r1");
        let dispatch = dispatch(&RunId("r1".to_owned()), LogFormat::Text, Arc::clone(&sink));
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::info!(target: "async_nats", "each connection says so");
            tracing::info!("it began");
        });
        assert!(kept.lock().unwrap()[0].ends_with("INFO it began"));
    }
}
