//! A finished run: what every report is made of, and nothing else.

use std::time::{Duration, SystemTime};

use super::ScenarioProgress;
use crate::aggregate::Totals;
use crate::rules::{Gate, ProbeSamples};
use crate::verdict::{Doubt, ScrapeHealth, Verdict};

#[derive(Debug)]
pub struct Finished {
    /// The run's id, the label `testid`.
    pub testid: String,
    /// The plan's name, the label `test`.
    pub test: String,
    /// The part of the load that this machine sent, as `1/3:2/3`; `None` for all of it.
    pub segment: Option<String>,
    pub started_at: SystemTime,
    /// From the start of load to its end.
    pub elapsed: Duration,
    pub verdict: Verdict,
    pub gates: Vec<Gate>,
    pub doubts: Vec<Doubt>,
    /// Why no load was sent, or what stopped the run: a signal, or the threshold that aborted it.
    pub ended_by: Option<String>,
    pub totals: Totals,
    pub scenarios: Vec<ScenarioProgress>,
    pub probes: Vec<Probe>,
    pub scrapes: Vec<ScrapeHealth>,
}

#[derive(Debug, Clone)]
pub struct Probe {
    pub name: String,
    pub query: String,
    pub samples: ProbeSamples,
}
