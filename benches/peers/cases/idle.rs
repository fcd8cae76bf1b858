//! What users cost who mostly wait: idle WebSockets, and HTTP users who think.

use crate::Result;
use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::load::{Load, Shape};
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::Row;

const SOCKETS: u32 = 10_000;
const USERS: u32 = 2_000;

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    sockets(bench, report)?;
    users(bench, report)
}

fn sockets(bench: &Bench, report: &mut Report) -> Result<()> {
    let duration = bench.time(15);
    let mut title = String::new();
    let rows = interleave(bench, &[Client::Bare, Client::Loadgate, Client::K6], |client| {
        let server = bench.serve("echo-server", &[])?;
        let shape = Shape::Sockets { connections: SOCKETS, per_sec: 0 };
        let load = Load { target: server.address()?, shape, duration };
        title = format!("Idle WebSockets: {load}");
        let measured = bench.measure(client, &load)?;
        let server_cpu_secs = server.cpu_secs()?;
        let seen = server.finish()?;
        let cpu_secs = measured.usage.cpu_secs;
        let row = Row::default()
            .with(Figure::PeakRssMib, measured.usage.peak_rss_mib)
            .with_known(Figure::Open, seen["open"].as_f64())
            .with_known(Figure::OpenedSecs, seen["opened_secs"].as_f64())
            .with(Figure::CpuSecs, cpu_secs);
        Ok(Run { row, cpu_secs: cpu_secs + server_cpu_secs })
    })?;
    let columns = vec![Figure::PeakRssMib, Figure::Open, Figure::OpenedSecs, Figure::CpuSecs];
    let table = Table { title, columns, ratios: vec![Figure::PeakRssMib], rows };
    let all = f64::from(SOCKETS);
    report.target("idle WebSockets: open at once", Bound::Between(all, all), table.judged(Figure::Open));
    report.target(
        "idle WebSockets: seconds until all were open",
        Bound::AtMost(5.0),
        table.judged(Figure::OpenedSecs),
    );
    let rss = table.judged(Figure::PeakRssMib);
    report.target("idle WebSockets: peak RSS in MiB", Bound::AtMost(180.0), rss);
    report.table(table);
    Ok(())
}

/// Each client runs twice, with one user and with all: the difference is what a user costs.
fn users(bench: &Bench, report: &mut Report) -> Result<()> {
    let duration = bench.time(10);
    let mut title = String::new();
    let rows = interleave(bench, &[Client::Loadgate, Client::K6], |client| {
        let server = bench.serve("arrival-server", &["--rate", "2000"])?;
        let target = server.address()?;
        let load = |users| Load { target, shape: Shape::Thinking { users }, duration };
        title = format!("Users who think: {}", load(USERS));
        let (one, all) = (bench.measure(client, &load(1))?, bench.measure(client, &load(USERS))?);
        let errors = all.reported.errors.unwrap_or(0);
        let server_cpu_secs = server.cpu_secs()?;
        server.finish()?;
        let grown_mib = all.usage.peak_rss_mib - one.usage.peak_rss_mib;
        let row = Row::default()
            .with(Figure::PeakRssMib, all.usage.peak_rss_mib)
            .with(Figure::KibPerUser, grown_mib * 1024.0 / f64::from(USERS - 1))
            .with(Figure::Exchanges, all.reported.exchanges as f64)
            .with(Figure::Errors, errors as f64);
        let cpu_secs = one.usage.cpu_secs + all.usage.cpu_secs + server_cpu_secs;
        Ok(Run { row, cpu_secs })
    })?;
    let columns = vec![Figure::PeakRssMib, Figure::KibPerUser, Figure::Exchanges, Figure::Errors];
    let table = Table { title, columns, ratios: Vec::new(), rows };
    let kib = table.judged(Figure::KibPerUser);
    report.target("users who think: KiB for each of 2,000", Bound::AtMost(16.0), kib);
    report.table(table);
    Ok(())
}
