//! Whether what is reported is true: a server that stands still, a server whose latency is known.

use std::time::Duration;

use crate::Result;
use crate::bench::Bench;
use crate::clients::{Client, Percentiles};
use crate::figures::Figure;
use crate::load::{Load, Shape};
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::Row;

const CLIENTS: [Client; 2] = [Client::Loadgate, Client::K6];

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    stalls(bench, report)?;
    known_delays(bench, report)
}

/// One second in ten stands still at 1,000/s: a tenth of the requests wait for up to a second, evenly, so a hundredth waits
/// for 900 ms and more. Not shortened by `--quick`: less than a period shows nothing.
fn stalls(bench: &Bench, report: &mut Report) -> Result<()> {
    let shape = Shape::Open { rate: 1_000, vus: 1_300 };
    let mut title = String::new();
    let rows = interleave(bench, &CLIENTS, |client| {
        let server = bench.serve("stall-server", &["--period-ms", "10000", "--stall-ms", "1000"])?;
        let load = Load { target: server.address()?, shape, duration: Duration::from_secs(20) };
        title = format!("A server that stands still for 1 s in every 10 s: {load}");
        let measured = bench.measure(client, &load)?;
        let cpu_secs = measured.usage.cpu_secs + server.cpu_secs()?;
        let exchanges = server.finish()?["count"].as_f64();
        let reported = measured.reported;
        let row = Row::default()
            .with_known(Figure::Exchanges, exchanges)
            .with_known(Figure::Dropped, reported.dropped.map(|dropped| dropped as f64))
            .with_known(Figure::ReportedP50Ms, reported.response.map(|response| response.med))
            .with_known(Figure::ReportedP99Ms, reported.response.map(|response| response.p99))
            .with_known(Figure::ServiceP99Ms, reported.service.map(|service| service.p99));
        Ok(Run { row, cpu_secs })
    })?;
    let columns = vec![
        Figure::Exchanges,
        Figure::Dropped,
        Figure::ReportedP50Ms,
        Figure::ReportedP99Ms,
        Figure::ServiceP99Ms,
    ];
    let table = Table { title, columns, ratios: Vec::new(), rows };
    let response = table.judged(Figure::ReportedP99Ms);
    report.target("stalling server: reported p99 from due, ms", Bound::AtLeast(900.0), response);
    let service = table.judged(Figure::ServiceP99Ms);
    report.target(
        "stalling server: service time p99 shown apart, ms",
        Bound::Between(0.0, response.unwrap_or(0.0)),
        service,
    );
    report.table(table);
    Ok(())
}

/// Each percentile against the one that the server itself held its requests for.
fn known_delays(bench: &Bench, report: &mut Report) -> Result<()> {
    let shape = Shape::Open { rate: 500, vus: 300 };
    let duration = bench.time(10);
    let mut title = String::new();
    let rows = interleave(bench, &CLIENTS, |client| {
        let server = bench.serve("delay-server", &[])?;
        let load = Load { target: server.address()?, shape, duration };
        title = format!("A server with known delays, error in units of 1 % or 1 ms: {load}");
        let measured = bench.measure(client, &load)?;
        let cpu_secs = measured.usage.cpu_secs + server.cpu_secs()?;
        let truth = server.finish()?;
        let service = measured.reported.service.ok_or("no service time was reported")?;
        let row = Row::default()
            .with_known(Figure::Exchanges, truth["count"].as_f64())
            .with(Figure::ServiceP99Ms, service.p99)
            .with(Figure::PercentileError, worst_error(&service, &serde_json::from_value(truth)?));
        Ok(Run { row, cpu_secs })
    })?;
    let columns = vec![Figure::Exchanges, Figure::ServiceP99Ms, Figure::PercentileError];
    let table = Table { title, columns, ratios: Vec::new(), rows };
    let error = table.judged(Figure::PercentileError);
    report.target("known delays: worst percentile, in units of 1 % or 1 ms", Bound::AtMost(1.0), error);
    report.table(table);
    Ok(())
}

/// In units of what is tolerated: 1 % or 1 ms, whichever is more.
fn worst_error(said: &Percentiles, truth: &Percentiles) -> f64 {
    let pairs = [
        (said.avg, truth.avg),
        (said.med, truth.med),
        (said.p90, truth.p90),
        (said.p95, truth.p95),
        (said.p99, truth.p99),
    ];
    pairs.iter().map(|(said, truth)| (said - truth).abs() / (truth / 100.0).max(1.0)).fold(0.0, f64::max)
}
