//! The stall probe: did the machine itself stand still during a run?
//!
//! A virtual machine is stopped by its host now and then, here for up to 127 ms, and its clock of CPU time goes on: to a
//! load generator such a gap looks like lateness and dropped iterations of its own. A pinned spinner would see each gap, but
//! would take the very core that is measured; at a low priority it would see the measured client instead. So the probe
//! sleeps 2 ms at a time at real-time priority and notes by how much it overslept: it takes the core before the client at
//! some 10 µs per wake-up (half a percent of a core), and when it still wakes 5 ms late, nobody else on the machine could
//! have run. Without the right to real-time priority the scheduler's own delays are seen too, so only long gaps count.

use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::machine::{Machine, Place};
use crate::process::Server;

pub(crate) const SLEEP: Duration = Duration::from_millis(2);

/// One probe on the server's core and one on the client's.
#[derive(Debug)]
pub(crate) struct Probes(Vec<Server>);

/// The gaps of one run on both cores.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Stalls {
    pub(crate) count: u64,
    pub(crate) longest_ms: f64,
    pub(crate) total_ms: f64,
}

impl Probes {
    pub(crate) fn start(machine: &Machine, program: &Path) -> Result<Self> {
        let threshold_ms = if machine.realtime() { "5" } else { "25" };
        let places: &[Place] =
            if machine.cores() > 1 { &[Place::Server, Place::Client] } else { &[Place::Server] };
        let probes = places.iter().map(|place| {
            let mut command = machine.realtime_command(program, *place);
            command.args(["role", "probe", "--threshold-ms", threshold_ms]);
            Server::start(command)
        });
        Ok(Self(probes.collect::<Result<_>>()?))
    }

    pub(crate) fn finish(self) -> Result<Stalls> {
        let mut stalls = Stalls::default();
        for probe in self.0 {
            let seen = probe.finish()?;
            let figure = |name: &str| seen[name].as_f64().unwrap_or(0.0);
            stalls.count += figure("count") as u64;
            stalls.longest_ms = stalls.longest_ms.max(figure("longest_ms"));
            stalls.total_ms += figure("total_ms");
        }
        Ok(stalls)
    }
}
