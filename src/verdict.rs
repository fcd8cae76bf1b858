//! Gates and doubts to a verdict, and the verdict to an exit code. Pure: the one place that decides.

use std::fmt;
use std::time::Duration;

use crate::executor::DropReason;
use crate::prometheus;
use crate::rules::{Effect, Gate};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed,
    /// Not enough is known to say passed: no data, or the generator was the bottleneck.
    Inconclusive,
    /// A preflight check failed; no load was sent.
    PreflightFailed,
    /// By a signal.
    Stopped,
}

/// Why the numbers may not be trusted.
#[derive(Debug, Clone, PartialEq)]
pub enum Doubt {
    NoIterations,
    Dropped {
        dropped: u64,
        due: u64,
        allowed: f64,
        /// Of most of them.
        reason: Option<DropReason>,
    },
    Lag {
        p99: Duration,
    },
    Cpu {
        seconds: u32,
    },
    DescriptorsSpent {
        exchanges: u64,
    },
    MemorySpent {
        refusals: u64,
        limit_bytes: u64,
    },
    /// The embedded store had no room for what rules may have wanted to see.
    StoreFull {
        samples: u64,
    },
    IterationErrors {
        errors: u64,
        iterations: u64,
    },
    ScrapesMissed {
        job: String,
        missed: u64,
        due: u64,
        reason: String,
    },
    /// The run's own numbers are whole, but what was asked for beside them is not.
    SamplesDropped {
        dropped: u64,
    },
    OutputIncomplete {
        /// As on the command line: `json=run.json`.
        output: String,
        reason: String,
    },
    /// The daemon could not keep all that the run said.
    RecordIncomplete(String),
    /// A Prometheus was to judge too, and nobody knows what it found.
    Prometheus(prometheus::Doubt),
    /// What `teardown` could not do: the next run may find its leavings.
    Teardown(String),
    /// A fault of `chaos` that could not be done: what it should have shown was not there.
    FaultNotDone {
        name: String,
        what: String,
        error: String,
    },
    /// It may still be there.
    FaultNotUndone {
        name: String,
        what: String,
        error: String,
    },
    /// Something this program should not do to itself.
    Internal(String),
}

/// What the generator says of itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health {
    /// Iterations that were due: started and dropped.
    pub due: u64,
    pub dropped: u64,
    /// The reason of most that were dropped.
    pub dropped_for: Option<DropReason>,
    pub completed: u64,
    /// The share of dropped iterations that is allowed.
    pub max_dropped: f64,
    pub lag_p99: Duration,
    /// The longest time in a row that a worker used more than 90 % of its core.
    pub busiest_seconds: u32,
    /// Exchanges that failed for want of a descriptor or port.
    pub descriptors_spent: u64,
    /// How often the budget for bodies and messages had no room.
    pub memory_refusals: u64,
    /// That budget.
    pub memory_limit_bytes: u64,
    pub iteration_errors: u64,
    /// Samples that the embedded store refused, or let go although a rule needs them.
    pub unstored_samples: u64,
    pub scrapes: Vec<ScrapeHealth>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScrapeHealth {
    pub job: String,
    pub due: u64,
    pub missed: u64,
    pub last_error: String,
}

const MAX_LAG: Duration = Duration::from_millis(100);
const MAX_BUSY_SECONDS: u32 = 3;
/// Of a target's scrapes; a run whose target was blind for longer cannot be judged by it.
const MAX_MISSED_SCRAPES: f64 = 0.1;

impl Health {
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        if self.completed == 0 {
            doubts.push(Doubt::NoIterations);
        }
        if self.dropped as f64 > self.max_dropped * self.due as f64 {
            doubts.push(Doubt::Dropped {
                dropped: self.dropped,
                due: self.due,
                allowed: self.max_dropped,
                reason: self.dropped_for,
            });
        }
        if self.lag_p99 > MAX_LAG {
            doubts.push(Doubt::Lag { p99: self.lag_p99 });
        }
        if self.busiest_seconds >= MAX_BUSY_SECONDS {
            doubts.push(Doubt::Cpu { seconds: self.busiest_seconds });
        }
        if self.descriptors_spent > 0 {
            doubts.push(Doubt::DescriptorsSpent { exchanges: self.descriptors_spent });
        }
        if self.memory_refusals > 0 {
            let (refusals, limit_bytes) = (self.memory_refusals, self.memory_limit_bytes);
            doubts.push(Doubt::MemorySpent { refusals, limit_bytes });
        }
        if self.unstored_samples > 0 {
            doubts.push(Doubt::StoreFull { samples: self.unstored_samples });
        }
        if self.iteration_errors as f64 > self.max_dropped * self.due as f64 {
            doubts.push(Doubt::IterationErrors { errors: self.iteration_errors, iterations: self.due });
        }
        doubts.extend(self.scrapes.iter().filter_map(ScrapeHealth::doubt));
        doubts
    }
}

