//! Hooks and faults of a run, journaled in the store.

use std::sync::Arc;

use crate::store::{RunId, Runs};

#[derive(Debug)]
pub(super) struct Journal {
    id: RunId,
    runs: Arc<Runs>,
}

impl Journal {
    pub(super) fn new(id: RunId, runs: Arc<Runs>) -> Self {
        Journal { id, runs }
    }
}
