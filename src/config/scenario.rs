//! Scenarios and their executors.

use std::time::Duration;

use super::{At, StepConfig};

#[derive(Debug, Clone)]
pub struct ScenarioConfig {
    /// `[0-9a-zA-Z_-]+`, as k6 has it.
    pub name: At<String>,
    pub executor: ExecutorConfig,
    /// From the start of the run (default 0).
    pub start_time: Duration,
    /// How long running iterations may go on after the end (default 30 s).
    pub graceful_stop: Duration,
    pub tags: Vec<(At<String>, At<String>)>,
    pub flow: Vec<At<StepConfig>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExecutorConfig {
    ConstantVus {
        /// Default 1.
        vus: u64,
        duration: Duration,
    },
    ConstantArrivalRate {
        /// Iterations per `time_unit`; above 0, may be fractional.
        rate: f64,
        /// Default 1 s.
        time_unit: Duration,
        duration: Duration,
        pre_allocated_vus: u64,
        /// Default `pre_allocated_vus`.
        max_vus: u64,
    },
}
