//! A finished run: what every report is made of, and nothing else.

use std::time::{Duration, SystemTime};

use super::ScenarioProgress;
use crate::action::{HookList, Outcome};
use crate::aggregate::Totals;
use crate::plan;
use crate::rules::{AlertGate, Gate, ProbeSamples, ThresholdGate};
use crate::verdict::{Doubt, ScrapeHealth, Verdict, exit_code};

#[derive(Debug)]
pub struct Finished {
    /// The run's id, the label `testid`.
    pub testid: String,
    /// The plan's name, the label `test`.
    pub test: String,
    /// The part of the load that this machine sent, as `1/3:2/3`; `None` for all of it.
    pub segment: Option<String>,
    pub started_at: SystemTime,
    /// After preflight and setup; of a run that sent no load, when it started.
    pub load_began: SystemTime,
    /// From the start of load to its end, without pauses.
    pub elapsed: Duration,
    /// All pauses together; they are over, or the run was stopped in one.
    pub paused: Duration,
    pub verdict: Verdict,
    pub gates: Vec<Gate>,
    pub doubts: Vec<Doubt>,
    /// Where a Prometheus that judges too came to another conclusion.
    pub disagreements: Vec<String>,
    /// Why no load was sent, or what stopped the run: a signal, or the threshold that aborted it.
    pub ended_by: Option<String>,
    /// What was judged.
    pub totals: Totals,
    pub scenarios: Vec<ScenarioProgress>,
    pub probes: Vec<Probe>,
    pub scrapes: Vec<ScrapeHealth>,
    /// What was sent before anything was judged, if the plan has a warmup.
    pub warmup: Option<Warmup>,
    /// What was done when the verdict was known.
    pub hooks: Vec<HookReport>,
    /// What was broken, in the plan's order.
    pub faults: Vec<FaultReport>,
}

/// A fault of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultReport {
    pub name: String,
    /// What broke it; `None` where only a time was measured.
    pub act: Option<String>,
    /// Since load began, if it was there.
    pub injected: Option<Duration>,
    /// Since load began, if it was gone again.
    pub cleared: Option<Duration>,
    /// Since it was gone.
    pub recovered_after: Option<Duration>,
    pub done: Option<Outcome>,
    pub undone: Option<Outcome>,
}

/// One of `hooks` that was done.
#[derive(Debug, Clone, PartialEq)]
pub struct HookReport {
    pub list: HookList,
    /// `exec ./notify.sh`
    pub what: String,
    pub outcome: Outcome,
}

/// Load that is in no value here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warmup {
    pub duration: Duration,
    /// Completed before its end.
    pub iterations: u64,
}

impl Finished {
    /// Thresholds, and both levels of objectives.
    pub fn thresholds(&self) -> impl Iterator<Item = &ThresholdGate> {
        self.gates.iter().filter_map(Gate::threshold)
    }

    pub fn alerts(&self) -> impl Iterator<Item = &AlertGate> {
        self.gates.iter().filter_map(Gate::alert)
    }

    /// The time that `totals` are of.
    pub fn judged_for(&self) -> Duration {
        self.elapsed.saturating_sub(self.warmup.map_or(Duration::ZERO, |warmup| warmup.duration))
    }

    /// Our own mistakes are 1, unless the verdict is worse anyway.
    pub fn exit_code(&self) -> u8 {
        exit_code(self.verdict, &self.doubts)
    }
}

#[derive(Debug, Clone)]
pub struct Probe {
    pub name: String,
    pub query: String,
    pub samples: ProbeSamples,
}

impl Probe {
    pub fn of(probe: &plan::Probe, samples: &ProbeSamples) -> Self {
        Probe { name: probe.name.clone(), query: probe.query.text().to_owned(), samples: *samples }
    }
}
