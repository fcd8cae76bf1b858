//! What one unary gRPC call costs: a closed loop over 50 connections, beside tonic's client.

use crate::Result;
use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::load::{Load, Shape};
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::Row;

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut title = String::new();
    let rows = interleave(bench, &[Client::Bare, Client::Loadgate], |client| {
        let server = bench.serve("grpc-server", &[])?;
        let shape = Shape::Calls { connections: 50 };
        let load = Load { target: server.address()?, shape, duration: bench.time(10) };
        title = format!("gRPC unary: {load}");
        let measured = bench.measure(client, &load)?;
        let exchanges = measured.reported.exchanges as f64;
        if exchanges == 0.0 {
            return Err("no call was answered".into());
        }
        let cpu_secs = measured.usage.cpu_secs;
        let row = Row::default()
            .with(Figure::CpuSecsPerMillion, cpu_secs / exchanges * 1e6)
            .with(Figure::RequestsPerSec, exchanges / load.secs())
            .with(Figure::PeakRssMib, measured.usage.peak_rss_mib)
            .with_known(Figure::Errors, measured.reported.errors.map(|errors| errors as f64));
        Ok(Run { row, cpu_secs: cpu_secs + server.cpu_secs()? })
    })?;
    let columns = vec![Figure::CpuSecsPerMillion, Figure::RequestsPerSec, Figure::PeakRssMib, Figure::Errors];
    let table = Table { title, columns, ratios: vec![Figure::CpuSecsPerMillion], rows };
    let ratio = table.judged_ratio(Figure::CpuSecsPerMillion);
    report.target("client CPU per gRPC call, as a multiple of tonic's client", Bound::AtMost(1.3), ratio);
    report.table(table);
    Ok(())
}
