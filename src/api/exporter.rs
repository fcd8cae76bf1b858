//! The latest families, handed from the aggregator to whoever scrapes us.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::family::Family;

/// Holds the latest families. Publishing and reading swap a pointer; neither waits for an encoding.
#[derive(Debug)]
pub struct Exporter {
    latest: Mutex<Option<Arc<Vec<Family>>>>,
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
        Exporter { latest: Mutex::new(None), encoders: Semaphore::new(MAX_ENCODERS) }
    }

    /// Replaces what `/metrics` shows, as a whole: a scrape never sees half of it.
    pub fn publish(&self, families: Vec<Family>) {
        let new = Some(Arc::new(families));
        let old = {
            let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *latest, new)
        };
        drop(old); // maybe the last copy, of thousands of series: not under the lock
    }

    /// What was published last; `None` before the first.
    pub fn latest(&self) -> Option<Arc<Vec<Family>>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
