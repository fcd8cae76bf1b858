//! loadgate: a Prometheus-native load-test harness and exporter.
//!
//! One direction, from a YAML key to the exit code; a module uses only those above it
//! (`tests/it/layers.rs` keeps the order):
//!
//! ```text
//! plan file ─> config ─> plan ─> scheduler ─> record ─> aggregate ─┐
//!                         │     (executor, flow, protocol)         ├─> families ─> /metrics
//! target /metrics ──────────────────> scrape ──────────────────────┤
//!                                                                  └─> rules ─> verdict ─> report, exit code
//! ```

pub mod aggregate;
pub mod api;
pub mod cli;
pub mod config;
pub mod executor;
pub mod exposition;
pub mod family;
pub mod flow;
pub mod ids;
pub mod labels;
pub mod metric;
pub mod plan;
pub mod protocol;
pub mod record;
pub mod report;
pub mod rules;
pub mod run;
pub mod sample;
pub mod scheduler;
pub mod scrape;
pub mod selector;
pub mod target;
pub mod template;
pub mod time;
pub mod verdict;
