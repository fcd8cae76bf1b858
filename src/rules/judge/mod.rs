//! Rules to gates: whether a threshold was crossed is what its rule finds in the families; the value shown beside it is
//! that of the sums in this process.

#[cfg(test)]
mod agreement;
mod snapshot;
mod thresholds;

pub use snapshot::Snapshot;
pub use thresholds::{Moment, probe_families};
