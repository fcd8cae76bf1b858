//! lapin's publisher, recording nothing: what a confirmed message costs with the crate that everybody takes.

use std::cell::Cell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, PublisherConfirm};
use serde_json::json;
use tokio::task::{JoinSet, LocalSet};

use super::serving;
use super::timer::Timer;
use crate::cases::amqp::QUEUE;
use crate::cases::nats::{MOST_IN_FLIGHT, PAYLOAD};
use crate::{Failure, Result};

pub(super) fn run(target: SocketAddr, publishers: u32, rate: Option<u32>, secs: f64) -> Result<()> {
    let confirmed = Rc::new(Cell::new(0_u64));
    LocalSet::new().block_on(&serving::runtime()?, async {
        let mut publishing = JoinSet::new();
        for _ in 0..publishers {
            let confirmed = Rc::clone(&confirmed);
            let rate = rate.map(|rate| f64::from(rate) / f64::from(publishers));
            publishing.spawn_local(async move {
                let url = format!("amqp://{target}");
                let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
                let channel = connection.create_channel().await?;
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
                publish(&channel, rate, Duration::from_secs_f64(secs), &confirmed).await?;
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

/// At a rate each when it is due, by a timer of its own, as loadgate does.
async fn publish(
    channel: &Channel,
    rate: Option<f64>,
    lasting: Duration,
    confirmed: &Cell<u64>,
) -> Result<()> {
    let (timer, began) = (Timer::new()?, Instant::now());
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let mut open = VecDeque::<PublisherConfirm>::new();
    for sent in 0_u32.. {
        if let Some(rate) = rate {
            let due = began + Duration::from_secs_f64(f64::from(sent) / rate);
            if due >= began + lasting {
                break;
            }
            if due > Instant::now() {
                timer.sleep_until(due).await?;
            }
        } else if began.elapsed() >= lasting {
            break;
        }
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
