//! What is measured, one file each: data, loads, figures, targets.

pub(crate) mod exposition;
pub(crate) mod range;
pub(crate) mod rules;
pub(crate) mod store;

use crate::Result;
use crate::bench::Bench;
use crate::report::Report;

/// A case prints its tables as it goes and leaves its targets in the report.
pub(crate) type Run = fn(&Bench, &mut Report) -> Result<()>;
