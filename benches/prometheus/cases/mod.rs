//! What is measured, one file each: data, loads, figures, targets.

pub(crate) mod exposition;
pub(crate) mod range;
pub(crate) mod rules;
pub(crate) mod store;
