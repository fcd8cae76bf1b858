//! `/metrics` with 10,000 series: what a scrape takes, and that scraping delays no iteration.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::machine::{Place, free_address};
use crate::process::{self, Daemon};
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::{Row, median};
use crate::{Result, http};

const SCENARIOS: u32 = 10;
const NAMES: u32 = 5;
/// Of each scenario's iterations; an iteration asks once for each name.
const RATE: u32 = 40;
/// Ten a second.
const INTERVAL: Duration = Duration::from_millis(100);
/// Until all connections are open and all series are there.
const SETTLED: Duration = Duration::from_secs(2);
const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

/// What is asked for in turn.
const FORMATS: [(Figure, &str, bool); 6] = [
    (Figure::TextMs, "text/plain;version=0.0.4", false),
    (Figure::TextGzipMs, "text/plain;version=0.0.4", true),
    (Figure::OpenMetricsMs, "application/openmetrics-text;version=1.0.0", false),
    (Figure::OpenMetricsGzipMs, "application/openmetrics-text;version=1.0.0", true),
    (Figure::ProtobufMs, PROTOBUF, false),
    (Figure::ProtobufGzipMs, PROTOBUF, true),
];

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let target = free_address()?;
    let mut command = bench.loadgate(Place::Server);
    command.args(["target", "--listen", &target.to_string()]);
    let server = Daemon::start(command)?;
    http::wait_for(target, "/health")?;
    let secs = bench.secs(30);
    let rows = interleave(bench, &[Client::Loadgate, Client::Scraped], |client| {
        let before = server.cpu_secs()?;
        let (row, cpu_secs) = one(bench, client, target, secs)?;
        Ok(Run { row, cpu_secs: cpu_secs + server.cpu_secs()? - before })
    })?;
    let formats = FORMATS.map(|(figure, _, _)| figure);
    let mut columns = vec![
        Figure::IterationsPerSec,
        Figure::Dropped,
        Figure::LagP50Ms,
        Figure::LagP99Ms,
        Figure::Series,
        Figure::Scrapes,
    ];
    columns.extend(formats);
    let title = format!(
        "/metrics with 10,000 series: {} iterations/s of {NAMES} requests, one core, {secs} s",
        SCENARIOS * RATE
    );
    let table = Table { title, columns, ratios: Vec::new(), rows };
    for figure in formats {
        let what = figure.title().trim_end_matches(" ms");
        report.target(
            format!("a scrape of 10,000 series during a run, {what}: ms"),
            Bound::AtMost(50.0),
            Some(table.median(Client::Scraped, figure).unwrap_or(f64::NAN)),
        );
    }
    let calm = table.median(Client::Loadgate, Figure::LagP99Ms).unwrap_or(f64::NAN);
    report.target(
        "iteration lag p99 with ten scrapes a second, ms",
        Bound::AtMost(calm * 1.2 + 1.0),
        Some(table.median(Client::Scraped, Figure::LagP99Ms).unwrap_or(f64::NAN)),
    );
    report.table(table);
    Ok(())
}

/// Its figures and its CPU seconds.
fn one(bench: &Bench, client: Client, target: SocketAddr, secs: u64) -> Result<(Row, f64)> {
    let folder = tempfile::tempdir_in(bench.folder())?;
    let (plan, summary) = (folder.path().join("plan.yml"), folder.path().join("summary.json"));
    std::fs::write(&plan, plan_of(target, secs)?)?;
    let listen = free_address()?;
    let mut command = bench.loadgate(Place::Client);
    command.arg("run").arg(plan).args(["--quiet", "--listen", &listen.to_string()]);
    command.arg("--summary-export").arg(&summary);
    let running = process::Client::start(command, folder.path())?;
    let (stop, stopped) = channel::<()>();
    let scraper = std::thread::spawn(move || scrape(client, listen, &stopped));
    let finished = running.finish(Duration::from_secs(secs + 60), &bench.interrupt)?;
    drop(stop);
    let scraped = scraper.join().map_err(|_| "the scraper panicked")??;
    let summary = std::fs::read_to_string(summary).map_err(|_| finished.complaint())?;
    let summary: Value = serde_json::from_str(&summary)?;
    let of = |metric: &str, value: &str| summary["metrics"][metric]["values"][value].as_f64();
    let lag = |value| of("iteration_lag", value);
    let mut row = Row::default()
        .with_known(Figure::IterationsPerSec, of("iterations", "count").map(|count| count / secs as f64))
        .with(Figure::Dropped, of("dropped_iterations", "count").unwrap_or(0.0))
        .with_known(Figure::LagP50Ms, lag("med"))
        .with_known(Figure::LagP99Ms, lag("p(99)"));
    if let Some(series) = scraped.series {
        row = row.with(Figure::Series, series as f64).with(Figure::Scrapes, scraped.took.len() as f64);
    }
    for (figure, _, _) in FORMATS {
        let of_it = scraped.took.iter().filter(|(of, _)| *of == figure).map(|(_, ms)| *ms);
        row = row.with_known(figure, median(of_it.collect()));
    }
    Ok((row, finished.usage.cpu_secs))
}

#[derive(Debug, Default)]
struct Scraped {
    series: Option<usize>,
    took: Vec<(Figure, f64)>,
}

/// Ten times a second in all formats, or never, until told to stop.
fn scrape(client: Client, address: SocketAddr, stopped: &std::sync::mpsc::Receiver<()>) -> Result<Scraped> {
    let mut scraped = Scraped::default();
    let told = |after| stopped.recv_timeout(after) != Err(RecvTimeoutError::Timeout);
    if client != Client::Scraped || told(SETTLED) {
        return Ok(scraped);
    }
    for (figure, accept, gzip) in FORMATS.into_iter().cycle() {
        let encoding = if gzip { "Accept-Encoding: gzip\r\n" } else { "" };
        // At the end of the run it is gone.
        let Ok(answer) = http::get(address, "/metrics", &format!("Accept: {accept}\r\n{encoding}")) else {
            break;
        };
        if figure == Figure::TextMs {
            let lines = answer.body.split(|byte| *byte == b'\n');
            scraped.series = Some(lines.filter(|line| !line.is_empty() && line[0] != b'#').count());
        }
        scraped.took.push((figure, answer.took.as_secs_f64() * 1000.0));
        if told(INTERVAL.saturating_sub(answer.took)) {
            break;
        }
    }
    Ok(scraped)
}

fn plan_of(target: SocketAddr, secs: u64) -> Result<String> {
    let mut plan = "name: exposition\nseries_limit: 1000\nscenarios:\n".to_owned();
    for scenario in 0..SCENARIOS {
        writeln!(
            plan,
            "  s{scenario}:\n    executor: constant-arrival-rate\n    rate: {RATE}\n    duration: {secs}s\n    \
             pre_allocated_vus: 10\n    max_vus: 10\n    flow:"
        )?;
        for name in 0..NAMES {
            // Two statuses.
            let path = if name == 0 { "nothing-here" } else { "health" };
            writeln!(
                plan,
                "      - http:\n          name: page-{scenario}-{name}\n          url: http://{target}/{path}"
            )?;
        }
    }
    Ok(plan)
}
