//! Alerts to Alertmanagers, as Prometheus' notifier sends them. It never makes its caller wait.
//!
//! Every Alertmanager is told everything, by a task and a queue of its own, so that one which is slow or gone delays no
//! other. What could not be delivered is tried again for as long as this process lives, newer alerts of the same
//! labels in place of older ones; a queue that is full loses the oldest, and counts them. When alerts are to be sent,
//! and again, is the rules' affair; at the end all that still fire are resolved.
//!
//! There must be one sender: where a Prometheus evaluates the rules too, it notifies.

mod address;
mod message;
mod notices;
mod queue;
mod sender;
mod stats;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use address::{Address, AddressError};
pub(crate) use address::{base_url, shown_url};
pub use notices::Notices;
pub use stats::NotifyStats;

use crate::labels::Labels;
use message::Message;
use sender::Sender;

/// An alert as an Alertmanager is told of it. Times are in milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// What identifies it, `alertname` among them.
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    /// When it fired.
    pub starts_at_ms: i64,
    /// When it was resolved; of one that fires, until when that may be believed without hearing of it again.
    pub ends_at_ms: i64,
    /// Where one can look at what it is about; may be empty.
    pub generator_url: String,
}

/// How alerts are sent; the default is as Prometheus does.
#[derive(Debug, Clone)]
pub struct Options {
    /// Added to each alert, where it does not have them itself.
    pub external_labels: Labels,
    /// For a whole request, from DNS to the last byte.
    pub timeout: Duration,
    /// Alerts that wait for one Alertmanager. At least 1.
    pub queue_capacity: usize,
    /// Alerts in one request. At least 1.
    pub batch: usize,
    /// Until the first try again after a failure; twice as long each time, up to `retry_at_most`.
    pub retry_after: Duration,
    pub retry_at_most: Duration,
    /// How long [`Notifier::close`] may take.
    pub close_within: Duration,
    /// Needed for `https`.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            external_labels: Labels::empty(),
            timeout: Duration::from_secs(10),
            queue_capacity: 10_000,
            batch: 256,
            retry_after: Duration::from_millis(500),
            retry_at_most: Duration::from_secs(30),
            close_within: Duration::from_secs(4),
            tls: None,
        }
    }
}

/// Sends alerts. Dropping it ends all sending at once; [`close`](Self::close) resolves first.
#[derive(Debug)]
pub struct Notifier {
    senders: Vec<Arc<Sender>>,
    tasks: JoinSet<()>,
    closing: CancellationToken,
    /// What the Alertmanagers have been told that fires.
    firing: HashMap<Labels, Alert>,
    external_labels: Labels,
    close_within: Duration,
}

impl Notifier {
    /// Starts a task for each Alertmanager. To be called within a tokio runtime, in which they run.
    pub fn start(addresses: Vec<Address>, options: &Options) -> Notifier {
        let closing = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let senders: Vec<Arc<Sender>> =
            addresses.into_iter().map(|address| Arc::new(Sender::new(address, options))).collect();
        for sender in &senders {
            tasks.spawn(Arc::clone(sender).run(closing.clone()));
        }
        let external_labels = options.external_labels.clone();
        let close_within = options.close_within;
        Notifier { senders, tasks, closing, firing: HashMap::new(), external_labels, close_within }
    }

    /// Queues alerts for all Alertmanagers and returns at once. `now_ms`: an alert that ends later fires.
    pub fn send(&mut self, now_ms: i64, alerts: Vec<Alert>) {
        for mut alert in alerts {
            alert.labels = self.external_labels.merged(&alert.labels);
            let message = Message::of(&alert);
            for sender in &self.senders {
                sender.queue.push(&message);
            }
            if alert.ends_at_ms > now_ms {
                self.firing.insert(alert.labels.clone(), alert);
            } else {
                self.firing.remove(&alert.labels);
            }
        }
    }

    /// What was sent, what failed and what waits.
    pub fn stats(&self) -> NotifyStats {
        NotifyStats::of(&self.senders)
    }

    /// Resolves all that fire, waits until every Alertmanager knows, or has not answered for
    /// [`Options::close_within`], and ends. What could not be delivered by then counts as dropped.
    pub async fn close(mut self, now_ms: i64) -> NotifyStats {
        let deadline = Instant::now() + self.close_within;
        let resolved = std::mem::take(&mut self.firing).into_values();
        let resolved = resolved.map(|alert| Alert { ends_at_ms: now_ms, ..alert }).collect();
        self.send(now_ms, resolved);
        self.closing.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout_at(deadline, all).await.is_err() {
            self.tasks.shutdown().await;
        }
        for sender in &self.senders {
            sender.queue.abandon();
        }
        self.stats()
    }
}
