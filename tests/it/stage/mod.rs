//! What the end-to-end tests stand on: servers that we control, each on a thread of its own, and runs,
//! by the library or by the program. Shares no code with what it tests but the run itself.

mod alertmanager;
mod browser;
mod command;
mod daemon;
mod demo;
mod exchange;
mod fake_daemon;
mod http;
mod listening;
mod nats;
mod nginx;
mod postgres;
mod prometheus;
mod rabbitmq;
mod redis;
mod run;
mod serving;
mod watched;
mod websocket;

use std::net::SocketAddr;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub(crate) use alertmanager::Alertmanager;
pub(crate) use browser::Browser;
pub(crate) use command::{Ended, loadgate, loadgate_run};
pub(crate) use daemon::{Daemon, id, write_config};
pub(crate) use demo::{demo_target, demo_with_grpc};
pub(crate) use exchange::{Answer, exchange};
pub(crate) use fake_daemon::FakeDaemon;
pub(crate) use http::{Asked, HttpServer, reply, reply_with};
pub(crate) use nats::{Nats, Stored};
pub(crate) use nginx::Nginx;
pub(crate) use postgres::Postgres;
pub(crate) use prometheus::{Prometheus, check_with_promtool, promtool};
pub(crate) use rabbitmq::{RabbitMq, Read};
pub(crate) use redis::Redis;
pub(crate) use run::{Ran, Samples, compiled, options, run, try_run};
pub(crate) use serving::{Serving, get, is_final, value};
pub(crate) use watched::watched;
pub(crate) use websocket::websocket_server;

/// A service on a thread of its own, so that it keeps its own time. Ends when it is dropped.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// `serve` is given the listener, and when to end.
    pub(crate) fn start<F>(
        serve: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()>,
    {
        Service::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), serve)
    }

    /// At an address of the caller's choice.
    pub(crate) fn start_at<F>(
        address: SocketAddr,
        serve: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()>,
    {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                serve(TcpListener::from_std(listener).unwrap(), stopped).await;
            });
        });
        Service { address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn http(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn ws(&self) -> String {
        format!("ws://{}", self.address)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A service that panicked must not pass for one that worked.
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "a server of the test panicked");
        }
    }
}
