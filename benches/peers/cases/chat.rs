//! What a thousand streaming chat users cost: a message each second, six messages back.

use crate::Result;
use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::load::{Load, Shape};
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::Row;

const USERS: u32 = 1_000;

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let duration = bench.time(20);
    let messages = duration.as_secs() as u32;
    let due = u64::from(USERS) * u64::from(messages);
    let mut title = String::new();
    let rows = interleave(bench, &[Client::Bare, Client::Loadgate, Client::K6], |client| {
        let server = bench.serve("chat-server", &[])?;
        let load =
            Load { target: server.address()?, shape: Shape::Chat { users: USERS, messages }, duration };
        title = format!("WebSocket: {load}");
        let measured = bench.measure(client, &load)?;
        let server_cpu_secs = server.cpu_secs()?;
        let exchanges = server.finish()?["count"].as_u64().unwrap_or(0);
        if exchanges != due {
            return Err(format!("the server saw {exchanges} messages instead of {due}").into());
        }
        let cpu_secs = measured.usage.cpu_secs;
        let row = Row::default()
            .with(Figure::CpuSecs, cpu_secs)
            .with(Figure::PeakRssMib, measured.usage.peak_rss_mib)
            .with(Figure::Exchanges, exchanges as f64);
        Ok(Run { row, cpu_secs: cpu_secs + server_cpu_secs })
    })?;
    let columns = vec![Figure::CpuSecs, Figure::PeakRssMib, Figure::Exchanges];
    let table = Table { title, columns, ratios: vec![Figure::CpuSecs], rows };
    let ratio = table.judged_ratio(Figure::CpuSecs);
    report.target("chat: client CPU as a multiple of bare tungstenite", Bound::AtMost(2.0), ratio);
    let rss = table.judged(Figure::PeakRssMib);
    report.target("chat: peak RSS in MiB", Bound::AtMost(48.0), rss);
    report.table(table);
    Ok(())
}
