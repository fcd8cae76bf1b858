//! `loadgate demo`: the whole product on an empty machine: target, daemon with its page, and a run.

mod audience;
mod folder;
mod target;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use super::files::{PlanArgs, compile_plan, complain};
use super::log::LogLines;
use super::outputs::{ShownArgs, Told};
use super::process::{raise_descriptor_limit, signal_before};
use super::serve::{Api, Shown};
use super::target::fault_help;
use crate::api::{Access, Sources};
use crate::config::{DaemonConfig, Redactor, check_listen};
use crate::daemon::{Daemon, Parts, PlanSource, Refusal, Submit};
use crate::report::{Display, Finished};
use crate::store::{Bundle, RunId, RunRecord, Runs};
use crate::target::Fault;
use crate::tsdb::Store;
use crate::verdict::Verdict;
use audience::Spectators;
use folder::Folder;
use target::DemoTarget;

const PLAN: &str = include_str!("../../../config/plans/chat-streaming.yml");
const PLAN_NAME: &str = "config/plans/chat-streaming.yml";
/// The port of a daemon; any other if it is taken.
const DAEMON: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5665);
/// Between two ticks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Start the demo target and a daemon with its page, and run the 100 Hz chat plan; the exit code is the verdict
#[derive(Debug, clap::Args)]
#[command(after_help = demo_help())]
pub(super) struct Demo {
    /// Users; the default is what this machine holds beside the target, at most 1,000
    #[arg(long, env = "LOADGATE_DEMO_VUS")]
    vus: Option<u64>,
    /// How long load is sent
    #[arg(long, env = "LOADGATE_DEMO_DURATION", default_value = "20s")]
    duration: String,
    /// A fault of the target, to see a gate fire; may be repeated
    #[arg(long, env = "LOADGATE_FAULT", value_name = "NAME[=VALUE]", value_delimiter = ';')]
    fault: Vec<Fault>,
    /// Go on serving target, page and /metrics after the run, until Ctrl-C
    #[arg(long, env = "LOADGATE_STAY")]
    stay: bool,
    /// Where the daemon listens, on this machine (default: 127.0.0.1:5665, or another port if that is taken)
    #[arg(long, env = "LOADGATE_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    output: ShownArgs,
}

fn demo_help() -> String {
    let faults = fault_help();
    let faults = faults.split_once("Faults:").map_or("", |(_, faults)| faults);
    format!(
        "Examples:\n  loadgate demo\n  loadgate demo --stay              # then look at the page\n  \
         loadgate demo --fault slow-loop   # the gate on the 100 Hz loop fires: exit 99\n\nFaults:{faults}"
    )
}

impl Demo {
    pub(super) fn execute(self) -> Result<u8, Failure> {
        self.output.check(&[])?;
        raise_descriptor_limit();
        let log = LogLines::install(self.output.log_format, Arc::new(Redactor::default()), "warn");
        let failed = |error: std::io::Error| Failure::internal("start", error);
        let folder = Folder::new().map_err(failed)?;
        let listener = self.listener()?;
        let address = listener.local_addr().map_err(failed)?;
        complain(&format!("page: http://{address}/"));
        let target = DemoTarget::start(self.fault.clone())?;
        let vus = self.vus.unwrap_or_else(affordable_vus);
        let until = if self.stay { "; all of it stays until Ctrl-C" } else { "" };
        complain(&format!("demo target on http://{}, {vus} users; plan {PLAN_NAME}{until}", target.address));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let code = runtime.block_on(self.perform(folder.path(), listener, self.env(&target, vus), log));
        target.stop();
        code
    }

    fn listener(&self) -> Result<TcpListener, Failure> {
        let Some(address) = self.listen else {
            let any = SocketAddr::new(DAEMON.ip(), 0);
            let listener = TcpListener::bind(DAEMON).or_else(|_| TcpListener::bind(any));
            return listener.map_err(|error| Failure::internal("listen on this machine", error));
        };
        check_listen(address, false).map_err(|why| Failure::usage(format!("error: --listen: {why}")))?;
        TcpListener::bind(address).map_err(|error| Failure::internal(&format!("listen on {address}"), error))
    }

    fn env(&self, target: &DemoTarget, vus: u64) -> Vec<(String, String)> {
        let var = |name: &str, value: String| (name.to_owned(), value);
        vec![
            var("BASE_URL", format!("http://{}", target.address)),
            var("WS_URL", format!("ws://{}", target.address)),
            var("VUS", vus.to_string()),
            var("DURATION", self.duration.clone()),
            var("MESSAGES", "5".to_owned()),
        ]
    }

