//! What must hold. Pure.
//!
//! A plan's thresholds and objectives become PromQL ([`ThresholdRules`]), and what that finds becomes [`Gate`]s.

mod compile;
mod gate;
mod judge;
mod nearest;
mod probe;
mod threshold;

pub use compile::{
    ELAPSED, PROBE, RUN_FINAL, RUN_INFO, Scope, THRESHOLD_OK, THRESHOLD_VALUE, ThresholdRule, ThresholdRules,
};
pub use gate::{
    AlertGate, AlertOutcome, Effect, Firing, Gate, Gravity, Level, NoData, Objective, Outcome, ThresholdGate,
};
pub use judge::{Moment, Snapshot, probe_families};
pub(crate) use nearest::nearest;
pub use probe::ProbeSamples;
pub use threshold::{Aggregation, Comparison, Observed, Subject, Threshold};
