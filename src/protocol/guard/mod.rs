//! Where load may go: the hosts and networks that are allowed, and the addresses that never are.

mod pattern;

pub use pattern::{AllowedTarget, AllowedTargetError};
