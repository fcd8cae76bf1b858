//! What must hold. Pure.
//!
//! Two ways lead to a [`Gate`]. A plan's thresholds and objectives become PromQL ([`ThresholdRules`]), which is asked of
//! the run's families. A [`RuleFile`] gives [`Group`]s, which are evaluated tick by tick on a store, as Prometheus does it;
//! an [`AlertWatch`] looks at their states. Whoever calls holds the clock.

mod alert_gates;
pub mod annotation;
mod compile;
mod file;
mod gate;
mod group;
mod judge;
mod nearest;
mod probe;
mod threshold;
pub mod unit_test;
mod value;

pub use alert_gates::{
    Abort, AlertRule, AlertRules, AlertWatch, Origin, RuleNow, gravity, longest_reach, states,
};
pub use compile::{
    ELAPSED, PROBE, RUN_FINAL, RUN_INFO, Scope, THRESHOLD_OK, THRESHOLD_VALUE, ThresholdRule, ThresholdRules,
};
pub use file::{Checked, GroupSpec, RuleFile, RuleKind, RuleSpec, Templated};
pub use gate::{
    AlertGate, AlertOutcome, Effect, Evaluator, Firing, Gate, Gravity, Level, NoData, Objective, Outcome,
    ThresholdGate,
};
pub use group::{
    ActiveAlert, AlertState, AppendError, Context, DEFAULT_INTERVAL, Evaluation, Failure, Group, Health,
    Notice, Rule, Storage,
};
pub use judge::{Moment, Snapshot, probe_families};
use nearest::nearest;
pub(crate) use nearest::nearest_metrics;
pub use probe::ProbeSamples;
pub use threshold::{Aggregation, Comparison, Observed, Subject, Threshold};
