//! Hooks and faults of a run, journaled in the store.

use std::io;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::action;
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
