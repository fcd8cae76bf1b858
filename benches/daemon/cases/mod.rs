//! What is tried, a file each.

pub(crate) mod api;
pub(crate) mod compare;
pub(crate) mod kills;
pub(crate) mod soak;

use crate::Result;
use crate::bench::Bench;
use crate::table::Targets;

pub(crate) type Run = fn(&Bench, &mut Targets) -> Result<()>;
