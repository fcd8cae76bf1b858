//! async-nats' own JetStream publisher, recording nothing: what an acknowledged event costs with the crate that everybody
//! takes.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::rc::Rc;

use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use serde_json::json;
use tokio::task::JoinSet;

use super::serving;
use super::turns::Turns;
use crate::cases::nats::{MOST_IN_FLIGHT, PAYLOAD, SUBJECT};
use crate::{Failure, Result};

pub(super) fn run(target: SocketAddr, publishers: u32, rate: Option<u32>, secs: f64) -> Result<()> {
    let acknowledged = Rc::new(Cell::new(0_u64));
    serving::runtime()?.block_on(async {
        let mut connected = Vec::new();
        for _ in 0..publishers {
            connected.push(jetstream::new(async_nats::connect(format!("nats://{target}")).await?));
        }
        let mut publishing = JoinSet::new();
        for (jetstream, turns) in connected.into_iter().zip(Turns::shared(publishers, rate, secs)?) {
            let acknowledged = Rc::clone(&acknowledged);
            publishing.spawn_local(async move { publish(&jetstream, turns, &acknowledged).await });
        }
        while let Some(ended) = publishing.join_next().await {
            ended??;
        }
        Ok::<(), Failure>(())
    })?;
    println!("{}", json!({"exchanges": acknowledged.get(), "errors": 0}));
    Ok(())
}

async fn publish(jetstream: &Context, mut turns: Turns, acknowledged: &Cell<u64>) -> Result<()> {
    let mut open = VecDeque::<PublishAckFuture>::new();
    while turns.next().await? {
        if open.len() >= MOST_IN_FLIGHT
            && let Some(oldest) = open.pop_front()
        {
            oldest.into_future().await?;
            acknowledged.set(acknowledged.get() + 1);
        }
        open.push_back(jetstream.publish(SUBJECT, Bytes::from_static(PAYLOAD.as_bytes())).await?);
    }
    for left in open {
        left.into_future().await?;
        acknowledged.set(acknowledged.get() + 1);
    }
    Ok(())
}
