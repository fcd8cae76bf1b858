//! What an event costs that JetStream stores on disk and acknowledges, and how many of them go: beside async-nats' own
//! publisher.

use std::fs::{create_dir_all, remove_dir_all};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, StorageType};

use crate::bench::Bench;
use crate::clients::Client;
use crate::figures::Figure;
use crate::load::{Load, Shape};
use crate::machine::{Place, find, free_address};
use crate::process::Daemon;
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::Row;
use crate::{Failure, Result};

pub(crate) const STREAM: &str = "BENCH";
pub(crate) const SUBJECT: &str = "bench.events";
/// Of one connection.
pub(crate) const MOST_IN_FLIGHT: usize = 256;
/// 384 bytes, as an event of the pulse plans.
pub(crate) const PAYLOAD: &str = concat!(
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
);
const PUBLISHERS: u32 = 4;
const RATE: u32 = 10_000;
const INSTALL: &str = "apt-get install nats-server";

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    if find("nats-server").is_none() {
        println!("\nnats: skipped: nats-server is not installed: {INSTALL}");
        return Ok(());
    }
    let paced = measure(bench, Some(RATE))?;
    let ratio = paced.judged_ratio(Figure::CpuSecsPerMillion);
    report.target(
        "10,000 events/s: client CPU per event, as a multiple of async-nats",
        Bound::AtMost(1.3),
        ratio,
    );
    report.target(
        "10,000 events/s: stored and acknowledged, in percent",
        Bound::Between(99.9, 100.1),
        paced.judged(Figure::AchievedPercent),
    );
    report.table(paced);
    let fast = measure(bench, None)?;
    let ratio = fast.judged_ratio(Figure::RequestsPerSec);
    report.target("events/s at full speed, as a multiple of async-nats", Bound::AtLeast(0.7), ratio);
    report.table(fast);
    Ok(())
}

fn measure(bench: &Bench, rate: Option<u32>) -> Result<Table> {
    let mut title = String::new();
    let rows = interleave(bench, &[Client::Bare, Client::Loadgate], |client| {
        // A fresh server and stream for each run.
        let (server, target) = start(bench)?;
        let load =
            Load { target, shape: Shape::Events { publishers: PUBLISHERS, rate }, duration: bench.time(10) };
        title = format!("JetStream, file storage, 384 bytes: {load}");
        let measured = bench.measure(client, &load)?;
        let (acknowledged, stored) = (measured.reported.exchanges, stored(target)?);
        if acknowledged == 0 || stored < acknowledged {
            return Err(format!("{acknowledged} events were acknowledged and {stored} stored").into());
        }
        let cpu_secs = measured.usage.cpu_secs;
        let row = Row::default()
            .with(Figure::CpuSecsPerMillion, cpu_secs / acknowledged as f64 * 1e6)
            .with(Figure::RequestsPerSec, acknowledged as f64 / load.secs())
            .with_known(Figure::AchievedPercent, load.due().map(|due| acknowledged as f64 / due * 100.0))
            .with(Figure::PeakRssMib, measured.usage.peak_rss_mib)
            .with_known(Figure::Errors, measured.reported.errors.map(|errors| errors as f64));
        Ok(Run { row, cpu_secs: cpu_secs + server.cpu_secs()? })
    })?;
    let mut columns = vec![Figure::CpuSecsPerMillion, Figure::RequestsPerSec];
    columns.extend(rate.map(|_| Figure::AchievedPercent));
    columns.extend([Figure::PeakRssMib, Figure::Errors]);
    let ratios = vec![Figure::CpuSecsPerMillion, Figure::RequestsPerSec];
    Ok(Table { title, columns, ratios, rows })
}

/// On the server's core, with an empty stream on disk.
fn start(bench: &Bench) -> Result<(Daemon, SocketAddr)> {
    let program = find("nats-server").ok_or_else(|| Failure::from("nats-server is gone"))?;
    let (address, folder) = (free_address()?, bench.folder().join("nats"));
    if folder.exists() {
        remove_dir_all(&folder)?;
    }
    create_dir_all(&folder)?;
    let mut command = bench.machine.command(&program, Place::Server);
    command.args(["--addr", &address.ip().to_string(), "--port", &address.port().to_string()]);
    command.arg("--jetstream").arg("--store_dir").arg(&folder);
    let server = Daemon::start(command)?;
    let started = Instant::now();
    while TcpStream::connect(address).is_err() {
        bench.interrupt.check()?;
        if started.elapsed() > Duration::from_secs(10) {
            return Err(format!("nats-server does not listen on {address}").into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    ask(address, async |jetstream| {
        let config = Config {
            name: STREAM.to_owned(),
            subjects: vec![SUBJECT.to_owned()],
            storage: StorageType::File,
            ..Config::default()
        };
        jetstream.create_stream(config).await?;
        Ok(())
    })?;
    Ok((server, address))
}

/// How many events the server has.
fn stored(target: SocketAddr) -> Result<u64> {
    ask(target, async |jetstream| Ok(jetstream.get_stream(STREAM).await?.cached_info().state.messages))
}

fn ask<T>(target: SocketAddr, question: impl AsyncFnOnce(jetstream::Context) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        question(jetstream::new(async_nats::connect(format!("nats://{target}")).await?)).await
    })
}
