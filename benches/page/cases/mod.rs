//! What is measured, a file each.

pub(crate) mod cost;
pub(crate) mod open;
pub(crate) mod report;

use crate::Result;
use crate::bench::Bench;
use crate::table::Targets;

pub(crate) type Run = fn(&Bench, &mut Targets) -> Result<()>;
