//! `loadgate target`: the demo target, in the foreground.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::Failure;
use super::files::complain;
use super::process::{raise_descriptor_limit, signal};
use crate::target::{Fault, ROUTES, TargetConfig, WS_PROTOCOL, listen, serve_with_grpc};

/// Serve the demo target that the plans in config/plans were written for
#[derive(Debug, clap::Args)]
#[command(after_help = help())]
pub(super) struct Target {
    /// Where to listen
    #[arg(long, env = "LOADGATE_TARGET_LISTEN", default_value = "127.0.0.1:4000", value_name = "ADDR")]
    listen: SocketAddr,
    /// Where to listen for gRPC: kernel.v1.Kernel, ai.v1.AI and reflection [default: port 50051 beside --listen, if it
    /// is free]
    #[arg(long, env = "LOADGATE_TARGET_GRPC_LISTEN", value_name = "ADDR")]
    grpc_listen: Option<SocketAddr>,
    /// A fault to begin with; may be repeated. POST /faults switches them later
    #[arg(long, env = "LOADGATE_FAULT", value_name = "NAME[=VALUE]", value_delimiter = ';')]
    fault: Vec<Fault>,
    /// Events a second on /ws, of both chains together; 0 for none
    #[arg(
        long,
        env = "LOADGATE_TARGET_EVENT_RATE",
        default_value_t = TargetConfig::default().events_per_sec,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(..=MAX_EVENTS_PER_SEC)
    )]
    event_rate: u32,
    /// Orders a second on /order; more are sent to the waiting room (302). 0 for no limit
    #[arg(
        long,
        env = "LOADGATE_TARGET_ORDER_RATE",
        default_value_t = TargetConfig::default().orders_per_sec,
        value_name = "N"
    )]
    order_rate: u32,
}

/// gRPC's own, in its examples.
const GRPC_PORT: u16 = 50051;

/// More could not be made beside the traffic that they are.
const MAX_EVENTS_PER_SEC: i64 = 100_000;

pub(super) fn fault_help() -> String {
    format!(
        "Example:\n  loadgate target --listen 127.0.0.1:4000 --fault latency=200ms\n\nFaults:\n{}",
        Fault::table()
    )
}

fn help() -> String {
    let width = ROUTES.iter().map(|route| route.path.len()).max().unwrap_or(0);
    let paths: String =
        ROUTES.iter().map(|route| format!("  {:<width$}  {}\n", route.path, route.about)).collect();
    format!("{}\n\nPaths:\n{paths}\nOn /ws:\n{WS_PROTOCOL}", fault_help())
}

impl Target {
    pub(super) fn execute(self) -> Result<u8, Failure> {
        raise_descriptor_limit();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::internal("start", error))?;
        runtime.block_on(async {
            let listener = listen(self.listen)
                .map_err(|error| Failure::internal(&format!("listen on {}", self.listen), error))?;
            let address = listener.local_addr().unwrap_or(self.listen);
            complain(&format!(
                "demo target on http://{address} (chat on ws://{address}/api/chat, Ctrl-C ends it)"
            ));
            let grpc = self.listen_for_grpc()?;
            let config = TargetConfig {
                faults: self.fault,
                events_per_sec: self.event_rate,
                orders_per_sec: self.order_rate,
                ..TargetConfig::default()
            };
            let stop = async {
                signal().await;
            };
            serve_with_grpc(listener, grpc, config, stop)
                .await
                .map_err(|error| Failure::internal("serve the demo target", error))?;
            Ok(0)
        })
    }

    /// The usual port may be another's, who did not ask for ours.
    fn listen_for_grpc(&self) -> Result<Option<TcpListener>, Failure> {
        let address = self.grpc_listen.unwrap_or(SocketAddr::new(self.listen.ip(), GRPC_PORT));
        match listen(address) {
            Ok(listener) => {
                let address = listener.local_addr().unwrap_or(address);
                complain(&format!("gRPC on grpc://{address} (kernel.v1.Kernel, ai.v1.AI, reflection)"));
                Ok(Some(listener))
            }
            Err(error) if self.grpc_listen.is_some() => {
                Err(Failure::internal(&format!("listen on {address}"), error))
            }
            Err(error) => {
                complain(&format!(
                    "no gRPC: {address} cannot be had ({error}); choose another by --grpc-listen"
                ));
                Ok(None)
            }
        }
    }
}
