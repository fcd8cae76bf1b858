//! The latest families, handed from the aggregator to whoever scrapes us.

use std::sync::{Arc, Mutex, PoisonError};

use crate::family::Family;

/// Holds the latest families. Publishing and reading swap a pointer; neither waits for an encoding.
#[derive(Debug, Default)]
pub struct Exporter {
    latest: Mutex<Option<Arc<Vec<Family>>>>,
}

impl Exporter {
    pub fn new() -> Self {
        Exporter::default()
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