impl Doubt {
    /// What it is about, without the numbers of one run: for those who compare runs.
    pub fn subject(&self) -> String {
        match self {
            Doubt::NoIterations => "no iterations".to_owned(),
            Doubt::Dropped { .. } => "dropped iterations".to_owned(),
            Doubt::Lag { .. } => "iteration lag".to_owned(),
            Doubt::Cpu { .. } => "generator's CPU".to_owned(),
            Doubt::DescriptorsSpent { .. } => "descriptors and ports".to_owned(),
            Doubt::MemorySpent { .. } => "memory for bodies".to_owned(),
            Doubt::StoreFull { .. } => "embedded store".to_owned(),
            Doubt::IterationErrors { .. } => "iteration errors".to_owned(),
            Doubt::ScrapesMissed { job, .. } => format!("scrapes of {job}"),
            Doubt::SamplesDropped { .. } => "dropped samples".to_owned(),
            Doubt::OutputIncomplete { output, .. } => format!("output {output}"),
            Doubt::RecordIncomplete(_) => "record".to_owned(),
            Doubt::Prometheus(doubt) => doubt.subject(),
            Doubt::Teardown(_) => "teardown".to_owned(),
            Doubt::FaultNotDone { name, .. } | Doubt::FaultNotUndone { name, .. } => format!("fault {name}"),
            Doubt::Internal(_) => "internal".to_owned(),
        }
    }
}

impl ScrapeHealth {
    fn doubt(&self) -> Option<Doubt> {
        // One missed scrape is never a doubt, however short the run.
        if self.missed <= 1 && self.due > 1 || self.missed as f64 <= MAX_MISSED_SCRAPES * self.due as f64 {
            return None;
        }
        let (job, reason) = (self.job.clone(), self.last_error.clone());
        Some(Doubt::ScrapesMissed { job, missed: self.missed, due: self.due, reason })
    }
}

/// Stopped before failed before inconclusive before passed. Doubts never replace a failure.
pub fn decide(gates: &[Gate], doubts: &[Doubt], stopped: bool) -> Verdict {
    if stopped {
        return Verdict::Stopped;
    }
    match gates.iter().map(Gate::effect).max().unwrap_or(Effect::Nothing) {
        Effect::Fails => Verdict::Failed,
        Effect::Inconclusive => Verdict::Inconclusive,
        Effect::Nothing | Effect::Degrades if !doubts.is_empty() => Verdict::Inconclusive,
        Effect::Nothing | Effect::Degrades => Verdict::Passed,
    }
}

/// The verdict's own code, but 1 for a run that is inconclusive because of a mistake of this program: who is told 98
/// looks for the reason in the plan or the machine.
pub fn exit_code(verdict: Verdict, doubts: &[Doubt]) -> u8 {
    let our_fault = doubts.iter().any(|doubt| matches!(doubt, Doubt::Internal(_)));
    if verdict == Verdict::Inconclusive && our_fault { 1 } else { verdict.exit_code() }
}

impl Verdict {
    pub const ALL: [Verdict; 5] =
        [Verdict::Passed, Verdict::Failed, Verdict::Inconclusive, Verdict::PreflightFailed, Verdict::Stopped];

    /// The label `verdict`, and the word in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Inconclusive => "inconclusive",
            Verdict::PreflightFailed => "preflight_failed",
            Verdict::Stopped => "stopped",
        }
    }

    /// 99 and 105 are k6's; 97 and 98, which k6's cloud uses otherwise, are ours.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Passed => 0,
            Verdict::Failed => 99,
            Verdict::Inconclusive => 98,
            Verdict::PreflightFailed => 97,
            Verdict::Stopped => 105,
        }
    }
}

