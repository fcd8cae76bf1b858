//! One connection to `/ws`: requests in, answers and events out.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::sync::CancellationToken;

use super::super::Backend;
use super::super::socket::{self, Socket};
use super::filter::Filter;
use super::hub::{Batch, Subscription};

/// Subscriptions of one connection; more are refused.
const MAX_SUBSCRIPTIONS: usize = 64;

/// Batches written before the connection looks again for requests and for the end of the service.
const MAX_BATCHES_AT_ONCE: usize = 64;

/// What a client may send. `id` comes back as it was, whatever it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    filter: Option<Filter>,
    #[serde(borrow)]
    subscription: Option<Cow<'a, str>>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    /// Of a `publish`: read, and thrown away.
    #[serde(borrow, rename = "payload")]
    _payload: Option<&'a RawValue>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Subscribe,
    List,
    Unsubscribe,
    Publish,
    Ping,
}

pub(super) struct Session<'a> {
    socket: Socket,
    backend: &'a Backend,
    subscriptions: Vec<Subscription<'a>>,
    /// Only of who has subscribed: an idle connection is never woken.
    batches: Option<broadcast::Receiver<Arc<Batch>>>,
}

impl<'a> Session<'a> {
    pub(super) fn new(socket: Socket, backend: &'a Backend) -> Self {
        Self { socket, backend, subscriptions: Vec::new(), batches: None }
    }

    pub(super) async fn talk(&mut self, stop: &CancellationToken) -> Result<(), tungstenite::Error> {
        let stopped = stop.cancelled();
        tokio::pin!(stopped);
        loop {
            self.backend.faults.wait_out_stall().await;
            tokio::select! {
                () = &mut stopped => {
                    return socket::close(&mut self.socket, CloseCode::Away, "the service is stopping").await;
                }
                batch = next(&mut self.batches) => self.deliver(batch).await?,
                frame = self.socket.next() => match frame {
                    Some(Ok(Message::Text(text))) => self.receive(&text).await?,
                    Some(Ok(Message::Binary(_))) => self.refuse(None, "expected a text message").await?,
                    // Pings and the closing handshake are answered by tungstenite on the next read.
                    Some(Ok(_)) => {}
                    Some(Err(tungstenite::Error::Capacity(error))) => {
                        return socket::close_too_long(&mut self.socket, &error.to_string()).await;
                    }
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                },
            }
        }
    }

    /// Sends the frames of our subscriptions, and those of further batches that wait already, in one write.
    async fn deliver(&mut self, batch: Result<Arc<Batch>, RecvError>) -> Result<(), tungstenite::Error> {
        let counts = self.backend.hub.counts();
        let mut next = Some(batch);
        let mut written = 0;
        while let Some(batch) = next.take() {
            match batch {
                Ok(batch) => {
                    for (topic, frame) in batch.iter() {
                        if self.subscriptions.iter().any(|subscription| subscription.topic == *topic) {
                            counts.delivered.fetch_add(1, Ordering::Relaxed);
                            self.socket.feed(Message::Text(frame.clone())).await?;
                        }
                    }
                }
                // The numbers of the events say to the client what the counter says to us.
                Err(RecvError::Lagged(batches)) => {
                    counts.missed.fetch_add(batches, Ordering::Relaxed);
                }
                Err(RecvError::Closed) => self.batches = None,
            }
            written += 1;
            if written < MAX_BATCHES_AT_ONCE {
                next = self.waiting();
            }
        }
        self.socket.flush().await
    }

    /// The next batch, if there is one already, or how many were missed.
    fn waiting(&mut self) -> Option<Result<Arc<Batch>, RecvError>> {
        match self.batches.as_mut()?.try_recv() {
            Ok(batch) => Some(Ok(batch)),
            Err(TryRecvError::Lagged(batches)) => Some(Err(RecvError::Lagged(batches))),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }

    async fn receive(&mut self, text: &str) -> Result<(), tungstenite::Error> {
        self.backend.hub.counts().requests.fetch_add(1, Ordering::Relaxed);
        let request: Request<'_> = match serde_json::from_str(text) {
            Ok(request) => request,
            Err(error) => return self.refuse(None, &error.to_string()).await,
        };
        let latency = self.backend.faults.latency();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let id = request.id;
        match self.answer(request) {
            Ok(answer) => self.socket.send(Message::text(answer)).await,
            Err(reason) => self.refuse(id, &reason).await,
        }
    }

    fn answer(&mut self, request: Request<'_>) -> Result<String, String> {
        let id = raw(request.id);
        match request.kind {
            Kind::Publish => Ok(echo("published", id, raw(request.timestamp))),
            Kind::Ping => Ok(echo("pong", id, raw(request.timestamp))),
            Kind::Subscribe => self.subscribe(id, request.filter.unwrap_or_default()),
            Kind::List => {
                let listed =
                    |of: &Subscription<'_>| json!({ "subscription": of.name(), "filter": of.filter });
                let all: Vec<_> = self.subscriptions.iter().map(listed).collect();
                let all = serde_json::Value::from(all);
                Ok(format!(r#"{{"type":"subscriptions","id":{id},"subscriptions":{all}}}"#))
            }
            Kind::Unsubscribe => {
                let name = request.subscription.ok_or("`unsubscribe` needs `subscription`")?;
                let held = self.subscriptions.iter().position(|subscription| subscription.name() == name);
                let held = held.ok_or_else(|| format!("not subscribed to `{name}`"))?;
                let name = self.subscriptions.remove(held).name();
                if self.subscriptions.is_empty() {
                    self.batches = None;
                }
                Ok(format!(r#"{{"type":"unsubscribed","id":{id},"subscription":"{name}"}}"#))
            }
        }
    }

    /// Who asks for the same again gets the same answer, and no event twice.
    fn subscribe(&mut self, id: &str, filter: Filter) -> Result<String, String> {
        let complexity = filter.complexity();
        let held = self.subscriptions.iter().find(|held| held.filter == filter);
        let name = match held {
            Some(held) => held.name(),
            None if self.subscriptions.len() >= MAX_SUBSCRIPTIONS => {
                return Err(format!("a connection has at most {MAX_SUBSCRIPTIONS} subscriptions"));
            }
            None => {
                let subscription = self.backend.hub.subscribe(filter).map_err(|error| error.to_string())?;
                self.batches.get_or_insert_with(|| self.backend.hub.listen());
                let name = subscription.name();
                self.subscriptions.push(subscription);
                name
            }
        };
        Ok(format!(
            r#"{{"type":"subscribed","id":{id},"subscription":"{name}","complexity":"{complexity}"}}"#
        ))
    }

    async fn refuse(&mut self, id: Option<&RawValue>, reason: &str) -> Result<(), tungstenite::Error> {
        let (id, reason) = (raw(id), json!(reason));
        let answer = format!(r#"{{"type":"error","id":{id},"message":{reason}}}"#);
        self.socket.send(Message::text(answer)).await
    }
}

fn raw(value: Option<&RawValue>) -> &str {
    value.map_or("null", RawValue::get)
}

fn echo(kind: &str, id: &str, timestamp: &str) -> String {
    format!(r#"{{"type":"{kind}","id":{id},"timestamp":{timestamp}}}"#)
}

/// Never, without subscriptions.
async fn next(batches: &mut Option<broadcast::Receiver<Arc<Batch>>>) -> Result<Arc<Batch>, RecvError> {
    match batches {
        Some(batches) => batches.recv().await,
        None => std::future::pending().await,
    }
}
