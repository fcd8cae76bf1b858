//! async-nats' own JetStream publisher, recording nothing: what an acknowledged event costs with the crate that everybody
//! takes.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use serde_json::json;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, MissedTickBehavior};

use super::serving;
use crate::cases::nats::{MOST_IN_FLIGHT, PAYLOAD, SUBJECT};
use crate::{Failure, Result};

pub(super) fn run(target: SocketAddr, publishers: u32, rate: Option<u32>, secs: f64) -> Result<()> {
    let acknowledged = Rc::new(Cell::new(0_u64));
    LocalSet::new().block_on(&serving::runtime()?, async {
        let mut publishing = JoinSet::new();
        for _ in 0..publishers {
            let acknowledged = Rc::clone(&acknowledged);
            let rate = rate.map(|rate| f64::from(rate) / f64::from(publishers));
            publishing.spawn_local(async move {
                let jetstream = jetstream::new(async_nats::connect(format!("nats://{target}")).await?);
                publish(&jetstream, rate, Duration::from_secs_f64(secs), &acknowledged).await
            });
        }
        while let Some(ended) = publishing.join_next().await {
            ended??;
        }
        Ok::<(), Failure>(())
    })?;
    println!("{}", json!({"exchanges": acknowledged.get(), "errors": 0}));
    Ok(())
}

/// At `rate` all that are due are sent each millisecond, as finely as tokio's timer goes.
async fn publish(
    jetstream: &Context,
    rate: Option<f64>,
    lasting: Duration,
    acknowledged: &Cell<u64>,
) -> Result<()> {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut sent, mut open) = (0_u64, VecDeque::<PublishAckFuture>::new());
    while began.elapsed() < lasting {
        let due = match rate {
            Some(rate) => {
                ticks.tick().await;
                (began.elapsed().min(lasting).as_secs_f64() * rate) as u64
            }
            None => sent + 1,
        };
        while sent < due {
            if open.len() >= MOST_IN_FLIGHT
                && let Some(oldest) = open.pop_front()
            {
                oldest.into_future().await?;
                acknowledged.set(acknowledged.get() + 1);
            }
            open.push_back(jetstream.publish(SUBJECT, Bytes::from_static(PAYLOAD.as_bytes())).await?);
            sent += 1;
        }
    }
    for left in open {
        left.into_future().await?;
        acknowledged.set(acknowledged.get() + 1);
    }
    Ok(())
}
