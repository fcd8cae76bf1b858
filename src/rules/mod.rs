//! What must hold. Pure.
//!
//! Two ways lead here. A [`Threshold`] and what was observed give a [`Gate`]. A [`RuleFile`] gives [`Group`]s, which
//! are evaluated tick by tick on a store, as Prometheus does it; whoever calls holds the clock.

pub mod annotation;
mod file;
mod gate;
mod group;
mod probe;
mod threshold;
pub mod unit_test;
mod value;

pub use file::{Checked, GroupSpec, RuleFile, RuleKind, RuleSpec, Templated};
pub use gate::{Gate, Outcome};
pub use group::{
    ActiveAlert, AlertState, AppendError, Context, DEFAULT_INTERVAL, Evaluation, Failure, Group, Health,
    Notice, Rule, Storage,
};
pub use probe::ProbeSamples;
pub use threshold::{Aggregation, Comparison, Observed, Subject, Threshold};
