//! Messages that a pull consumer is asked for: as many as are wanted are on their way and no more, and what nobody takes
//! goes back (<https://docs.nats.io/reference/reference-protocols/nats_api_reference>). The library's own streams ask for
//! more than is wanted, and drop what is on its way when they end, so that nobody has it before its time is over.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use async_nats::client::Statistics;
use async_nats::{Client, Message, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Serialize;
use tokio::time::{Instant, timeout};

use crate::sample::ErrorCode;

/// On their way at once.
const BATCH: u64 = 500;
/// How long the server keeps a request.
const EXPIRES: Duration = Duration::from_secs(20);
/// How often it says that it is still there, when it has nothing else to say.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// As many heartbeats may be missing.
const MISSING: u32 = 2;
/// How often the connection is looked at, whether it is another one now.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the server may take to confirm that nothing more will come.
const FAREWELL: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Pull {
    client: Client,
    /// Where it is asked.
    subject: String,
    inbox: String,
    inlet: Subscriber,
    /// Asked for, and neither here nor refused.
    asked: u64,
    heard: Instant,
    statistics: Arc<Statistics>,
    /// How often the client had connected when it was asked: another connection's server may know nothing of it.
    connects: u64,
}

#[derive(Serialize)]
struct Request {
    batch: u64,
    /// In nanoseconds, as the next.
    expires: u128,
    idle_heartbeat: u128,
}

impl Pull {
    pub(super) async fn new(client: Client, stream: &str, consumer: &str) -> Result<Self, ErrorCode> {
        let inbox = client.new_inbox();
        let inlet = client.subscribe(inbox.clone()).await.map_err(|_| ErrorCode::NATS_DISCONNECTED)?;
        let statistics = client.statistics();
        Ok(Pull {
            subject: format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"),
            connects: statistics.connects.load(Relaxed),
            client,
            inbox,
            inlet,
            asked: 0,
            heard: Instant::now(),
            statistics,
        })
    }

    /// Waits for the next of `wanted`, or of all there will ever be; may be dropped without losing one. `None` once the
    /// connection is gone for good.
    pub(super) async fn next(&mut self, wanted: Option<u64>) -> Option<Result<Message, ErrorCode>> {
        loop {
            if let Err(error) = self.ask(wanted).await {
                return Some(Err(error));
            }
            let Ok(message) = timeout(LOOK_EVERY, self.inlet.next()).await else {
                if self.heard.elapsed() > HEARTBEAT * MISSING {
                    self.forget();
                    return Some(Err(ErrorCode::TIMEOUT));
                }
                continue;
            };
            let message = message?;
            self.heard = Instant::now();
            match message.status {
                None | Some(StatusCode::OK) => {
                    self.asked = self.asked.saturating_sub(1);
                    return Some(Ok(message));
                }
                Some(StatusCode::IDLE_HEARTBEAT) => {}
                // A request is over: its time, or all that was asked for.
                Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => self.over(&message),
                Some(StatusCode::NO_RESPONDERS) => {
                    self.forget();
                    return Some(Err(ErrorCode::NATS_NO_RESPONDERS));
                }
                // The server goes, the consumer is deleted, a limit is reached.
                Some(_) => {
                    self.over(&message);
                    return Some(Err(ErrorCode::NATS_JETSTREAM));
                }
            }
        }
    }

    /// Nothing more is asked for, and what was sent here and not taken is given back, so that others get it. What is
    /// stored in the very moment in which this ends may have been sent here, and comes to others when its time is over.
    pub(super) async fn hand_back(mut self) {
        let mut left = Vec::new();
        // Without a connection nobody answers.
        let _ = timeout(FAREWELL, self.take_what_is_on_its_way(&mut left)).await;
        if self.inlet.unsubscribe().await.is_err() {
            return;
        }
        for reply in left {
            // A connection that is gone has them delivered anew, too.
            let _ = self.client.publish(reply, Bytes::from_static(b"-NAK")).await;
        }
    }

    /// Messages to ourselves come after what the server sent before them: one that comes alone is the last.
    async fn take_what_is_on_its_way(&mut self, left: &mut Vec<Subject>) {
        while self.asked > 0 {
            let before = left.len();
            if self.client.publish(self.inbox.clone(), Bytes::new()).await.is_err() {
                return;
            }
            loop {
                match self.inlet.next().await {
                    Some(Message { reply: Some(reply), .. }) => {
                        self.asked = self.asked.saturating_sub(1);
                        left.push(reply);
                    }
                    Some(Message { status: Some(_), .. }) => {}
                    Some(_) if left.len() > before => break,
                    Some(_) | None => return,
                }
            }
        }
    }

    /// For as many as are wanted and not on their way; of those without end when half of them have come.
    async fn ask(&mut self, wanted: Option<u64>) -> Result<(), ErrorCode> {
        let connects = self.statistics.connects.load(Relaxed);
        if connects != self.connects {
            self.forget();
            self.connects = connects;
        }
        let (least, most) = match wanted {
            Some(wanted) => (wanted.min(1), wanted.min(BATCH)),
            None => (BATCH / 2, BATCH),
        };
        if self.asked >= least {
            return Ok(());
        }
        let batch = most - self.asked;
        let (expires, idle_heartbeat) = (EXPIRES.as_nanos(), HEARTBEAT.as_nanos());
        let request = serde_json::to_vec(&Request { batch, expires, idle_heartbeat });
        let request = request.map_err(|_| ErrorCode::GENERIC)?;
        let (subject, inbox) = (self.subject.clone(), self.inbox.clone());
        let asked = self.client.publish_with_reply(subject, inbox, request.into()).await;
        asked.map_err(|_| ErrorCode::NATS_DISCONNECTED)?;
        self.asked += batch;
        self.heard = Instant::now();
        Ok(())
    }

    fn forget(&mut self) {
        (self.asked, self.heard) = (0, Instant::now());
    }

    /// How many of a request will not come any more.
    fn over(&mut self, message: &Message) {
        let left = message.headers.as_ref().and_then(|headers| headers.get("Nats-Pending-Messages"));
        let left = left.and_then(|left| left.as_str().parse().ok()).unwrap_or(self.asked);
        self.asked = self.asked.saturating_sub(left);
    }
}
