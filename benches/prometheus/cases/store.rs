//! What a stored sample takes and costs: an hour of ticks of 1,000 series of a real run.

use crate::Result;
use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::page::Pages;
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::Row;

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let file = bench.folder().join("store.json");
    Pages::record(bench)?.write(&file)?;
    let ticks = bench.secs(3600);
    let rows = interleave(bench, &[Client::Loadgate], |_| {
        let pages = file.display().to_string();
        let (said, cpu_secs) = bench.work("filler", &["--pages", &pages, "--ticks", &ticks.to_string()])?;
        let row = Row::default()
            .with_known(Figure::Series, said["series"].as_f64())
            .with_known(Figure::MillionSamples, said["samples"].as_f64().map(|samples| samples / 1e6))
            .with_known(Figure::BytesPerSample, said["bytes_per_sample"].as_f64())
            .with_known(Figure::CountedBytesPerSample, said["counted_bytes_per_sample"].as_f64())
            .with_known(Figure::AppendNanos, said["append_nanos"].as_f64());
        Ok(Run { row, cpu_secs })
    })?;
    let columns = vec![
        Figure::Series,
        Figure::MillionSamples,
        Figure::BytesPerSample,
        Figure::CountedBytesPerSample,
        Figure::AppendNanos,
    ];
    let title = format!("Stored samples: {ticks} ticks of a second");
    let table = Table { title, columns, ratios: Vec::new(), rows };
    report.target(
        "bytes of resident memory per stored sample",
        Bound::AtMost(4.0),
        table.judged(Figure::BytesPerSample),
    );
    report.table(table);
    Ok(())
}
