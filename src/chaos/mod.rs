//! Faults on a timeline, and how long the target takes to recover from them. Pure: whoever calls holds the clock and acts.

mod recovery;
mod timeline;

pub use recovery::{Recovery, RecoveryState};
pub use timeline::{Deed, Schedule, Stage, Timeline};
