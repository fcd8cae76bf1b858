//! What is written down of a step, also after it is done.

use crate::flow::Worker;
use crate::ids::{MetricId, SeriesId, StepId};
use crate::labels::Labels;
use crate::record::Shard;
use crate::sample::ErrorCode;
use crate::time::Elapsed;

/// `S`: what only its protocol counts.
#[derive(Debug, Clone)]
pub struct Account<S> {
    pub id: StepId,
    pub labels: Labels,
    pub series: BusSeries,
    pub own: S,
}

#[derive(Debug, Clone, Copy)]
pub struct BusSeries {
    pub sent: SeriesId,
    pub acks: SeriesId,
    pub failed: SeriesId,
    pub ack_duration: SeriesId,
    pub response_time: SeriesId,
    pub received: SeriesId,
    pub connections: SeriesId,
    pub connecting: SeriesId,
    pub reconnects: SeriesId,
    /// By `error_code`.
    pub errors: MetricId,
}

impl<S> Account<S> {
    pub(in crate::flow) fn count_error(&self, worker: &Worker, error: ErrorCode) {
        let mut outcomes = worker.outcomes.borrow_mut();
        let series = outcomes.error(self.series.errors, self.id, &self.labels, error);
        worker.shard.borrow_mut().count(series, 1);
    }

    /// An exchange that is over, from when it was due.
    pub(in crate::flow) fn conclude(&self, worker: &Worker, due: Elapsed, at: Elapsed, failed: bool) {
        self.conclude_with(worker, due, at, failed, |_| {});
    }

    /// With what else is known of it.
    pub(super) fn conclude_with(
        &self,
        worker: &Worker,
        due: Elapsed,
        at: Elapsed,
        failed: bool,
        also: impl FnOnce(&mut Shard),
    ) {
        let mut shard = worker.shard.borrow_mut();
        shard.exchange(Some((self.series.failed, at)));
        also(&mut shard);
        shard.time(self.series.response_time, at.since(due));
        shard.rate(self.series.failed, failed);
        shard.exchange(None);
    }
}
