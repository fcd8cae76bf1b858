//! Shards to totals, and totals to families. Pure.

mod families;
mod ledger;
mod query;
mod totals;

pub use families::{exported_names, gauge_name, histogram_name, statistic_name, total_name};
pub use ledger::Ledger;
pub use query::Selector;
pub use totals::{Absorb, Totals};
