//! `loadgate target`: the demo target, in the foreground.

use std::net::SocketAddr;

use super::Failure;
use super::files::complain;
use super::process::{raise_descriptor_limit, signal};
use crate::target::{Fault, TargetConfig, listen, serve};

/// Serve the demo target that the plans in config/plans were written for
#[derive(Debug, clap::Args)]
#[command(after_help = fault_help())]
pub(super) struct Target {
    /// Where to listen
    #[arg(long, env = "LOADGATE_TARGET_LISTEN", default_value = "127.0.0.1:4000", value_name = "ADDR")]
    listen: SocketAddr,
    /// A fault to begin with; may be repeated. POST /faults switches them later
    #[arg(long, env = "LOADGATE_FAULT", value_name = "NAME[=VALUE]", value_delimiter = ';')]
    fault: Vec<Fault>,
}

pub(super) fn fault_help() -> String {
    format!(
        "Example:\n  loadgate target --listen 127.0.0.1:4000 --fault latency=200ms\n\nFaults:\n{}",
        Fault::table()
    )
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
            let config = TargetConfig { faults: self.fault, ..TargetConfig::default() };
            let stop = async {
                signal().await;
            };
            serve(listener, config, stop)
                .await
                .map_err(|error| Failure::internal("serve the demo target", error))?;
            Ok(0)
        })
    }
}
