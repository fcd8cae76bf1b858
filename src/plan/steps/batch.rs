//! The step `batch`, compiled.

use super::Steps;
use crate::config::BatchConfig;
use crate::flow::Batch;

impl Steps<'_> {
    /// What one of its requests captures the others cannot see: they are sent at the same time.
    pub(super) fn batch(&mut self, batch: &BatchConfig) -> Batch {
        let (before, exchanged) = (self.names.clone(), self.exchanged);
        let mut steps = Vec::with_capacity(batch.flow.len());
        for http in &batch.flow {
            self.names = before.clone();
            self.exchanged = exchanged;
            steps.extend(self.http(http));
        }
        self.names = before;
        for captured in batch.flow.iter().flat_map(|http| &http.capture) {
            self.names.add(&captured.name.value);
        }
        self.exchanged = true;
        Batch { parallel: batch.parallel, per_host: batch.per_host, steps }
    }
}
