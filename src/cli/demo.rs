//! `loadgate demo`: the whole product on an empty machine.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::Failure;
use super::files::{PlanArgs, compile_plan, complain};
use super::process::raise_descriptor_limit;
use super::run::{OutputArgs, Stay, foreground};
use super::target::fault_help;
use crate::target::{Fault, TargetConfig, listen, serve};

const PLAN: &str = include_str!("../../config/plans/chat-streaming.yml");
const PLAN_NAME: &str = "config/plans/chat-streaming.yml";
/// The port that the daemon's contract names; any other if it is taken.
const METRICS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5665);

/// Start the demo target and run the 100 Hz chat plan against it; the exit code is the verdict
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
    /// Go on serving target and /metrics after the run, until Ctrl-C
    #[arg(long, env = "LOADGATE_STAY")]
    stay: bool,
    #[command(flatten)]
    output: OutputArgs,
}

fn demo_help() -> String {
    let faults = fault_help();
    let faults = faults.split_once("Faults:").map_or("", |(_, faults)| faults);
    format!(
        "Examples:\n  loadgate demo\n  loadgate demo --fault slow-loop   # the gate on the 100 Hz loop fires: exit 99\n\nFaults:{faults}"
    )
}

impl Demo {
    pub(super) fn execute(self) -> Result<u8, Failure> {
        raise_descriptor_limit();
        let target = DemoTarget::start(self.fault)?;
        let vus = self.vus.unwrap_or_else(affordable_vus);
        let var = |name: &str, value: String| (name.to_owned(), value);
        let env = vec![
            var("BASE_URL", format!("http://{}", target.address)),
            var("WS_URL", format!("ws://{}", target.address)),
            var("VUS", vus.to_string()),
            var("DURATION", self.duration),
            var("MESSAGES", "5".to_owned()),
        ];
        let plan = compile_plan(
            PLAN_NAME,
            PLAN,
            Path::new("config/plans"),
            &PlanArgs { env, ..PlanArgs::default() },
        )?;
        let mut output = self.output;
        output.listen.get_or_insert_with(free_metrics_address);
        let stay = if self.stay { Stay::UntilSignal } else { Stay::Linger };
        let finished = foreground(plan, &output, stay, || {
            let until = if self.stay { "; it and /metrics stay until Ctrl-C" } else { "" };
            complain(&format!(
                "demo target on http://{}, {vus} users; plan {PLAN_NAME}{until}",
                target.address
            ));
        })?;
        target.stop();
        Ok(finished.exit_code())
    }
}

/// A user costs the generator and the target beside it some 0.1 % of a core together.
fn affordable_vus() -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    (cores * 500).min(1_000)
}

fn free_metrics_address() -> SocketAddr {
    match TcpListener::bind(METRICS) {
        Ok(_) => METRICS,
        Err(_) => SocketAddr::new(METRICS.ip(), 0),
    }
}

/// The demo target on a thread of its own.
struct DemoTarget {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl DemoTarget {
    fn start(faults: Vec<Fault>) -> Result<Self, Failure> {
        let failed = |error| Failure::internal("start the demo target", error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let listener = {
            let _inside = runtime.enter();
            listen((Ipv4Addr::LOCALHOST, 0).into()).map_err(failed)?
        };
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let serving = move || {
            runtime.block_on(async {
                let config = TargetConfig { faults, ..TargetConfig::default() };
                let shutdown = async {
                    let _ = stopped.await;
                };
                if let Err(error) = serve(listener, config, shutdown).await {
                    tracing::error!("the demo target has ended: {error}");
                }
            });
        };
        let thread = std::thread::Builder::new().name("target".to_owned()).spawn(serving).map_err(failed)?;
        Ok(DemoTarget { address, stop, thread })
    }

    fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
