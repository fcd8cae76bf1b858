//! Debian's Alertmanager, which posts to a webhook of the test. Where it is not installed a test skips, and says so.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::listening::listening;
use super::{HttpServer, exchange, reply};

/// A server that tells the webhook at once. Ends when it is dropped.
pub(crate) struct Alertmanager {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
    _webhook: HttpServer,
    notifications: mpsc::UnboundedReceiver<Value>,
}

impl Alertmanager {
    /// `None` where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        // JSON is YAML.
        Alertmanager::configured(|webhook| {
            json!({
                "route": {"receiver": "test", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "4h"},
                "receivers": [{"name": "test", "webhook_configs": [{"url": webhook, "send_resolved": true}]}],
            })
            .to_string()
        })
    }

    /// With a configuration that is told where the webhook is.
    pub(crate) fn configured(config: impl Fn(&str) -> String) -> Option<Self> {
        let (told, notifications) = mpsc::unbounded_channel();
        let webhook = HttpServer::start(move |asked| {
            // The test may have seen enough.
            let _ = told.send(serde_json::from_str(&asked.body).unwrap());
            async { reply(200, "") }
        });
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("alertmanager.yml"), config(&webhook.url())).unwrap();
        let child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", folder.path().join("alertmanager.yml").display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                println!(
                    "skipped: prometheus-alertmanager does not start ({error}); it comes with Debian's package of this name"
                );
                return None;
            }
        };
        let address = listening(&mut child, "Alertmanager");
        Some(Alertmanager { child, address, _folder: folder, _webhook: webhook, notifications })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it tells the webhook next.
    pub(crate) async fn notification(&mut self) -> Value {
        self.notifications.recv().await.unwrap()
    }

    /// What it has told the webhook meanwhile, if anything.
    pub(crate) fn told(&mut self) -> Option<Value> {
        self.notifications.try_recv().ok()
    }

    /// The alerts that are active, as its API has them.
    pub(crate) fn active(&self) -> Vec<Value> {
        exchange(self.address, "GET", "/api/v2/alerts?active=true", "", "").json().as_array().unwrap().clone()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}
