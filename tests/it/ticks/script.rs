//! What the scraped targets show: a function of how often they were asked.

use std::fmt::Write as _;

/// The first step that shows what the one before showed.
pub(super) const STEPS: u64 = 29;

/// The target that always answers.
pub(super) fn main(step: u64) -> String {
    let mut page = Page::default();
    page.counters(step);
    page.gauges(step);
    page.histograms(step);
    page.0
}

/// One that is broken for a while, and once says something that is no exposition; `None` is an error.
pub(super) fn flaky(step: u64) -> Option<String> {
    let mut page = Page::default();
    page.show("worker_temperature", r#"zone="east""#, 20 + step);
    page.show("jobs_total", r#"worker="1""#, 3 * step);
    match step {
        10..15 => None,
        20 => Some("worker_temperature{ 20".to_owned()),
        _ => Some(page.0),
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn show(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        writeln!(self.0, "{name}{{{labels}}} {value}").unwrap();
    }

    fn counters(&mut self, step: u64) {
        let reset = if step < 12 { 100 + 10 * step } else { 10 * (step - 12) };
        self.show("requests_total", r#"code="200",path="/a""#, reset);
        self.show("requests_total", r#"code="200",path="/b""#, 5 * step);
        self.show("requests_total", r#"code="500",path="/a""#, 4 * step.clamp(8, 16) - 32);
        if step >= 10 {
            // From 0 on: how far back to nought a rate of a new series goes is not the same in Prometheus 2 and 3.
            self.show("requests_total", r#"code="500",path="/b""#, step - 10);
        }
        self.show("nothings_total", r#"path="/a""#, 0);
    }

    fn gauges(&mut self, step: u64) {
        self.show("temperature", r#"zone="east""#, if (6..14).contains(&step) { 35 } else { 20 });
        let west = match step {
            ..10 => 20,
            _ if step.is_multiple_of(2) => 40,
            _ => 15,
        };
        self.show("temperature", r#"zone="west""#, west);
        if (..9).contains(&step) || (13..20).contains(&step) {
            self.show("temperature", r#"zone="north""#, 31);
        }
        self.show("temperature", r#"zone="süd \"1\"\\\n""#, 10.25 + step as f64);
        for zone in ["east", "west", "north"] {
            self.show("limit", &format!("zone={zone:?}"), 30);
        }
        self.show("queue_length", r#"queue="in",shard="0""#, step);
        self.show("queue_length", r#"queue="in",shard="1""#, 2 * step);
        self.show("queue_length", r#"queue="out",shard="0""#, 30_u64.saturating_sub(2 * step));
        self.show("info", &format!(r#"version="1.{}",zone="east""#, 2 + step / 15), 1);
        self.show("maintenance", "", u8::from((12..20).contains(&step)));
        self.show("ephemeral", &format!(r#"id="{}""#, step / 4), 1);
        let odd = (5..10).contains(&step);
        self.show("ratio", r#"kind="inf""#, if odd { "+Inf" } else { "1" });
        self.show("ratio", r#"kind="nan""#, if odd { "NaN" } else { "2" });
        self.show("ratio", r#"kind="neg""#, -1.5);
    }

    /// Fast at first, slow from the tenth step on.
    fn histograms(&mut self, step: u64) {
        let (fast, slow) = (20 * step.min(10), 10 * step.saturating_sub(10));
        for (handler, scale) in [("x", 1), ("y", 3)] {
            let shares = [("0.1", fast / 2), ("0.25", fast), ("0.5", fast + slow / 2), ("2.5", fast + slow)];
            for (le, count) in shares.into_iter().chain([("+Inf", fast + slow)]) {
                self.show("latency_seconds_bucket", &format!("handler={handler:?},le={le:?}"), scale * count);
            }
            let sum = scale as f64 * (0.11 * fast as f64 + 0.9 * slow as f64);
            self.show("latency_seconds_sum", &format!("handler={handler:?}"), sum);
            self.show("latency_seconds_count", &format!("handler={handler:?}"), scale * (fast + slow));
        }
    }
}
