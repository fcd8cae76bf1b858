//! Messages out: published, with or without confirm.

use std::time::Duration;

use super::super::bus::{Answered, Seen};
use super::super::ledger::Stamped;
use super::super::within::within;
use super::super::{Ended, PublishedEvents, Vu};
use super::link::Link;
use super::owed::{Owed, Way};
use super::{AmqpMessage, AmqpStep};
use crate::ledger::HEADER;
use crate::protocol::amqp::{HeaderValue, Outgoing};
use crate::sample::ErrorCode;
use crate::time::Elapsed;

#[derive(Debug)]
pub struct AmqpPublish {
    pub message: AmqpMessage,
    pub confirmed: bool,
    /// Whether it comes back where no queue takes it, and has failed.
    pub mandatory: bool,
    /// How long a confirm, or room for one more, is waited for.
    pub timeout: Duration,
    /// As many may be sent and not confirmed.
    pub most_in_flight: usize,
    pub events: Option<PublishedEvents>,
}

impl AmqpStep {
    /// Done when the message is written down and, where something looks at it, confirmed.
    pub(super) async fn publish(&self, vu: &mut Vu, publish: &AmqpPublish) -> Result<(), Ended> {
        let due = vu.take_due().unwrap_or_else(|| vu.now());
        let mut message = publish.message.render(vu)?;
        let link = match self.bus.reach(vu, publish.timeout, self).await {
            Ok(link) => link,
            Err(error) => return self.bus.failed(vu, due, error),
        };
        let most = if self.bus.observed { usize::MAX } else { publish.most_in_flight };
        if within(|| publish.timeout, link.room(most)).await.is_none() {
            return self.bus.failed(vu, due, why_no_room(&link));
        }
        let event = publish.events.and_then(|events| events.stamp(vu, due));
        if let Some(event) = &event {
            let token = HeaderValue::Text(event.token.to_string());
            message.headers.push((HEADER.to_owned(), token));
        }
        let message = message.into_outgoing(publish.mandatory)?;
        if !publish.confirmed {
            return self.hand_over(vu, &link, &message, due, event);
        }
        let (seen_by, seen) = self.bus.watch();
        let started = vu.now();
        let kind = if publish.mandatory { Way::Mandatory(message.print()) } else { Way::Out };
        let owed = Owed { account: link.account(self), due, started, kind, event, seen_by };
        if let Err(error) = link.send(&message, owed, started + publish.timeout) {
            return self.bus.failed(vu, due, error);
        }
        let Some(seen) = seen else { return Ok(()) };
        // It is always told, unless the connection is dropped with the VU.
        let Ok(Answered { said: (), at, error }) = seen.await else { return Ok(()) };
        self.bus.observe(vu, Seen::bare(at.since(started), error))
    }

    /// To an exchange that says nothing.
    fn hand_over(
        &self,
        vu: &mut Vu,
        link: &Link,
        message: &Outgoing,
        due: Elapsed,
        event: Option<Stamped>,
    ) -> Result<(), Ended> {
        if let Err(error) = link.send_off(message, &self.bus.account) {
            return self.bus.failed(vu, due, error);
        }
        self.bus.handed_over(vu, due, event)
    }
}

fn why_no_room(link: &Link) -> ErrorCode {
    if link.is_blocked() { ErrorCode::AMQP_BLOCKED } else { ErrorCode::AMQP_ACK_TIMEOUT }
}
