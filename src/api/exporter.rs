//! The latest families, handed from the aggregator to whoever scrapes us.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::Latest;
use crate::family::Family;

/// Holds the latest families. Publishing does not wait for an encoding.
#[derive(Debug)]
pub struct Exporter {
    latest: Latest<Vec<Family>>,
    /// So that many scrapers at once cannot take the cores from the load.
    pub(super) encoders: Semaphore,
}

const MAX_ENCODERS: usize = 2;

impl Default for Exporter {
    fn default() -> Self {
        Exporter::new()
    }
}

impl Exporter {
    pub fn new() -> Self {
        Exporter { latest: Latest::default(), encoders: Semaphore::new(MAX_ENCODERS) }
    }

    /// Replaces what `/metrics` shows, as a whole: a scrape never sees half of it.
    pub fn publish(&self, families: Vec<Family>) {
        self.latest.publish(families);
    }

    /// What was published last; `None` before the first.
    pub fn latest(&self) -> Option<Arc<Vec<Family>>> {
        self.latest.latest()
    }
}
