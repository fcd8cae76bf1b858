//! `/metrics` and the query API beside a run, on a thread of their own: who asks delays neither a tick nor a worker.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::Failure;
use crate::api::{Sources, lower_priority, serve};

pub(super) struct MetricsServer {
    /// What is served, to be published into.
    pub(super) sources: Arc<Sources>,
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl MetricsServer {
    /// Listens at once, so that an address that is taken is known before load is sent.
    pub(super) fn start(address: SocketAddr, sources: Sources) -> Result<Self, Failure> {
        let failed = |error| Failure::internal(&format!("listen on {address}"), error);
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let sources = Arc::new(sources);
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&sources);
        let thread = std::thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(move || {
                // Compresses; and the threads that encode come from it.
                lower_priority();
                runtime.block_on(async {
                    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                    let shutdown = async {
                        let _ = stopped.await;
                    };
                    serve(listener, served, shutdown).await;
                });
            })
            .map_err(failed)?;
        Ok(MetricsServer { sources, address, stop, thread })
    }

    /// Lets requests under way end.
    pub(super) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
