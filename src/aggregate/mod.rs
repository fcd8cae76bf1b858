//! Shards to totals, and totals to families. Pure.

mod families;
mod query;
mod totals;

pub use query::Selector;
pub use totals::Totals;
