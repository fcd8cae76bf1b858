//! What a message costs that RabbitMQ confirms, and how many of them go: beside lapin, the client that everybody takes.

use std::fs::{create_dir_all, remove_dir_all, write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};

use crate::Result;
use crate::bench::Bench;
use crate::cases::nats::MOST_IN_FLIGHT;
use crate::clients::Client;
use crate::figures::Figure;
use crate::load::{Load, Shape};
use crate::machine::{Place, find, free_address};
use crate::process::Daemon;
use crate::report::{Bound, Report, Table};
use crate::rounds::{Run, interleave};
use crate::rows::Row;

pub(crate) const QUEUE: &str = "bench";
const PUBLISHERS: u32 = 4;
const RATE: u32 = 10_000;
/// Not the wrapper in PATH, which changes to a user of its own.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const INSTALL: &str = "apt-get install rabbitmq-server";
/// RabbitMQ takes its time to start, more so on one core.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    if !Path::new(PROGRAM).exists() {
        println!("\namqp: skipped: rabbitmq-server is not installed: {INSTALL}");
        return Ok(());
    }
    let broker = Broker::start(bench)?;
    let paced = measure(bench, &broker, Some(RATE))?;
    report.target(
        "10,000 messages/s: confirmed, in percent",
        Bound::Between(99.9, 100.1),
        paced.judged(Figure::AchievedPercent),
    );
    report.table(paced);
    report.table(measure(bench, &broker, None)?);
    Ok(())
}

fn measure(bench: &Bench, broker: &Broker, rate: Option<u32>) -> Result<Table> {
    let mut title = String::new();
    let rows = interleave(bench, &[Client::Bare, Client::Loadgate], |client| {
        broker.empty_queue()?;
        let before = broker.server.cpu_secs()?;
        let shape = Shape::Messages { publishers: PUBLISHERS, rate };
        let load = Load { target: broker.address, shape, duration: bench.time(10) };
        title = format!(
            "RabbitMQ, a durable queue, 384 bytes, at most {MOST_IN_FLIGHT} unconfirmed each: {load}"
        );
        let measured = bench.measure(client, &load)?;
        let (confirmed, held) = (measured.reported.exchanges, broker.held()?);
        if confirmed == 0 || held < confirmed {
            return Err(format!("{confirmed} messages were confirmed and {held} are in the queue").into());
        }
        let cpu_secs = measured.usage.cpu_secs;
        let row = Row::default()
            .with(Figure::CpuSecsPerMillion, cpu_secs / confirmed as f64 * 1e6)
            .with(Figure::RequestsPerSec, confirmed as f64 / load.secs())
            .with_known(Figure::AchievedPercent, load.due().map(|due| confirmed as f64 / due * 100.0))
            .with(Figure::PeakRssMib, measured.usage.peak_rss_mib)
            .with_known(Figure::Errors, measured.reported.errors.map(|errors| errors as f64));
        Ok(Run { row, cpu_secs: cpu_secs + broker.server.cpu_secs()? - before })
    })?;
    let mut columns = vec![Figure::CpuSecsPerMillion, Figure::RequestsPerSec];
    columns.extend(rate.map(|_| Figure::AchievedPercent));
    columns.extend([Figure::PeakRssMib, Figure::Errors]);
    let ratios = vec![Figure::CpuSecsPerMillion, Figure::RequestsPerSec];
    Ok(Table { title, columns, ratios, rows })
}

/// One for all rounds: it takes seconds to start.
struct Broker {
    // Ends first: it would miss its port mapper.
    server: Daemon,
    _mapper: Daemon,
    address: SocketAddr,
}

impl Broker {
    /// On the server's core, with files of its own.
    fn start(bench: &Bench) -> Result<Self> {
        let (address, distribution, mapper) = (free_address()?, free_address()?, free_address()?);
        let folder = bench.folder().join("rabbitmq");
        if folder.exists() {
            remove_dir_all(&folder)?;
        }
        create_dir_all(&folder)?;
        let config = format!(
            "listeners.tcp.1 = {address}\nlog.console = false\nlog.file = false\ndisk_free_limit.absolute = 1MB\n"
        );
        write(folder.join("rabbitmq.conf"), config)?;
        write(folder.join("plugins"), "[].\n")?;
        let epmd = find("epmd").ok_or("epmd is gone, which comes with Erlang")?;
        let port = mapper.port().to_string();
        let mut command = bench.machine.command(&epmd, Place::Server);
        command.env("ERL_EPMD_PORT", &port).env("ERL_EPMD_ADDRESS", "127.0.0.1");
        let mapper = Daemon::start(command)?;
        let mut command = bench.machine.command(Path::new(PROGRAM), Place::Server);
        command
            .env("HOME", &folder)
            // So that the shell becomes the server.
            .env("detached", "1")
            .env("ERL_EPMD_PORT", &port)
            .env("RABBITMQ_NODENAME", format!("bench-{}@localhost", address.port()))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
            .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
            .env("RABBITMQ_LOG_BASE", folder.join("log"))
            .env("RABBITMQ_DIST_PORT", distribution.port().to_string())
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none");
        let server = Daemon::start(command)?;
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            bench.interrupt.check()?;
            if started.elapsed() > PATIENCE {
                return Err(format!("RabbitMQ does not listen on {address}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Broker { server, _mapper: mapper, address })
    }

    fn empty_queue(&self) -> Result<()> {
        self.ask(async |channel| {
            channel.queue_delete(QUEUE.into(), Default::default()).await?;
            channel
                .queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), FieldTable::default())
                .await?;
            Ok(())
        })
    }

    /// How many messages the queue holds.
    fn held(&self) -> Result<u64> {
        self.ask(async |channel| {
            let passive = QueueDeclareOptions { passive: true, ..Default::default() };
            let queue = channel.queue_declare(QUEUE.into(), passive, FieldTable::default()).await?;
            Ok(u64::from(queue.message_count()))
        })
    }

    fn ask<T>(&self, question: impl AsyncFnOnce(&lapin::Channel) -> Result<T>) -> Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let url = format!("amqp://{}", self.address);
            let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            let answer = question(&channel).await?;
            connection.close(200, "done".into()).await?;
            Ok(answer)
        })
    }
}
