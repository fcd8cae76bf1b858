//! The demo target on a thread of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::cli::Failure;
use crate::target::{Fault, TargetConfig, listen, serve};

pub(super) struct DemoTarget {
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl DemoTarget {
    pub(super) fn start(faults: Vec<Fault>) -> Result<Self, Failure> {
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

    pub(super) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
