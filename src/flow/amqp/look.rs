//! What a server says of a queue or an exchange, which has to be there.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::time::timeout;

use super::super::bus::Seen;
use super::super::{Ended, Vu};
use super::AmqpStep;
use super::owed::{Answer, Question};
use crate::sample::ErrorCode;

#[derive(Debug)]
pub struct AmqpLook {
    pub at: AmqpThing,
    pub timeout: Duration,
}

#[derive(Debug)]
pub enum AmqpThing {
    Queue(String),
    Exchange(String),
}

impl AmqpStep {
    pub(super) async fn look(&self, vu: &mut Vu, look: &AmqpLook) -> Result<(), Ended> {
        let started = vu.now();
        let due = vu.take_due().unwrap_or(started);
        let link = match self.bus.reach(vu, look.timeout, self).await {
            Ok(link) => link,
            Err(error) => return self.bus.failed(vu, due, error),
        };
        let asking = async {
            match &look.at {
                AmqpThing::Queue(name) => link.ask(Question::Queue, |it| it.look_at_queue(name)).await,
                AmqpThing::Exchange(name) => {
                    link.ask(Question::Exchange, |it| it.look_at_exchange(name)).await
                }
            }
        };
        let answer = match timeout(look.timeout, asking).await.unwrap_or(Err(ErrorCode::TIMEOUT)) {
            Ok(answer) => answer,
            Err(error) => return self.bus.failed(vu, due, error),
        };
        let now = vu.now();
        self.bus.account.conclude(&vu.worker, due, now, false);
        let Answer { messages, consumers } = answer;
        let said = match &look.at {
            AmqpThing::Queue(queue) => json!({"queue": queue, "messages": messages, "consumers": consumers}),
            AmqpThing::Exchange(exchange) => json!({"exchange": exchange}),
        };
        let seen = Seen::bare(now.since(started), None);
        self.bus.observe(vu, Seen { body: Bytes::from(said.to_string()), ..seen })
    }
}
