//! Publishers with a bare client, recording nothing: each sends when it is its turn, and no more than may wait for their
//! answers.

use std::cell::Cell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;

use serde_json::json;
use tokio::task::JoinSet;

use super::serving;
use super::turns::Turns;
use crate::cases::nats::MOST_IN_FLIGHT;
use crate::{Failure, Result};

pub(super) trait Publisher: Sized + 'static {
    /// What is waited for after each message.
    type Answer: 'static;
    async fn connect(target: SocketAddr) -> Result<Self>;
    async fn publish(&self) -> Result<Self::Answer>;
    async fn confirmed(answer: Self::Answer) -> Result<()>;
    async fn close(self) -> Result<()>;
}

/// So many at once, each with a connection of its own.
pub(super) fn run<P: Publisher>(
    target: SocketAddr,
    publishers: u32,
    rate: Option<u32>,
    secs: f64,
) -> Result<()> {
    let confirmed = Rc::new(Cell::new(0_u64));
    serving::runtime()?.block_on(async {
        let mut connected = Vec::new();
        for _ in 0..publishers {
            connected.push(P::connect(target).await?);
        }
        let mut publishing = JoinSet::new();
        for (publisher, turns) in connected.into_iter().zip(Turns::shared(publishers, rate, secs)?) {
            let confirmed = Rc::clone(&confirmed);
            publishing.spawn_local(async move {
                publish(&publisher, turns, &confirmed).await?;
                publisher.close().await
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

async fn publish<P: Publisher>(publisher: &P, mut turns: Turns, confirmed: &Cell<u64>) -> Result<()> {
    let mut open = VecDeque::<P::Answer>::new();
    while turns.next().await? {
        if open.len() >= MOST_IN_FLIGHT
            && let Some(oldest) = open.pop_front()
        {
            P::confirmed(oldest).await?;
            confirmed.set(confirmed.get() + 1);
        }
        open.push_back(publisher.publish().await?);
    }
    for left in open {
        P::confirmed(left).await?;
        confirmed.set(confirmed.get() + 1);
    }
    Ok(())
}
