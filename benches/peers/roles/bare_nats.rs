//! async-nats' own JetStream publisher, recording nothing: what an acknowledged event costs with the crate that everybody
//! takes.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use serde_json::json;
use tokio::task::{JoinSet, LocalSet};

use super::serving;
use super::timer::Timer;
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

/// At a rate each when it is due, by a timer of its own, as loadgate does.
async fn publish(
    jetstream: &Context,
    rate: Option<f64>,
    lasting: Duration,
    acknowledged: &Cell<u64>,
) -> Result<()> {
    let (timer, began) = (Timer::new()?, Instant::now());
    let mut open = VecDeque::<PublishAckFuture>::new();
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
