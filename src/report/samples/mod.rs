//! `--out json` and `--out csv`: one line per sample, in k6's formats, made from the very samples that
//! the totals are made of.
//!
//! Beside k6's nine samples of an HTTP request there are those of `http_req_response_time`; beside its four
//! of an iteration, those of `iteration_response_time` and `iteration_lag`. Levels that no worker knows as a
//! whole (`ws_connected`) are only on `/metrics`. k6's `proto` and `tls_version` are not told.

mod csv;
mod json;
mod tags;

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;

use super::rfc3339;
use crate::ids::{MetricId, SeriesId};
use crate::labels::Labels;
use crate::record::{Registry, Sample, SeriesKey};
use crate::rules::Threshold;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleFormat {
    /// <https://grafana.com/docs/k6/latest/results-output/real-time/json/>
    Json,
    /// <https://grafana.com/docs/k6/latest/results-output/real-time/csv/>
    Csv,
}

/// Turns samples into lines. What is the same for all samples of a series is made once.
#[derive(Debug)]
pub struct SampleLines {
    format: SampleFormat,
    registry: Arc<Registry>,
    keys: Vec<SeriesKey>,
    /// Of the plan and the command line, on every sample.
    tags: Labels,
    thresholds: Vec<Threshold>,
    frames: HashMap<(SeriesId, SeriesId), Frame>,
    /// Metrics whose definition was written.
    introduced: Vec<MetricId>,
}

/// A line without its time and value.
#[derive(Debug)]
struct Frame {
    metric: MetricId,
    before: String,
    between: &'static str,
    after: String,
}

impl SampleLines {
    /// `tags` are those of the whole run; `thresholds` the plan's.
    pub fn new(
        format: SampleFormat,
        registry: Arc<Registry>,
        tags: Labels,
        thresholds: Vec<Threshold>,
    ) -> Self {
        let (keys, frames, introduced) = (Vec::new(), HashMap::new(), Vec::new());
        SampleLines { format, registry, keys, tags, thresholds, frames, introduced }
    }

