//! `loadgate serve`: the daemon.

mod audience;
mod run_log;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::signal::unix::{SignalKind, signal as listen};
use tokio::sync::oneshot;

use super::Failure;
use super::files::{complain, read_text};
use super::log::subscriber;
use super::process::raise_descriptor_limit;
use super::run::LogFormat;
use crate::api::{Access, Sources, lower_priority, serve_daemon};
use crate::config::{DaemonConfig, MAX_TEXT_BYTES, Tokens, check_listen};
use crate::daemon::{Daemon, Parts};
use crate::notify::{Address, Notices};
use crate::protocol::tls::{TlsOptions, client_config};
use crate::store::Runs;
use crate::tsdb::Store;
pub(super) use audience::Shown;

/// Read where none is named, if it is there.
const DEFAULT_FILE: &str = "config/loadgate.yml";

/// Run the daemon: it owns runs, which outlive the terminal, and serves the API
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    loadgate serve\n  \
    loadgate serve --config config/loadgate.yml --log-format json\n  \
    loadgate run config/plans/health.yml --server http://127.0.0.1:5665\n\n\
    SIGHUP or POST /-/reload reads the configuration again; SIGTERM ends the runs, each with its teardown and hooks.")]
pub(super) struct Serve {
    /// The daemon's configuration; default config/loadgate.yml, if it is there
    #[arg(long, env = "LOADGATE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, instead of the configuration's `listen`
    #[arg(long, env = "LOADGATE_LISTEN", value_name = "ADDR")]
    listen: Option<std::net::SocketAddr>,
    /// Where runs are kept, instead of the configuration's `data_dir`
    #[arg(long, env = "LOADGATE_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// How the log is written on stderr
    #[arg(long, env = "LOADGATE_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
}

impl Serve {
    pub(super) fn execute(self) -> Result<u8, Failure> {
        let config = self.read().map_err(Failure::invalid)?;
        let tokens = match &config.token_file {
            Some(file) => {
                Some(Tokens::read(&file.value).map_err(|error| Failure::invalid(format!("error: {error}")))?)
            }
            None => None,
        };
        check_listen(config.listen.value, tokens.is_some())
            .map_err(|why| Failure::invalid(format!("error: {why}")))?;
        install_log(self.log_format);
        raise_descriptor_limit();
        let runs = Runs::open(&config.data_dir.value).map_err(|error| {
            Failure::internal(&format!("open {}", config.data_dir.value.display()), error)
        })?;
        let listener = TcpListener::bind(config.listen.value)
            .map_err(|error| Failure::internal(&format!("listen on {}", config.listen.value), error))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::internal("start", error))?;
        runtime.block_on(self.serve(config, tokens, runs, listener))
    }

    async fn serve(
        self,
        config: DaemonConfig,
        tokens: Option<Tokens>,
        runs: Runs,
        listener: TcpListener,
    ) -> Result<u8, Failure> {
        let address =
            listener.local_addr().map_err(|error| Failure::internal("learn the own address", error))?;
        let external_url = format!("http://{address}");
        let series = Arc::new(Store::new(config.store_bytes));
        let sources = Arc::new(Sources::new(Arc::clone(&series)));
        let access = match tokens {
            Some(tokens) => Access::with_tokens(Arc::new(tokens)),
            None => Access::on_loopback(&config.allowed_hosts),
        };
        let notices = alertmanagers(&config, &external_url)?;
        let log_format = self.log_format;
        let parts = Parts {
            config,
            reread: Box::new(move || self.read()),
            runs,
            series,
            audience: Arc::new(Shown::new(Arc::clone(&sources), log_format)),
            address,
            notices,
        };
        let daemon = Daemon::start(parts).map_err(Failure::invalid)?;
        let api = Api::start(listener, sources, daemon.clone(), access)?;
        tracing::info!("serving {external_url}: runs at /api/v1/runs, /metrics, and Prometheus' query API");
        until_told_to_end(&daemon).await;
        tracing::info!("ending: runs that are under way are stopped, each with its teardown and hooks");
        daemon.close().await;
        api.stop();
        Ok(0)
    }

    /// What the file says, and the command line over it.
    fn read(&self) -> Result<DaemonConfig, String> {
        let file =
            self.config.clone().or_else(|| Some(DEFAULT_FILE.into()).filter(|file: &PathBuf| file.is_file()));
        let mut config = match &file {
            Some(file) => read_config(file)?,
            None => DaemonConfig::default(),
        };
        if let Some(listen) = self.listen {
            config.listen.value = listen;
        }
        if let Some(data_dir) = &self.data_dir {
            config.data_dir.value.clone_from(data_dir);
        }
        Ok(config)
    }
}

fn read_config(file: &Path) -> Result<DaemonConfig, String> {
    let shown = file.display().to_string();
    let text = read_text(file, MAX_TEXT_BYTES)
        .map_err(|error| format!("error: failed to read the configuration {shown}: {error}"))?;
    DaemonConfig::read(&shown, &text).map_err(|problems| problems.to_string())
}

/// SIGHUP reads the configuration again; a second signal to end is not waited for.
async fn until_told_to_end(daemon: &Daemon) {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(listen) else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hangup.recv() => {
                let _it_is_in_the_log = daemon.reload().await;
            }
        }
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(crate::verdict::Verdict::Stopped.exit_code().into());
    });
}

/// Where no Prometheus evaluates the same rules: it would tell them too.
fn alertmanagers(config: &DaemonConfig, external_url: &str) -> Result<Option<Notices>, Failure> {
    if config.prometheus.is_some() || config.alertmanagers.is_empty() {
        return Ok(None);
    }
    let addresses: Result<Vec<Address>, _> =
        config.alertmanagers.iter().map(|url| url.value.parse()).collect();
    let addresses = addresses.map_err(|error| Failure::invalid(format!("error: alertmanager: {error}")))?;
    let tls = client_config(&TlsOptions::default())
        .map_err(|error| Failure::internal("read the certificates of this machine", error))?;
    Ok(Some(Notices::start(&addresses, Some(tls.http1), external_url.to_owned())))
}

/// The daemon's own log; runs have one of their own beside it.
fn install_log(format: LogFormat) {
    let subscriber = subscriber("info").with_writer(std::io::stderr);
    // A second daemon in one process, in tests, keeps the first one's.
    let _ = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
}

/// On a thread of its own: who asks delays neither a tick nor a worker.
pub(super) struct Api {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Api {
    pub(super) fn start(
        listener: TcpListener,
        sources: Arc<Sources>,
        daemon: Daemon,
        access: Access,
    ) -> Result<Self, Failure> {
        let failed = |error| Failure::internal("serve", error);
        listener.set_nonblocking(true).map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let serving = move || {
            lower_priority();
            runtime.block_on(async {
                let listener = match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => listener,
                    Err(error) => {
                        complain(&format!("error: failed to serve: {error}"));
                        return;
                    }
                };
                let shutdown = async {
                    let _ = stopped.await;
                };
                serve_daemon(listener, sources, daemon, access, shutdown).await;
            });
        };
        let thread = std::thread::Builder::new().name("api".to_owned()).spawn(serving).map_err(failed)?;
        Ok(Api { stop, thread })
    }

    /// Lets requests under way end.
    pub(super) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
