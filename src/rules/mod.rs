//! What must hold. Pure.
//!
//! The seam: [`Threshold`]s and what was observed go in, [`Gate`]s come out. Who calls does not
//! know how a threshold is evaluated.

pub mod annotation;
mod gate;
mod probe;
mod threshold;

pub use gate::{Gate, Outcome};
pub use probe::ProbeSamples;
pub use threshold::{Aggregation, Comparison, Observed, Subject, Threshold};
