//! The task of one Alertmanager: takes what waits for it and posts it, until it is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use rustls::ClientConfig;
use tokio_util::sync::CancellationToken;

use super::queue::{Batch, Queue};
use super::{Address, Options, message};
use crate::scrape::ScrapeError;
use crate::scrape::body;
use crate::scrape::connection::{Connection, exchange, to, whole};

/// Of an answer: what is longer is not read, and its connection not kept.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// Between two tries once there is no later.
const RETRY_WHILE_CLOSING: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Sender {
    pub(super) address: Address,
    pub(super) queue: Queue,
    pub(super) capacity: usize,
    /// Alerts that were taken.
    pub(super) sent: AtomicU64,
    /// Alerts of requests that failed; each time anew.
    pub(super) errors: AtomicU64,
    batch: usize,
    timeout: Duration,
    retry_after: Duration,
    retry_at_most: Duration,
    tls: Option<Arc<ClientConfig>>,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Exchange(#[from] ScrapeError),
    #[error("did not answer within {0:?}")]
    Timeout(Duration),
    #[error("answered {status}: {said}")]
    Status { status: u16, said: String },
}

impl Failure {
    /// What an Alertmanager refuses it refuses again.
    fn is_final(&self) -> bool {
        matches!(self, Failure::Status { status: 300..=499, .. } if !self.asks_to_wait())
    }

    fn asks_to_wait(&self) -> bool {
        matches!(self, Failure::Status { status: 408 | 425 | 429, .. })
    }
}

impl Sender {
    pub(super) fn new(address: Address, options: &Options) -> Self {
        let capacity = options.queue_capacity.max(1);
        Sender {
            address,
            queue: Queue::new(capacity),
            capacity,
            sent: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            batch: options.batch.max(1),
            timeout: options.timeout,
            retry_after: options.retry_after,
            retry_at_most: options.retry_at_most,
            tls: options.tls.clone(),
        }
    }

    /// Sends what is queued; once `closing`, until nothing waits any more.
    pub(super) async fn run(self: Arc<Self>, closing: CancellationToken) {
        let mut connection = None;
        let mut pause = self.retry_after;
        loop {
            // Asked first: what was queued before the end is then seen.
            let ends = closing.is_cancelled();
            let batch = self.queue.take(self.batch);
            if batch.len() == 0 {
                if ends {
                    return;
                }
                tokio::select! {
                    () = self.queue.pushed() => {}
                    () = closing.cancelled() => {}
                }
                continue;
            }
            if self.deliver(batch, &mut connection).await {
                pause = self.retry_after;
                continue;
            }
            let waits = if closing.is_cancelled() { pause.min(RETRY_WHILE_CLOSING) } else { pause };
            pause = (pause * 2).min(self.retry_at_most);
            tokio::select! {
                () = tokio::time::sleep(waits) => {}
                () = closing.cancelled(), if !closing.is_cancelled() => {}
            }
        }
    }

    /// Whether the batch is done with.
    async fn deliver(&self, batch: Batch, connection: &mut Option<Connection>) -> bool {
        let count = batch.len() as u64;
        // Taken, so that a request that is given up takes its connection along.
        let kept = connection.take();
        let taken = Taken { queue: &self.queue, batch: Some(batch) };
        let posted = match tokio::time::timeout(self.timeout, self.post(&taken, kept)).await {
            Ok(posted) => posted,
            Err(_) => Err(Failure::Timeout(self.timeout)),
        };
        match posted {
            Ok(kept) => {
                *connection = kept;
                taken.done();
                self.sent.fetch_add(count, Ordering::Relaxed);
                true
            }
            Err(failure) => {
                self.errors.fetch_add(count, Ordering::Relaxed);
                let is_final = failure.is_final();
                let outcome = if is_final { "dropped" } else { "tried again" };
                tracing::warn!(
                    "{count} alerts were not sent to {}: {failure}; they are {outcome}",
                    self.address
                );
                if is_final {
                    self.queue.count_dropped(&taken.done());
                }
                is_final
            }
        }
    }

    async fn post(&self, taken: &Taken<'_>, kept: Option<Connection>) -> Result<Option<Connection>, Failure> {
        let url = &self.address.url;
        let json = Bytes::from(message::body(taken.batch.iter().flat_map(Batch::messages)));
        let request = || whole(to(url, Method::POST).header(CONTENT_TYPE, "application/json"), json.clone());
        let (connection, response) = exchange(url, self.tls.as_ref(), kept, request).await?;
        let status = response.status();
        let said = body::read(response.into_body(), false, MAX_ANSWER_BYTES).await;
        if status.is_success() {
            return Ok(said.ok().and_then(|_| connection.kept()));
        }
        let said = String::from_utf8_lossy(&said.unwrap_or_default()).trim().chars().take(300).collect();
        Err(Failure::Status { status: status.as_u16(), said })
    }
}

/// A batch on its way. Unless it is done with it goes back to its queue, also when its task is ended.
struct Taken<'q> {
    queue: &'q Queue,
    batch: Option<Batch>,
}

impl Taken<'_> {
    fn done(mut self) -> Batch {
        self.batch.take().unwrap_or_default()
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.queue.put_back(batch);
        }
    }
}
