//! Messages out: published, with or without acknowledgement, and requests.

use std::rc::Rc;
use std::str::FromStr;

use async_nats::{HeaderMap, HeaderName, HeaderValue, Message};
use tokio::sync::oneshot;

use super::super::bus::{Answered, Seen};
use super::super::ledger::Stamped;
use super::super::within::within;
use super::super::{Ended, Vu};
use super::link::{Link, Owed, OwedKind, Said};
use super::{NatsMessage, NatsPublish, NatsRequest, NatsStep};
use crate::ledger::{HEADER, Token};
use crate::protocol::nats::{Outgoing, to_http};
use crate::sample::ErrorCode;
use crate::time::Elapsed;

impl NatsMessage {
    fn render(&self, vu: &Vu) -> Result<Outgoing, Ended> {
        let subject = vu.render(&self.subject)?;
        let payload = self.payload.render(vu)?;
        let mut headers = None;
        for (name, value) in payload.headers {
            append(&mut headers, &name, &value)?;
        }
        for (name, value) in &self.headers {
            append(&mut headers, name, &vu.render(value)?)?;
        }
        Ok(Outgoing { subject, reply: None, headers, payload: payload.body })
    }
}

fn append(headers: &mut Option<HeaderMap>, name: &str, value: &str) -> Result<(), Ended> {
    let refused = || Ended::Error(format!("the header `{name}` has characters that a header cannot hold"));
    let known = HeaderName::from_str(name).map_err(|_| refused())?;
    let value = HeaderValue::from_str(value).map_err(|_| refused())?;
    headers.get_or_insert_with(HeaderMap::new).append(known, value);
    Ok(())
}

fn stamp(headers: &mut Option<HeaderMap>, token: &Token) -> Result<(), Ended> {
    append(headers, HEADER, &token.to_string())
}

impl NatsStep {
    /// Done when the message is handed over and, where something looks at it, acknowledged.
    pub(super) async fn publish(&self, vu: &mut Vu, publish: &NatsPublish) -> Result<(), Ended> {
        let due = vu.take_due().unwrap_or_else(|| vu.now());
        let mut message = publish.message.render(vu)?;
        let link = match self.bus.reach(vu, publish.timeout, self).await {
            Ok(link) => link,
            Err(error) => return self.bus.failed(vu, due, error),
        };
        let most = if self.bus.observed { usize::MAX } else { publish.most_in_flight };
        let room = async {
            link.ready().await?;
            link.room(most).await;
            Ok(())
        };
        match within(|| publish.timeout, room).await {
            Some(Ok(())) => {}
            Some(Err(error)) => return self.bus.failed(vu, due, error),
            None => return self.bus.failed(vu, due, self.why_no_room(&link)),
        }
        let event = publish.events.and_then(|events| events.stamp(vu, due));
        if let Some(event) = &event {
            stamp(&mut message.headers, &event.token)?;
        }
        if !publish.acknowledged {
            return self.hand_over(vu, publish, &link, message, due, event).await;
        }
        let (seen_by, seen) = self.bus.watch();
        let started = vu.now();
        let account = link.account(self);
        let owed = Owed { account, due, started, kind: OwedKind::Ack, event, seen_by };
        if let Err(error) = link.send(message, owed, started + publish.timeout).await {
            return self.bus.failed(vu, due, error);
        }
        match seen {
            Some(seen) => self.look_at(vu, seen, started).await,
            None => Ok(()),
        }
    }

    /// To a subject, for whoever listens there.
    async fn hand_over(
        &self,
        vu: &mut Vu,
        publish: &NatsPublish,
        link: &Link,
        message: Outgoing,
        due: Elapsed,
        event: Option<Stamped>,
    ) -> Result<(), Ended> {
        let sent = within(|| publish.timeout, link.send_off(message, &self.bus.account)).await;
        if let Err(error) = sent.unwrap_or(Err(ErrorCode::NATS_DISCONNECTED)) {
            return self.bus.failed(vu, due, error);
        }
        self.bus.handed_over(vu, due, event)
    }

    /// Waits for the answer.
    pub(super) async fn request(&self, vu: &mut Vu, request: &NatsRequest) -> Result<(), Ended> {
        let due = vu.take_due().unwrap_or_else(|| vu.now());
        let message = request.message.render(vu)?;
        let link = match self.bus.reach(vu, request.timeout, self).await {
            Ok(link) => link,
            Err(error) => return self.bus.failed(vu, due, error),
        };
        match within(|| request.timeout, link.ready()).await {
            Some(Ok(())) => {}
            Some(Err(error)) => return self.bus.failed(vu, due, error),
            None => return self.bus.failed(vu, due, ErrorCode::NATS_DISCONNECTED),
        }
        let (seen_by, seen) = oneshot::channel();
        let (started, account) = (vu.now(), link.account(self));
        let kind = if request.of_jetstream { OwedKind::JetStream } else { OwedKind::Reply };
        let owed = Owed { account, due, started, kind, event: None, seen_by: Some(seen_by) };
        if let Err(error) = link.send(message, owed, started + request.timeout).await {
            return self.bus.failed(vu, due, error);
        }
        self.look_at(vu, seen, started).await
    }

    async fn look_at(
        &self,
        vu: &mut Vu,
        seen: oneshot::Receiver<Answered<Said>>,
        started: Elapsed,
    ) -> Result<(), Ended> {
        // It is always told, unless the connection is dropped with the VU.
        let Ok(Answered { said, at, error }) = seen.await else { return Ok(()) };
        if !self.bus.observed {
            return Ok(());
        }
        let mut shown = Seen::bare(at.since(started), error);
        if let Some(Message { headers, payload, .. }) = said {
            (shown.headers, shown.body) = (to_http(headers.as_ref()), payload);
        }
        self.bus.observe(vu, shown)
    }

    fn why_no_room(&self, link: &Rc<Link>) -> ErrorCode {
        if link.connection().is_connected() {
            ErrorCode::NATS_ACK_TIMEOUT
        } else {
            ErrorCode::NATS_DISCONNECTED
        }
    }
}
