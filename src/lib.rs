//! loadgate: a Prometheus-native load-test harness and exporter.
//!
//! One direction, from a YAML key to the exit code; a module uses only those above it in the list
//! below (`tests/it/layers.rs` keeps the order):
//!
//! ```text
//! plan file ─> config ─> plan ─> scheduler ─> record ─> aggregate ─┐
//!                         │     (executor, flow, protocol)         ├─> families ─> /metrics
//! target /metrics ──────────────────> scrape ──────────────────────┤
//!                                                                  v
//!                              query API <─ promql <─────────────  tsdb
//!                                             └─> rules ─> verdict ─> report, exit code
//!                                                   └─> notify
//! ```
//!
//! loadgate scrapes itself: the store takes the very families that `/metrics` show, and those of the targets, so that a
//! rule sees in process what Prometheus would see. A threshold is a rule, too.
//!
//! To follow one key, `vus: 100`: `config/executor.rs` reads it, `plan/scenario.rs` makes an
//! [`executor::ConstantVus`] of it, `scheduler/scenario.rs` starts that many users, each runs
//! [`flow`]'s steps, `flow/http/` sends its bytes through [`protocol::http`], and writes what came
//! of it into its worker's [`record::Shard`]. Once a second [`run`] adds the shards up
//! ([`aggregate`]), shows the sums to store and rules ([`tsdb`], [`rules`]) and, at the end, decides ([`verdict`]).

// What everything is made of.
pub mod time;
pub mod ids;
pub mod sample;
pub mod metric;
pub mod labels;
pub mod family;
pub mod promql;
pub mod tsdb;
pub mod record;
pub mod budget;
// What an iteration is made of.
pub mod template;
pub mod data;
pub mod executor;
pub mod ledger;
pub mod protocol;
pub mod flow;
// What comes in from outside, and what goes out.
pub mod exposition;
pub mod config;
// What must hold.
pub mod aggregate;
pub mod rules;
// A plan, and all that happens while it is executed.
pub mod plan;
pub mod scheduler;
pub mod scrape;
pub mod notify;
pub mod prometheus;
pub mod verify;
pub mod action;
pub mod chaos;
pub mod verdict;
pub mod dashboard;
pub mod page;
pub mod report;
pub mod run;
// Runs that outlive the terminal.
pub mod store;
pub mod daemon;
pub mod api;
// The demo target is a service of its own and uses nothing of the above.
pub mod target;
pub mod cli;
