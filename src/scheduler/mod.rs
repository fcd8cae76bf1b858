//! Plan to samples: worker threads, virtual users, pacing, graceful stop. The only module that
//! starts iterations; it sleeps and spawns, and decides nothing that `executor` could decide.
//!
//! Each worker thread runs users as local tasks, so that nothing on the hot path is locked. An
//! arrival goes to a user of its home worker, else to any worker that has an idle one: whether an
//! iteration is dropped does not depend on the number of workers.

mod arrivals;
mod load;
mod load_time;
mod numbers;
mod pacer;
mod pool;
mod scenario;
mod steering;
#[cfg(test)]
mod tests;
mod users;
mod worker;

pub use load::{Load, LoadOptions};
pub use load_time::LoadTime;
pub use pacer::Timing;
pub use pool::PoolState;
