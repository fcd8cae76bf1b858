//! YAML to checked types. Every value that a later layer may still refuse carries its place in the file.

mod place;
mod plan;
mod scenario;
mod step;
mod target;
mod threshold;

pub use place::{At, Place};
pub use plan::{Defaults, Limits, MetricConfig, MetricKind, PlanConfig, TlsConfig};
pub use scenario::{ExecutorConfig, ScenarioConfig};
pub use step::*;
pub use target::{ProbeConfig, ScrapeConfig};
pub use threshold::{Aggregation, Comparison, MetricSelector, ThresholdConfig};
