//! What one request costs: a closed loop over 100 keep-alive connections against nginx.

use crate::Result;
use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::load::{Load, Shape};
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::Row;

use super::nginx;

const CLIENTS: [Client; 5] = [Client::Bare, Client::Loadgate, Client::Wrk, Client::Oha, Client::K6];

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let (nginx, target) = match nginx::start(bench) {
        Ok(started) => started,
        Err(failure) => {
            println!("\nhttp: skipped: {failure}");
            return Ok(());
        }
    };
    let load = Load { target, shape: Shape::Closed { connections: 100 }, duration: bench.time(10) };
    let rows = interleave(bench, &CLIENTS, |client| {
        let before = nginx.cpu_secs()?;
        let measured = bench.measure(client, &load)?;
        let exchanges = measured.reported.exchanges as f64;
        if exchanges == 0.0 {
            return Err("no request was answered".into());
        }
        let cpu_secs = measured.usage.cpu_secs;
        let scrapes = client.is_scraped().then_some(f64::from(measured.scrapes.answered));
        let row = Row::default()
            .with(Figure::CpuSecsPerMillion, cpu_secs / exchanges * 1e6)
            .with(Figure::RequestsPerSec, exchanges / load.secs())
            .with(Figure::PeakRssMib, measured.usage.peak_rss_mib)
            .with_known(Figure::Errors, measured.reported.errors.map(|errors| errors as f64))
            .with_known(Figure::Scrapes, scrapes);
        Ok(Run { row, cpu_secs: cpu_secs + nginx.cpu_secs()? - before })
    })?;
    let columns = vec![
        Figure::CpuSecsPerMillion,
        Figure::RequestsPerSec,
        Figure::PeakRssMib,
        Figure::Errors,
        Figure::Scrapes,
    ];
    let title = format!("HTTP/1.1 keep-alive GET from nginx: {load}");
    let table = Table { title, columns, ratios: vec![Figure::CpuSecsPerMillion], rows };
    let ratio = table.judged_ratio(Figure::CpuSecsPerMillion);
    report.target(
        "client CPU per request, all metrics on, as a multiple of bare hyper",
        Bound::AtMost(1.25),
        ratio,
    );
    report.table(table);
    Ok(())
}
