//! Interleaved rounds: each client once, then each again, so that a slow minute of the machine meets them all.

use std::time::Instant;

use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::{Figure, Rounds, Row};
use crate::probe::{Probes, Stalls};
use crate::process::own_cpu_secs;
use crate::{Failure, Result};

/// How often a round with a stall in it is done again.
const REPEATS: u32 = 2;

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
                Ok((row, stalls)) => {
                    eprintln!("  round {round}, {client}: {}", describe(&row, stalls));
                    rounds.push(row, stalls);
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

/// Runs until the machine did not stall meanwhile, at most `REPEATS` times more; then keeps what was stalled least.
fn undisturbed(bench: &Bench, mut run: impl FnMut() -> Result<Run>) -> Result<(Row, Stalls)> {
    let mut best: Option<(Row, Stalls)> = None;
    for _ in 0..=REPEATS {
        let (row, stalls) = watched(bench, &mut run)?;
        if best.as_ref().is_none_or(|(_, least)| stalls.total_ms < least.total_ms) {
            best = Some((row, stalls));
        }
        if stalls.count == 0 {
            break;
        }
        eprintln!("    the machine stalled {} times, up to {:.0} ms", stalls.count, stalls.longest_ms);
    }
    best.ok_or_else(|| Failure::from("no run"))
}

fn watched(bench: &Bench, run: &mut impl FnMut() -> Result<Run>) -> Result<(Row, Stalls)> {
    let probes = Probes::start(&bench.machine, bench.myself())?;
    let (started, busy, own) = (Instant::now(), bench.machine.busy_secs()?, own_cpu_secs()?);
    let Run { row, cpu_secs } = run()?;
    let own = own_cpu_secs()? - own + cpu_secs;
    let others = (bench.machine.busy_secs()? - busy - own).max(0.0);
    let share = others / started.elapsed().as_secs_f64() / bench.machine.cores() as f64;
    Ok((row.with(Figure::OthersPercent, share * 100.0), probes.finish()?))
}

fn describe(row: &Row, stalls: Stalls) -> String {
    let mut words: Vec<String> = row
        .iter()
        .map(|(figure, value)| format!("{} {value:.*}", figure.title(), figure.decimals()))
        .collect();
    if stalls.count > 0 {
        words.push(format!("{} stalls", stalls.count));
    }
    words.join(", ")
}
