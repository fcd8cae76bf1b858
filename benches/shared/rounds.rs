//! Interleaved rounds: each client once, then each again, so that a slow minute of the machine meets them all.

use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::clients::Client;
use crate::probe::{Disturbance, Probes};
use crate::process::own_cpu_secs;
use crate::rows::{Rounds, Row};
use crate::{Failure, Result};

/// How long a round waits for others to be done with the machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// How quiet the machine must be, for how long.
const QUIET_PERCENT: f64 = 3.0;
const LOOK: Duration = Duration::from_millis(500);

/// One run: its figures, and the CPU seconds of client and server, to tell others' from ours.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) row: Row,
    pub(crate) cpu_secs: f64,
}

/// A client that fails leaves the race with a message; the others go on. Fails only when interrupted.
pub(crate) fn interleave(
    bench: &Bench,
    clients: &[Client],
    mut run: impl FnMut(Client) -> Result<Run>,
) -> Result<Vec<(Client, Rounds)>> {
    let mut table: Vec<(Client, Rounds)> =
        bench.present(clients).into_iter().map(|client| (client, Rounds::default())).collect();
    let mut failed: Vec<Client> = Vec::new();
    for round in 1..=bench.rounds {
        for (client, rounds) in &mut table {
            if failed.contains(client) {
                continue;
            }
            match undisturbed(bench, || run(*client)) {
                Ok((row, disturbance)) => {
                    eprintln!("  round {round}, {client}: {row}; {disturbance}");
                    rounds.push(row, disturbance);
                }
                Err(failure) => {
                    bench.interrupt.check()?;
                    eprintln!("  round {round}, {client}: {failure}");
                    failed.push(*client);
                }
            }
        }
    }
    Ok(table)
}

/// Runs until nothing disturbed it, at most `repeats` times more; then keeps what was disturbed least.
fn undisturbed(bench: &Bench, mut run: impl FnMut() -> Result<Run>) -> Result<(Row, Disturbance)> {
    let mut best: Option<(Row, Disturbance)> = None;
    for attempt in 0..=bench.repeats {
        if bench.repeats > 0 {
            wait_for_quiet(bench)?;
        }
        let (row, disturbance) = watched(bench, &mut run)?;
        if best.as_ref().is_none_or(|(_, least)| disturbance.weight() < least.weight()) {
            best = Some((row, disturbance));
        }
        if disturbance.is_none() {
            break;
        }
        if attempt < bench.repeats {
            eprintln!("    again: {disturbance}");
        }
    }
    best.ok_or_else(|| Failure::from("no run"))
}

fn watched(bench: &Bench, run: &mut impl FnMut() -> Result<Run>) -> Result<(Row, Disturbance)> {
    let probes = Probes::start(&bench.machine, &bench.myself)?;
    let ours = || Ok::<f64, Failure>(own_cpu_secs()? + probes.cpu_secs()?);
    let (started, busy, before) = (Instant::now(), bench.machine.busy_secs()?, ours()?);
    let Run { row, cpu_secs } = run()?;
    let used = bench.machine.busy_secs()? - busy - cpu_secs - (ours()? - before);
    let others_percent = percent_of_cores(bench, used, started.elapsed());
    Ok((row, Disturbance { others_percent, ..probes.finish()? }))
}

/// Returns when others have let go of the cores, or when patience is at its end: the round then tells how bad it was.
fn wait_for_quiet(bench: &Bench) -> Result<()> {
    let started = Instant::now();
    loop {
        let (looked, busy) = (Instant::now(), bench.machine.busy_secs()?);
        std::thread::sleep(LOOK);
        bench.interrupt.check()?;
        let used = percent_of_cores(bench, bench.machine.busy_secs()? - busy, looked.elapsed());
        if used <= QUIET_PERCENT || started.elapsed() > PATIENCE {
            return Ok(());
        }
    }
}

fn percent_of_cores(bench: &Bench, cpu_secs: f64, wall: Duration) -> f64 {
    (cpu_secs / wall.as_secs_f64() / bench.machine.places().len() as f64 * 100.0).max(0.0)
}
