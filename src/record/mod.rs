//! Recording: what a worker thread writes for each exchange, without a lock and without an allocation.
//!
//! A series gets its number once, from the [`Registry`]; from then on a worker writes into its own
//! [`Shard`], a dense array. At each tick the shard is swapped for an empty one and handed to the aggregator. A [`Tap`] gets each sample as well, where somebody wants them one by one.

mod cell;
mod distribution;
mod native;
mod registry;
mod shard;
mod tap;

pub use cell::Cell;
pub use distribution::{Distribution, quantile_of_percent};
pub use native::{NativeBuckets, SCHEMA, ZERO_THRESHOLD};
pub use registry::{Registry, SeriesKey};
pub use shard::{Note, Shard};
pub use tap::{DroppedSamples, Sample, Tap, Taps};
