//! Shards to totals, and totals to families. Pure.

mod families;
mod query;
mod totals;

pub use families::exported_names;
pub use query::Selector;
pub use totals::Totals;
