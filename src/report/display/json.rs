//! Progress for machines that read logs: a JSON object a line, with the keys of the event generator that
//! some of our users come from (`published`, `rate_per_sec`, `errors`, `bytes_sent_mb`, `avg_latency_ms`).

use std::fmt;
use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::{Phase, Progress, Traffic};
use super::headline;

pub(super) struct Json {
    out: Box<dyn Write + Send>,
    every: Duration,
    phase: Option<Phase>,
    /// When the next line is due, in time under load.
    next: Duration,
    /// At the last line, and when that was.
    last: (Duration, Traffic),
}

impl Json {
    pub(super) fn new(out: Box<dyn Write + Send>, every: Duration) -> Self {
        Json { out, every, phase: None, next: every, last: (Duration::ZERO, Traffic::default()) }
    }

    pub(super) fn update(&mut self, progress: &Progress) {
        let new_phase = self.phase.replace(progress.phase) != Some(progress.phase);
        if new_phase && progress.phase != Phase::Finished {
            self.write(&json!({"level": "INFO", "msg": headline(progress)}));
        }
        let due = progress.elapsed >= self.next && progress.phase.has_load();
        if due || new_phase && progress.phase == Phase::Finished {
            self.next = progress.elapsed.saturating_add(self.every);
            let line = metrics(self.last, (progress.elapsed, progress.traffic));
            self.last = (progress.elapsed, progress.traffic);
            self.write(&line);
        }
    }

    /// A line of the log: already an object where the log is written as JSON.
    pub(super) fn message(&mut self, text: &str) {
        match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(mut object)) => {
                // The same key as in our own lines.
                if let Some(message) = object.remove("message") {
                    object.insert("msg".to_owned(), message);
                }
                self.write(&Value::Object(object));
            }
            _ => self.write(&json!({"level": "INFO", "msg": text})),
        }
    }

    /// Errors are ignored, as everywhere here.
    fn write(&mut self, line: &Value) {
        let _ = self.out.write_all(format!("{line}\n").as_bytes());
        let _ = self.out.flush();
    }
}

/// `published`, `errors` and `bytes_sent_mb` (of 10^6 bytes) since load began; `rate_per_sec` and `avg_latency_ms` since
/// the line before, `null` where there was nothing to average.
fn metrics((before, old): (Duration, Traffic), (now, new): (Duration, Traffic)) -> Value {
    let secs = now.saturating_sub(before).as_secs_f64();
    let published = new.published.saturating_sub(old.published) as f64;
    let latencies = new.latencies.saturating_sub(old.latencies);
    let latency = new.latency.saturating_sub(old.latency).as_secs_f64() * 1e3;
    json!({
        "level": "INFO",
        "msg": "metrics",
        "published": new.published,
        "rate_per_sec": if secs > 0.0 { (published / secs).round() as u64 } else { 0 },
        "errors": new.errors,
        "bytes_sent_mb": (new.bytes_sent as f64 / 1e3).round() / 1e3,
        "avg_latency_ms": (latencies > 0).then(|| (latency / latencies as f64 * 1e3).round() / 1e3),
    })
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Json").field("every", &self.every).field("last", &self.last).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_comes_every_five_seconds_with_exactly_the_keys_of_the_generator() {
        let written = Written::default();
        let mut display = Json::new(Box::new(written.clone()), Duration::from_secs(5));
        for secs in 0..=10 {
            let late = secs.max(5) - 5;
            let traffic = Traffic {
                published: 1_000 * secs,
                errors: late,
                bytes_sent: 400_000 * secs,
                latencies: 1_000 * secs,
                latency: Duration::from_millis(1_500 * (secs - late) + 2_500 * late),
            };
            let (phase, elapsed) = (Phase::Running, Duration::from_secs(secs));
            let planned = Duration::from_secs(60);
            display.update(&Progress { phase, elapsed, planned, traffic, ..Progress::default() });
        }
        display.message("a word");
        display.message(r#"{"level":"WARN","message":"of the log"}"#);
        let shown = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let metrics = |published: u64, errors: u64, megabytes: f64, latency: f64| {
            json!({
                "level": "INFO", "msg": "metrics", "published": published, "rate_per_sec": 1_000,
                "errors": errors, "bytes_sent_mb": megabytes, "avg_latency_ms": latency,
            })
        };
        assert!(lines[0]["msg"].as_str().unwrap().starts_with("running (00m00.0s/1m)"), "{shown}");
        assert_eq!(lines[1..3], [metrics(5_000, 0, 2.0, 1.5), metrics(10_000, 5, 4.0, 2.5)]);
        assert_eq!(lines[3]["msg"], "a word");
        assert_eq!(lines[4], json!({"level": "WARN", "msg": "of the log"}));
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn without_a_request_there_is_no_latency() {
        let line =
            metrics((Duration::ZERO, Traffic::default()), (Duration::from_secs(5), Traffic::default()));
        assert_eq!((&line["avg_latency_ms"], &line["rate_per_sec"]), (&Value::Null, &json!(0)));
    }
}
