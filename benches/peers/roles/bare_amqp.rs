//! lapin's publisher, recording nothing: what a confirmed message costs with the crate that everybody takes.

use std::cell::Cell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, PublisherConfirm};
use serde_json::json;
use tokio::task::JoinSet;

use super::serving;
use super::turns::Turns;
use crate::cases::amqp::QUEUE;
use crate::cases::nats::{MOST_IN_FLIGHT, PAYLOAD};
use crate::{Failure, Result};

pub(super) fn run(target: SocketAddr, publishers: u32, rate: Option<u32>, secs: f64) -> Result<()> {
    let confirmed = Rc::new(Cell::new(0_u64));
    serving::runtime()?.block_on(async {
        let mut connected = Vec::new();
        for _ in 0..publishers {
            connected.push(connect(target).await?);
        }
        let mut publishing = JoinSet::new();
        for ((connection, channel), turns) in
            connected.into_iter().zip(Turns::shared(publishers, rate, secs)?)
        {
            let confirmed = Rc::clone(&confirmed);
            publishing.spawn_local(async move {
                publish(&channel, turns, &confirmed).await?;
                connection.close(200, "done".into()).await?;
                Ok::<(), Failure>(())
            });
        }
        while let Some(ended) = publishing.join_next().await {
            ended??;
        }
        Ok::<(), Failure>(())
    })?;
    println!("{}", json!({"exchanges": confirmed.get(), "errors": 0}));
    Ok(())
}

async fn connect(target: SocketAddr) -> Result<(Connection, Channel)> {
    let connection =
        Connection::connect(&format!("amqp://{target}"), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok((connection, channel))
}

async fn publish(channel: &Channel, mut turns: Turns, confirmed: &Cell<u64>) -> Result<()> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let mut open = VecDeque::<PublisherConfirm>::new();
    while turns.next().await? {
        if open.len() >= MOST_IN_FLIGHT
            && let Some(oldest) = open.pop_front()
        {
            count(oldest, confirmed).await?;
        }
        let properties = BasicProperties::default();
        let publishing =
            channel.basic_publish("".into(), QUEUE.into(), options, PAYLOAD.as_bytes(), properties);
        open.push_back(publishing.await?);
    }
    for left in open {
        count(left, confirmed).await?;
    }
    Ok(())
}

async fn count(confirm: PublisherConfirm, confirmed: &Cell<u64>) -> Result<()> {
    match confirm.await? {
        Confirmation::Ack(None) => confirmed.set(confirmed.get() + 1),
        other => return Err(format!("not confirmed: {other:?}").into()),
    }
    Ok(())
}
