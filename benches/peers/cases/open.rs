//! Whether requests leave when they are due: open loops, judged by the server that they arrive at.

use crate::Result;
use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::load::{Load, Shape};
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::Row;

const COLUMNS: [Figure; 10] = [
    Figure::AchievedPercent,
    Figure::Dropped,
    Figure::LatenessP50Micros,
    Figure::LatenessP90Micros,
    Figure::LatenessP50MicrosPerSec,
    Figure::LatenessP90MicrosPerSec,
    Figure::ReportedP50Ms,
    Figure::ReportedP99Ms,
    Figure::CpuPercent,
    Figure::PeakRssMib,
];

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let precise = measure(
        bench,
        &[Client::Bare, Client::Loadgate, Client::Oha, Client::K6],
        Shape::Open { rate: 5_000, vus: 100 },
        15,
    )?;
    let of = |figure| precise.judged(figure);
    let achieved = Bound::Between(99.9, 100.1);
    report.target("5,000/s: requests that arrived, in percent", achieved, of(Figure::AchievedPercent));
    report.target("5,000/s: dropped iterations", Bound::AtMost(0.0), of(Figure::Dropped));
    report.target(
        "5,000/s: lateness at the server, p50 µs",
        Bound::AtMost(100.0),
        of(Figure::LatenessP50Micros),
    );
    report.target(
        "5,000/s: lateness at the server, p90 µs",
        Bound::AtMost(300.0),
        of(Figure::LatenessP90Micros),
    );
    report.target("5,000/s: CPU in percent of a core", Bound::AtMost(40.0), of(Figure::CpuPercent));
    report.target("5,000/s: reported p50 from due, ms", Bound::AtMost(0.3), of(Figure::ReportedP50Ms));
    report.table(precise);

    // All connections are made in the first moments: while they are, 50 arrivals are due each millisecond.
    let shape = Shape::Open { rate: 50_000, vus: 2_000 };
    let dense = measure(bench, &[Client::Bare, Client::Loadgate], shape, 10)?;
    let of = |figure| dense.judged(figure);
    report.target("50,000/s: dropped iterations", Bound::AtMost(0.0), of(Figure::Dropped));
    report.target("50,000/s: requests that arrived, in percent", achieved, of(Figure::AchievedPercent));
    report.table(dense);
    Ok(())
}

fn measure(bench: &Bench, clients: &[Client], shape: Shape, secs: u64) -> Result<Table> {
    let duration = bench.time(secs);
    let Shape::Open { rate, .. } = shape else { return Err("not an open loop".into()) };
    let mut title = String::new();
    let rows = interleave(bench, clients, |client| {
        // A fresh server for each run: its arrivals are this client's alone.
        let server = bench.serve("arrival-server", &["--rate", &rate.to_string()])?;
        let load = Load { target: server.address()?, shape, duration };
        title = format!("Schedule as the server sees it: {load}");
        let measured = bench.measure(client, &load)?;
        let server_cpu_secs = server.cpu_secs()?;
        let seen = server.finish()?;
        let figure = |name: &str| seen[name].as_f64();
        let reported = &measured.reported;
        // loadgate must know when a request was due; the others are shown by what they call latency.
        let latency = match client {
            Client::Loadgate => reported.response,
            _ => reported.response.or(reported.service),
        };
        let due = f64::from(rate) * load.secs();
        let cpu_secs = measured.usage.cpu_secs;
        let row = Row::default()
            .with_known(Figure::AchievedPercent, figure("count").map(|count| count / due * 100.0))
            .with_known(Figure::Dropped, reported.dropped.map(|dropped| dropped as f64))
            .with_known(Figure::LatenessP50Micros, figure("p50_us"))
            .with_known(Figure::LatenessP90Micros, figure("p90_us"))
            .with_known(Figure::LatenessP50MicrosPerSec, figure("p50_us_per_sec"))
            .with_known(Figure::LatenessP90MicrosPerSec, figure("p90_us_per_sec"))
            .with_known(Figure::ReportedP50Ms, latency.map(|latency| latency.med))
            .with_known(Figure::ReportedP99Ms, latency.map(|latency| latency.p99))
            .with(Figure::CpuPercent, cpu_secs / load.secs() * 100.0)
            .with(Figure::PeakRssMib, measured.usage.peak_rss_mib);
        Ok(Run { row, cpu_secs: cpu_secs + server_cpu_secs })
    })?;
    Ok(Table { title, columns: COLUMNS.to_vec(), ratios: vec![Figure::CpuPercent], rows })
}
