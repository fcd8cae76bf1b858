//! What servers can do to the generator that mean harm: a thousand users at each of them, and the memory that it took.

use clap::ValueEnum as _;

use crate::Result;
use crate::bench::Bench;
use crate::clients::Client;
use crate::load::{Load, Shape};
use crate::report::{Bound, Report};
use crate::roles::Harm;

const USERS: u32 = 1_000;
const MAX_RSS_MIB: f64 = 256.0;

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    println!("\n### Hostile servers: {USERS} users each\n");
    println!("| server | RSS MiB | CPU s | exchanges at the server | errors by code |");
    println!("| -----: | ------: | ----: | ----------------------: | :------------- |");
    for harm in Harm::value_variants() {
        let name = harm.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let server = bench.serve("hostile-server", &["--harm", &name])?;
        let shape = Shape::Hostile { users: USERS, socket: harm.is_socket() };
        let load = Load { target: server.address()?, shape, duration: bench.time(10) };
        let measured = bench.measure(Client::Loadgate, &load)?;
        let seen = server.finish()?["count"].as_u64().unwrap_or(0);
        let causes = &measured.reported.causes;
        let rss = measured.usage.peak_rss_mib;
        println!("| {name} | {rss:.1} | {:.1} | {seen} | {causes} |", measured.usage.cpu_secs);
        report.target(format!("{name}: peak RSS in MiB"), Bound::AtMost(MAX_RSS_MIB), Some(rss));
    }
    Ok(())
}