/// What to do about iterations that were dropped.
fn remedy(reason: DropReason) -> &'static str {
    match reason {
        DropReason::NoIdleVu => "raise max_vus, or ask for less",
        DropReason::MaxDuration => "raise max_duration, or ask for fewer",
        DropReason::PacerLate => "the generator stood still until their scenario was over; give it more CPU",
        DropReason::Aborted => "the load was aborted",
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::NoIterations => f.write_str("no iteration was completed"),
            Doubt::Dropped { dropped, due, allowed, reason } => write!(
                f,
                "{dropped} of {due} iterations were dropped, more than limits.max_dropped ({}%): {}",
                allowed * 100.0,
                reason.map_or("ask for less", remedy)
            ),
            Doubt::Lag { p99 } => {
                write!(f, "the generator was late: p99 of iteration lag is {p99:.0?}, more than {MAX_LAG:?}")
            }
            Doubt::Cpu { seconds } => write!(
                f,
                "a worker used more than 90% of its core for {seconds} s in a row: the generator was the bottleneck"
            ),
            Doubt::DescriptorsSpent { exchanges } => write!(
                f,
                "{exchanges} exchanges failed because this machine had no descriptor or port left: raise `ulimit -n` or use fewer VUs"
            ),
            Doubt::MemorySpent { refusals, limit_bytes } => write!(
                f,
                "{refusals} times a body or message found no room in limits.memory ({} MiB): raise it, use fewer VUs, or read less of the responses",
                limit_bytes >> 20
            ),
            Doubt::StoreFull { samples } => write!(
                f,
                "the embedded store had no room for {samples} samples: rules did not see all that was scraped; scrape fewer series"
            ),
            Doubt::IterationErrors { errors, iterations } => {
                write!(
                    f,
                    "{errors} of {iterations} iterations ended early because an expression could not be evaluated, more than limits.max_dropped allows"
                )
            }
            Doubt::ScrapesMissed { job, missed, due, reason } => {
                write!(f, "{missed} of {due} scrapes of `{job}` failed, the last with: {reason}")
            }
            Doubt::SamplesDropped { dropped } => write!(
                f,
                "{dropped} samples were not written, because --out could not keep up: the files are incomplete, gates and summary are not"
            ),
            Doubt::OutputIncomplete { output, reason } => {
                write!(f, "--out {output} is incomplete: {reason}; gates and summary are not")
            }
            Doubt::RecordIncomplete(reason) => {
                write!(f, "the run's record is incomplete: {reason}; gates and summary are not")
            }
            Doubt::Prometheus(doubt) => doubt.fmt(f),
            Doubt::Teardown(why) => write!(f, "{why}: what this run made may still be there"),
            Doubt::FaultNotDone { name, what, error } => {
                write!(f, "fault `{name}` was not there: {what}: {error}")
            }
            Doubt::FaultNotUndone { name, what, error } => {
                write!(f, "fault `{name}` may still be there, undo it by hand: {what}: {error}")
            }
            Doubt::Internal(what) => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Unit;
    use crate::rules::{NoData, Outcome, ThresholdGate, VerificationGate, VerificationOutcome};

    fn gate(outcome: Outcome) -> Gate {
        let (subject, threshold, unit) = ("http_reqs".to_owned(), "count>1".to_owned(), Unit::Plain);
        let (value, limit, objective) = (None, 1.0, None);
        Gate::Threshold(ThresholdGate { subject, threshold, objective, value, limit, unit, outcome })
    }

    fn no_data() -> Outcome {
        Outcome::NoData(NoData { selector: "k6_x".to_owned(), nearest: Vec::new(), why: "none".to_owned() })
    }

    #[test]
    fn stopped_goes_before_failed_before_inconclusive_before_passed() {
        let held = || gate(Outcome::Held);
        let crossed = || gate(Outcome::Crossed);
        let blind = || gate(no_data());
        let doubt = || vec![Doubt::NoIterations];
        let verified = |outcome| {
            Gate::Verification(VerificationGate { name: "redis 1".to_owned(), kind: "redis", outcome })
        };
        let found = || "101".to_owned();
        let holds = || VerificationOutcome::Held { found: found() };
        let fails =
            || VerificationOutcome::Failed { found: found(), wanted: "equals 100".to_owned(), at: None };
        let unknown = || VerificationOutcome::Unknown { why: "connection refused".to_owned() };
        let no_series = || {
            let Outcome::NoData(no_data) = no_data() else { unreachable!() };
            VerificationOutcome::NoData(no_data)
        };
        for (gates, doubts, stopped, expected) in [
            (vec![], vec![], false, Verdict::Passed),
            (vec![held()], vec![], false, Verdict::Passed),
            (vec![held(), crossed()], vec![], false, Verdict::Failed),
            (vec![blind()], vec![], false, Verdict::Inconclusive),
            (vec![held()], doubt(), false, Verdict::Inconclusive),
            (vec![], doubt(), false, Verdict::Inconclusive),
            (vec![crossed(), blind()], doubt(), false, Verdict::Failed),
            (vec![held()], vec![], true, Verdict::Stopped),
            (vec![crossed()], doubt(), true, Verdict::Stopped),
            (vec![held(), verified(holds())], vec![], false, Verdict::Passed),
            (vec![held(), verified(fails())], vec![], false, Verdict::Failed),
            (vec![verified(unknown())], vec![], false, Verdict::Inconclusive),
            (vec![verified(no_series())], vec![], false, Verdict::Inconclusive),
            (vec![verified(unknown()), verified(fails())], doubt(), false, Verdict::Failed),
            (vec![verified(unknown()), crossed()], vec![], false, Verdict::Failed),
            (vec![verified(holds())], doubt(), false, Verdict::Inconclusive),
            (vec![verified(fails())], vec![], true, Verdict::Stopped),
        ] {
            assert_eq!(decide(&gates, &doubts, stopped), expected, "{gates:?} {doubts:?} stopped: {stopped}");
        }
    }

    #[test]
    fn each_combination_has_its_exit_code() {
        let ours = || Doubt::Internal("a task panicked".to_owned());
        let teardown = || Doubt::Teardown("teardown DELETE http://h/: status 500".to_owned());
        let (held, crossed) = (|| gate(Outcome::Held), || gate(Outcome::Crossed));
        for (gates, doubts, stopped, code) in [
            (vec![held()], vec![], false, 0),
            (vec![held()], vec![teardown()], false, 98),
            (vec![held()], vec![ours()], false, 1),
            (vec![held()], vec![ours(), teardown(), Doubt::NoIterations], false, 1),
            (vec![held(), crossed()], vec![], false, 99),
            (vec![crossed()], vec![teardown()], false, 99),
            (vec![crossed()], vec![ours()], false, 99),
            (vec![held()], vec![], true, 105),
            (vec![crossed()], vec![ours(), teardown()], true, 105),
        ] {
            let verdict = decide(&gates, &doubts, stopped);
            assert_eq!(exit_code(verdict, &doubts), code, "{gates:?} {doubts:?} stopped: {stopped}");
        }
        for doubts in [vec![], vec![ours()], vec![teardown()]] {
            assert_eq!(exit_code(Verdict::PreflightFailed, &doubts), 97, "{doubts:?}");
        }
    }

    #[test]
    fn what_to_do_about_dropped_iterations_depends_on_why() {
        let told = |reason| Doubt::Dropped { dropped: 1, due: 2, allowed: 0.001, reason }.to_string();
        let all = DropReason::ALL.map(|reason| told(Some(reason)));
        assert!(all[0].ends_with("limits.max_dropped (0.1%): raise max_vus, or ask for less"), "{all:?}");
        assert!(all[1].ends_with("raise max_duration, or ask for fewer"), "{all:?}");
    }

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        let codes = Verdict::ALL.map(|verdict| (verdict.label(), verdict.exit_code()));
        let expected =
            [("passed", 0), ("failed", 99), ("inconclusive", 98), ("preflight_failed", 97), ("stopped", 105)];
        assert_eq!(codes, expected);
    }

    #[test]
    fn each_limit_of_the_generator_is_a_doubt_only_beyond_it() {
        let good = || Health { due: 1000, completed: 1000, max_dropped: 0.001, ..Health::default() };
        let scrapes = |due, missed| {
            vec![ScrapeHealth { job: "backend".to_owned(), due, missed, last_error: "timeout".to_owned() }]
        };
        let at = |count: usize, health: Health| assert_eq!(health.doubts().len(), count, "{health:?}");
        at(0, good());
        at(1, Health { completed: 0, ..good() });
        at(0, Health { dropped: 1, ..good() });
        at(1, Health { dropped: 2, ..good() });
        at(0, Health { lag_p99: Duration::from_millis(100), ..good() });
        at(1, Health { lag_p99: Duration::from_millis(101), ..good() });
        at(0, Health { busiest_seconds: 2, ..good() });
        at(1, Health { busiest_seconds: 3, ..good() });
        at(1, Health { descriptors_spent: 1, ..good() });
        at(1, Health { unstored_samples: 1, ..good() });
        at(1, Health { iteration_errors: 2, ..good() });
        at(0, Health { scrapes: scrapes(3, 1), ..good() });
        at(0, Health { scrapes: scrapes(100, 10), ..good() });
        at(1, Health { scrapes: scrapes(100, 11), ..good() });
        at(1, Health { scrapes: scrapes(1, 1), ..good() });
    }
}
