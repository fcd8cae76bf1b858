//! A hundred messages a second on each of a thousand WebSockets, each timed from when it was due to its echo.

use crate::Result;
use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::load::{Load, Shape};
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::Row;

const CONNECTIONS: u32 = 1_000;
const PER_SEC: u32 = 100;

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let duration = bench.time(10);
    let mut title = String::new();
    let rows = interleave(bench, &[Client::Bare, Client::Loadgate, Client::K6], |client| {
        let server = bench.serve("echo-server", &[])?;
        let shape = Shape::Sockets { connections: CONNECTIONS, per_sec: PER_SEC };
        let load = Load { target: server.address()?, shape, duration };
        title = format!("Paced messages: {load}");
        let measured = bench.measure(client, &load)?;
        let server_cpu_secs = server.cpu_secs()?;
        let seen = server.finish()?;
        let due = f64::from(CONNECTIONS * PER_SEC) * load.secs();
        let cpu_secs = measured.usage.cpu_secs;
        let response = measured.reported.response;
        let row = Row::default()
            .with_known(Figure::AchievedPercent, seen["count"].as_f64().map(|count| count / due * 100.0))
            .with_known(Figure::ReportedP50Ms, response.map(|response| response.med))
            .with_known(Figure::ReportedP99Ms, response.map(|response| response.p99))
            .with(Figure::CpuPercent, cpu_secs / load.secs() * 100.0)
            .with(Figure::PeakRssMib, measured.usage.peak_rss_mib);
        Ok(Run { row, cpu_secs: cpu_secs + server_cpu_secs })
    })?;
    let columns = vec![
        Figure::AchievedPercent,
        Figure::ReportedP50Ms,
        Figure::ReportedP99Ms,
        Figure::CpuPercent,
        Figure::PeakRssMib,
    ];
    let table = Table { title, columns, ratios: vec![Figure::CpuPercent], rows };
    let achieved = table.judged(Figure::AchievedPercent);
    report.target("100,000 messages/s: sent, in percent", Bound::Between(99.9, 100.1), achieved);
    // Percentiles are shown and not judged: bare itself needs four fifths of the core or more, and how long a queue lasts
    // that a stall of the machine left behind depends on the little that remains.
    let cpu = table.judged_ratio(Figure::CpuPercent);
    report.target("100,000 messages/s: CPU as a multiple of bare tungstenite", Bound::AtMost(1.5), cpu);
    report.table(table);
    Ok(())
}
