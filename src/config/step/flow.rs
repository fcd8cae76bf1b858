//! Steps that steer: sleep, group, repeat, if.

use std::time::Duration;

use super::super::At;
use super::StepConfig;

/// Uniform between the two; equal for a plain `sleep: 1s`.
#[derive(Debug, Clone, Copy)]
pub struct SleepConfig {
    pub min: Duration,
    pub max: Duration,
}

#[derive(Debug, Clone)]
pub struct GroupConfig {
    pub name: At<String>,
    pub flow: Vec<At<StepConfig>>,
}

#[derive(Debug, Clone)]
pub struct RepeatConfig {
    pub until: LoopConfig,
    pub flow: Vec<At<StepConfig>>,
}

#[derive(Debug, Clone)]
pub enum LoopConfig {
    Times(u64),
    /// An expression.
    While(At<String>),
}

#[derive(Debug, Clone)]
pub struct IfConfig {
    pub when: At<String>,
    pub then: Vec<At<StepConfig>>,
    pub otherwise: Vec<At<StepConfig>>,
}
