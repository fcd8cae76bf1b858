//! What the API answers from: each part is published by its owner and only read here.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{Exporter, Latest, RuleGroup, Target};
use crate::tsdb::Store;

/// Shared by the thread that serves and those that publish; none waits for another.
#[derive(Debug)]
pub struct Sources {
    /// `/metrics`.
    pub exporter: Arc<Exporter>,
    /// Queries, series, labels and metadata. Fed at each tick by [`Store::scrape`] and [`Store::append`].
    pub store: Arc<Store>,
    /// `/api/v1/rules` and `/api/v1/alerts`: all groups as they stand after a tick, published as a whole.
    pub rules: Latest<Vec<RuleGroup>>,
    /// `/api/v1/targets`: published after each scrape; see [`Target::record`].
    pub targets: Latest<Vec<Target>>,
    pub(super) limits: QueryLimits,
    /// A place for each query that is evaluated.
    pub(super) places: Arc<Semaphore>,
}

/// What those who ask may use of this process.
#[derive(Debug, Clone, Copy)]
pub struct QueryLimits {
    /// Evaluated at a time; the next ones wait for a place until their timeout.
    pub concurrent: usize,
    /// For waiting and evaluating together. A request may ask for less, not for more.
    pub timeout: Duration,
    /// Points that one query holds at a time.
    pub max_points: usize,
}

impl Default for QueryLimits {
    /// Prometheus' own, but for the points: five times fewer, since the memory is the load generator's.
    fn default() -> Self {
        QueryLimits { concurrent: 20, timeout: Duration::from_secs(120), max_points: 10_000_000 }
    }
}

impl Sources {
    /// Nothing is published yet: `/metrics` is empty, and there are no rules and no targets.
    pub fn new(store: Arc<Store>) -> Self {
        Sources::with_limits(store, QueryLimits::default())
    }

    pub fn with_limits(store: Arc<Store>, limits: QueryLimits) -> Self {
        Sources {
            exporter: Arc::default(),
            store,
            rules: Latest::default(),
            targets: Latest::default(),
            limits,
            places: Arc::new(Semaphore::new(limits.concurrent)),
        }
    }

    /// Other series, asked within the same limits and waiting for the same places.
    pub(super) fn over(&self, store: Arc<Store>) -> Self {
        Sources { places: Arc::clone(&self.places), ..Sources::with_limits(store, self.limits) }
    }
}