    /// What comes before all samples.
    pub fn head(&self) -> &'static str {
        match self.format {
            SampleFormat::Json => "",
            SampleFormat::Csv => csv::HEADER,
        }
    }

    /// Appends the sample's line, after the definition of a metric that was not met before.
    pub fn line(&mut self, sample: &Sample, out: &mut Vec<u8>) {
        let of = (sample.series, sample.tags);
        if !self.frames.contains_key(&of) {
            self.meet(of, out);
        }
        let Some(Frame { metric, before, between, after }) = self.frames.get(&of) else { return };
        let value = self.registry.catalog().definition(*metric).unit.shown(sample.value);
        out.extend_from_slice(before.as_bytes());
        // Writing to memory does not fail.
        let _ = match self.format {
            SampleFormat::Json => {
                rfc3339::write_nanos(sample.unix_nanos, out);
                write!(out, "{between}{value}")
            }
            SampleFormat::Csv => write!(out, "{}{between}{value:.6}", sample.unix_nanos / 1_000_000_000),
        };
        out.extend_from_slice(after.as_bytes());
    }

    #[cold]
    fn meet(&mut self, (series, described_by): (SeriesId, SeriesId), out: &mut Vec<u8>) {
        self.keys.extend(self.registry.keys_from(self.keys.len()));
        let keys = (self.keys.get(series.index()), self.keys.get(described_by.index()));
        let (Some(key), Some(tags)) = keys else { return };
        let metric = key.metric;
        let definition = self.registry.catalog().definition(metric);
        let labels = self.tags.merged(&tags.labels);
        let tags = tags::of(metric, &labels);
        let frame = match self.format {
            SampleFormat::Json => {
                if !self.introduced.contains(&metric) {
                    self.introduced.push(metric);
                    json::definition(metric, definition, &self.thresholds, out);
                }
                json::frame(metric, definition, &tags)
            }
            SampleFormat::Csv => csv::frame(metric, definition, &tags),
        };
        self.frames.insert((series, described_by), frame);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::aggregate::Selector;
    use crate::metric::{self, Catalog, Kind, Unit};
    use crate::record::{Shard, Taps};
    use crate::rules::{Aggregation, Comparison, Subject};
    use crate::time::{Clock, Elapsed};

    /// What an iteration with two requests records, at 2026-11-21T11:05:27.9557752Z.
    fn lines(format: SampleFormat) -> String {
        let mut catalog = Catalog::default();
        let orders = catalog.declare("orders", Kind::Counter, Unit::Plain).unwrap();
        let registry = Arc::new(Registry::new(Arc::new(catalog), &[], 200));
        let steady = Labels::new([("scenario", "steady"), ("tier", "api, \"v1\"")]);
        let request = steady.with("name", "A & b").with("method", "GET").with("group", "::outer::inner");
        let detailed = |status: &str, code: &str, expected: &str| {
            request.with("status", status).with("error_code", code).with("expected_response", expected)
        };
        let good = registry.intern(metric::HTTP_REQS, &detailed("200", "", "true"));
        let refused = registry.intern(metric::HTTP_REQS, &detailed("0", "1212", "false"));
        let missing = registry.intern(metric::HTTP_REQS, &detailed("404", "1404", "false"));
        let waiting = registry.intern(metric::HTTP_REQ_WAITING, &request);
        let failed = registry.intern(metric::HTTP_REQ_FAILED, &request);
        let check = registry.intern(metric::CHECKS, &steady.with("check", "is 200"));
        let iterations = registry.intern(metric::ITERATIONS, &steady);
        let dropped = registry.intern(metric::DROPPED_ITERATIONS, &steady.with("reason", "no_idle_vu"));
        let sent = registry.intern(metric::DATA_SENT, &steady);
        let orders = registry.intern(orders, &steady);
        let vus = registry.intern(metric::VUS, &Labels::empty());

        let (taps, samples) = Taps::bounded();
        let mut shard = Shard::new(Arc::clone(&registry));
        shard.tap(taps.tap(Clock::start()));
        let exchange = |shard: &mut Shard, described_by, nanos: f64| {
            shard.exchange(Some((described_by, Elapsed::ZERO)));
            shard.count(described_by, 1);
            shard.trend(waiting, nanos);
            shard.rate(failed, described_by != good);
            shard.exchange(None);
        };
        exchange(&mut shard, good, 888_987.0);
        exchange(&mut shard, refused, 0.0);
        exchange(&mut shard, missing, 12.5e6);
        shard.rate(check, true);
        shard.count(iterations, 1);
        shard.count(dropped, 3);
        shard.count(sent, 586);
        shard.count_f64(orders, 2.5);
        shard.gauge(vus, Elapsed::ZERO, 2.0);
        drop((shard, taps));

        let threshold = |source: &str, metric, labels: &[(&str, &str)], abort_after| {
            let selector = Selector::new(metric, labels.iter().copied());
            let tags: Vec<_> = labels.iter().map(|(name, value)| format!("{name}:{value}")).collect();
            let tags = if tags.is_empty() { String::new() } else { format!("{{{}}}", tags.join(",")) };
            Threshold {
                name: format!("{}{tags}", Catalog::default().definition(metric).name),
                source: source.to_owned(),
                subject: Subject::Metric(selector),
                aggregation: Aggregation::Rate,
                comparison: Comparison::Less,
                limit: 1.0,
                abort_after,
                objective: None,
            }
        };
        let waits = metric::HTTP_REQ_WAITING;
        let thresholds = vec![
            threshold("p(95)<500", waits, &[], None),
            threshold("p(95)<400", waits, &[("scenario", "steady")], None),
            threshold("p(99)<800", waits, &[("scenario", "steady")], None),
            threshold("rate<0.9", metric::HTTP_REQ_FAILED, &[], Some(Duration::from_secs(90))),
            threshold("rate>0.1", metric::CHECKS, &[], Some(Duration::ZERO)),
        ];
        let mut lines = SampleLines::new(format, registry, Labels::new([("testid", "t1")]), thresholds);
        let mut out = lines.head().as_bytes().to_vec();
        for sample in samples.iter().flatten() {
            let at = Sample { unix_nanos: 1_795_259_127_955_775_200, ..sample };
            lines.line(&at, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn samples_as_json_lines() {
        let lines = lines(SampleFormat::Json);
        for line in lines.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
        super::super::fixture::golden().bind(|| insta::assert_snapshot!("samples_json", lines));
    }

    #[test]
    fn samples_as_csv_rows() {
        super::super::fixture::golden()
            .bind(|| insta::assert_snapshot!("samples_csv", lines(SampleFormat::Csv)));
    }
}
