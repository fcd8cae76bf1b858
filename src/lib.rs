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

pub mod time;
pub mod ids;
pub mod sample;
pub mod metric;
pub mod labels;
pub mod family;
pub mod record;
pub mod template;
pub mod executor;
pub mod protocol;
pub mod flow;
pub mod exposition;
pub mod config;
pub mod plan;
pub mod aggregate;
pub mod rules;
pub mod scheduler;
pub mod scrape;
pub mod verdict;
pub mod report;
pub mod run;
pub mod api;
pub mod cli;
pub mod target;
