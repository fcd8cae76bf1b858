//! Exchanges to series: the outcome of an exchange chooses the labels `status`, `error_code` and
//! `expected_response`. A worker asks the registry once per outcome and remembers.

use std::collections::HashMap;
use std::sync::Arc;

use super::ScenarioSeries;
use crate::ids::{MetricId, SeriesId, StepId};
use crate::labels::Labels;
use crate::metric;
use crate::record::{Registry, Shard};
use crate::sample::{ErrorCode, Exchange};

#[derive(Debug)]
pub(crate) struct Outcomes {
    registry: Arc<Registry>,
    steps: Vec<Vec<(Outcome, HttpSeries)>>,
    errors: HashMap<(MetricId, StepId, ErrorCode), SeriesId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcome {
    status: u16,
    error: Option<ErrorCode>,
    expected: bool,
    /// A redirect had the request repeated as GET.
    turned_to_get: bool,
}

#[derive(Debug, Clone, Copy)]
struct HttpSeries {
    reqs: SeriesId,
    failed: SeriesId,
    duration: SeriesId,
    response_time: SeriesId,
    blocked: SeriesId,
    connecting: SeriesId,
    tls_handshaking: SeriesId,
    sending: SeriesId,
    waiting: SeriesId,
    receiving: SeriesId,
}

impl Outcomes {
    pub(super) fn new(registry: Arc<Registry>) -> Self {
        Outcomes { registry, steps: Vec::new(), errors: HashMap::new() }
    }

    /// For what a step of another protocol counts.
    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Records all that k6 records of one HTTP exchange, and the time from when it was due. `labels` are the
    /// step's: scenario, name, method, group and the tags.
    pub(super) fn record_http(
        &mut self,
        shard: &mut Shard,
        step: StepId,
        labels: &Labels,
        exchange: &Exchange,
        expected: bool,
        turned_to_get: bool,
    ) {
        let outcome = Outcome { status: exchange.status, error: exchange.error, expected, turned_to_get };
        let series = self.http(step, labels, outcome);
        let phases = &exchange.phases;
        shard.exchange(Some((series.reqs, exchange.finished)));
        shard.count(series.reqs, 1);
        shard.time(series.duration, phases.duration());
        shard.time(series.blocked, phases.blocked);
        shard.time(series.connecting, phases.connecting);
        shard.time(series.tls_handshaking, phases.tls_handshaking);
        shard.time(series.sending, phases.sending);
        shard.time(series.waiting, phases.waiting);
        shard.time(series.receiving, phases.receiving);
        // k6's nine in k6's order, then what it lacks.
        shard.rate(series.failed, !expected);
        shard.time(series.response_time, exchange.response_time());
        shard.exchange(None);
    }

    pub(super) fn record_bytes(shard: &mut Shard, scenario: &ScenarioSeries, sent: u64, received: u64) {
        shard.count(scenario.data_sent, sent);
        shard.count(scenario.data_received, received);
    }

    /// Of a metric that counts errors by their `error_code`.
    pub(super) fn error(
        &mut self,
        metric: MetricId,
        step: StepId,
        labels: &Labels,
        error: ErrorCode,
    ) -> SeriesId {
        *self.errors.entry((metric, step, error)).or_insert_with(|| {
            let labels = labels.with("error_code", &error.number().to_string());
            self.registry.intern(metric, &labels)
        })
    }

    fn http(&mut self, step: StepId, labels: &Labels, outcome: Outcome) -> HttpSeries {
        if self.steps.len() <= step.index() {
            self.steps.resize_with(step.index() + 1, Vec::new);
        }
        // Few outcomes per step: a scan is faster than a hash.
        match self.steps[step.index()].iter().find(|(known, _)| *known == outcome) {
            Some((_, series)) => *series,
            None => self.meet(step, labels, outcome),
        }
    }

    #[cold]
    fn meet(&mut self, step: StepId, labels: &Labels, outcome: Outcome) -> HttpSeries {
        // Each hop has its own method, as in k6: the step's, or GET.
        let labels = if outcome.turned_to_get { labels.with("method", "GET") } else { labels.clone() };
        let failed = self.registry.intern(metric::HTTP_REQ_FAILED, &labels);
        let labels = labels.with("expected_response", if outcome.expected { "true" } else { "false" });
        let status = outcome.status.to_string();
        let error = outcome.error.map_or(String::new(), |error| error.number().to_string());
        let detailed = labels.with("status", &status).with("error_code", &error);
        let series = |id| self.registry.intern(id, &labels);
        let series = HttpSeries {
            reqs: self.registry.intern(metric::HTTP_REQS, &detailed),
            failed,
            duration: self.registry.intern(metric::HTTP_REQ_DURATION, &detailed),
            response_time: series(metric::HTTP_REQ_RESPONSE_TIME),
            blocked: series(metric::HTTP_REQ_BLOCKED),
            connecting: series(metric::HTTP_REQ_CONNECTING),
            tls_handshaking: series(metric::HTTP_REQ_TLS_HANDSHAKING),
            sending: series(metric::HTTP_REQ_SENDING),
            waiting: series(metric::HTTP_REQ_WAITING),
            receiving: series(metric::HTTP_REQ_RECEIVING),
        };
        self.steps[step.index()].push((outcome, series));
        series
    }
}