    /// A daemon from its start to its end, with one run.
    async fn perform(
        &self,
        folder: &Path,
        listener: TcpListener,
        env: Vec<(String, String)>,
        log: LogLines,
    ) -> Result<u8, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::internal("start the daemon", error);
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let series = Arc::new(Store::default());
        let sources = Arc::new(Sources::new(Arc::clone(&series)));
        let page = Shown::new(Arc::clone(&sources), self.output.log_format);
        let display = self.display(&env)?;
        let spectators = Arc::new(Spectators::new(page, display, log));
        let config = config(address, folder);
        let access = Access::on_loopback(&config.allowed_hosts);
        let parts = Parts {
            runs: Runs::open(folder).map_err(|error| failed(&error))?,
            config,
            reread: Box::new(|| Err("the demo has no configuration to read again".to_owned())),
            series: Arc::clone(&series),
            audience: Arc::<Spectators>::clone(&spectators),
            address,
            notices: None,
        };
        let daemon = Daemon::start(parts).map_err(Failure::invalid)?;
        let api = Api::start(listener, sources, daemon.clone(), access)?;
        // Heard from here on, whatever is done meanwhile.
        let left = folder.to_owned();
        let mut interrupted = std::pin::pin!(signal_before(move || folder::remove(&left)));
        let ended = self.run(&daemon, env, interrupted.as_mut()).await;
        let finished = spectators.finished();
        let shown = match (&ended, &finished) {
            (Ok(run), Some(finished)) => self.show(&daemon, &run.record, finished, &series).await,
            _ => Ok(()),
        };
        if let Ok(Ended { stopped: false, .. }) = &ended
            && self.stay
        {
            let _ = interrupted.await;
        }
        daemon.close().await;
        api.stop();
        let record = ended?.record;
        let code = record.exit_code.unwrap_or(Verdict::Inconclusive.exit_code());
        if finished.is_none() {
            let why = record.ended_by.unwrap_or_else(|| "the run left no result".to_owned());
            return Err(Failure { message: format!("error: {why}"), code });
        }
        match shown {
            // The verdict says more than a full disk does, unless all was well.
            Err(failure) if code != 0 => complain(&failure.to_string()),
            shown => shown?,
        }
        Ok(code)
    }

    /// As `loadgate run` shows this plan.
    fn display(&self, env: &[(String, String)]) -> Result<Display, Failure> {
        let args = PlanArgs { env: env.to_vec(), ..PlanArgs::default() };
        let plan = compile_plan(PLAN_NAME, PLAN, Path::new("config/plans"), &args)?;
        let names: Vec<String> = plan.scenarios.iter().map(|scenario| scenario.name.to_string()).collect();
        let format = self.output.log_format.into();
        Ok(Display::new(self.output.quiet, format, std::io::stderr().is_terminal(), &names))
    }

    /// The run, from its submission to its end. A signal stops it.
    async fn run(
        &self,
        daemon: &Daemon,
        env: Vec<(String, String)>,
        mut interrupted: Pin<&mut impl Future<Output = String>>,
    ) -> Result<Ended, Failure> {
        let plan = Bundle {
            plan: PLAN_NAME.to_owned(),
            files: BTreeMap::from([(PLAN_NAME.to_owned(), PLAN.as_bytes().to_vec())]),
        };
        let submit = Submit {
            plan: PlanSource::Given(plan),
            profile: None,
            env,
            tags: self.output.tag.clone(),
            idempotency_key: None,
        };
        let id = daemon.submit(submit).await.map_err(refused)?.run.id;
        let mut stopped = false;
        let mut ended = std::pin::pin!(until_ended(daemon, &id));
        loop {
            tokio::select! {
                record = &mut ended => return Ok(Ended { record: record?, stopped }),
                name = &mut interrupted, if !stopped => {
                    stopped = true;
                    match daemon.stop(&id, format!("signal {name}")).await {
                        // It has ended meanwhile.
                        Ok(_) | Err(Refusal::Conflict(_)) => {}
                        Err(refusal) => return Err(refused(refusal)),
                    }
                }
            }
        }
    }

    async fn show(
        &self,
        daemon: &Daemon,
        record: &RunRecord,
        finished: &Finished,
        series: &Store,
    ) -> Result<(), Failure> {
        self.output.say_summary(finished, false);
        let log = daemon.log(&record.id).await.unwrap_or_default();
        let told = Told {
            finished,
            series,
            log: &log,
            plan: &record.plan,
            profile: None,
            tags: &self.output.tag,
            interval: INTERVAL,
        };
        self.output.write_reports(&told)
    }
}

struct Ended {
    record: RunRecord,
    /// By a signal.
    stopped: bool,
}

async fn until_ended(daemon: &Daemon, id: &RunId) -> Result<RunRecord, Failure> {
    let mut seen = 0;
    loop {
        seen = daemon.changed(seen).await;
        let record = daemon.run(id).await.map_err(refused)?;
        if record.state.has_ended() {
            return Ok(record);
        }
    }
}

fn refused(refusal: Refusal) -> Failure {
    Failure::internal("run the demo's plan", refusal)
}

/// No plans, no rules, and nothing of this machine but the folder.
fn config(address: SocketAddr, folder: &Path) -> DaemonConfig {
    let mut config = DaemonConfig { plans: Vec::new(), rule_files: Vec::new(), ..DaemonConfig::default() };
    config.listen.value = address;
    config.data_dir.value = folder.to_owned();
    config
}

/// A user costs the generator and the target beside it some 0.1 % of a core together.
fn affordable_vus() -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    (cores * 500).min(1_000)
}
