//! The stall probe: did the machine itself stand still during a run?
//!
//! A virtual machine is stopped by its host now and then, here for up to 127 ms, and its clock of CPU time goes on: to a
//! load generator such a gap looks like lateness and dropped iterations of its own. A pinned spinner would see each gap, but
//! would take the very core that is measured; at a low priority it would see the measured client instead. So the probe
//! sleeps 2 ms at a time at real-time priority and notes by how much it overslept: it takes the core before the client at
//! some 10 µs per wake-up (half a percent of a core), and when it still wakes 5 ms late, nobody else on the machine could
//! have run. Without the right to real-time priority the scheduler's own delays are seen too, so only long gaps count.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::machine::Machine;
use crate::process::Server;

pub(crate) const SLEEP: Duration = Duration::from_millis(2);

/// One probe on the server's core and one on the client's.
#[derive(Debug)]
pub(crate) struct Probes(Vec<Server>);

/// What was wrong with the machine during one run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Disturbance {
    /// Gaps on both cores.
    pub(crate) stalls: u64,
    pub(crate) longest_stall_ms: f64,
    pub(crate) stalled_ms: f64,
    /// CPU used by processes that are none of ours, in percent of the cores in use.
    pub(crate) others_percent: f64,
}

impl Disturbance {
    /// Above it, our processes waited for others too often for a tail to mean anything. The probe, being real-time, does
    /// not see others; and a compiler that takes one core for half a second of ten is 2.5 %.
    const MOST_OTHERS_PERCENT: f64 = 2.5;

    pub(crate) fn is_none(&self) -> bool {
        self.stalls == 0 && self.others_percent <= Self::MOST_OTHERS_PERCENT
    }

    /// To choose the least bad of several: a stall is worse than others' work.
    pub(crate) fn weight(&self) -> f64 {
        self.stalled_ms * 10.0 + self.others_percent
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stalls, longest_stall_ms, others_percent, .. } = self;
        write!(f, "{stalls} stalls of the machine")?;
        if *stalls > 0 {
            write!(f, " (longest {longest_stall_ms:.0} ms)")?;
        }
        write!(f, ", {others_percent:.0} % used by others")
    }
}

impl Probes {
    pub(crate) fn start(machine: &Machine, program: &Path) -> Result<Self> {
        let threshold_ms = if machine.realtime() { "5" } else { "25" };
        let probes = machine.places().iter().map(|place| {
            let mut command = machine.realtime_command(program, *place);
            command.args(["role", "probe", "--threshold-ms", threshold_ms]);
            Server::start(command)
        });
        Ok(Self(probes.collect::<Result<_>>()?))
    }

    pub(crate) fn cpu_secs(&self) -> Result<f64> {
        self.0.iter().map(Server::cpu_secs).sum()
    }

    /// The stalls seen; what others used is not the probe's to know.
    pub(crate) fn finish(self) -> Result<Disturbance> {
        let mut seen = Disturbance::default();
        for probe in self.0 {
            let report = probe.finish()?;
            let figure = |name: &str| report[name].as_f64().unwrap_or(0.0);
            seen.stalls += figure("count") as u64;
            seen.longest_stall_ms = seen.longest_stall_ms.max(figure("longest_ms"));
            seen.stalled_ms += figure("total_ms");
        }
        Ok(seen)
    }
}
