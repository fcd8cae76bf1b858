//! async-nats' own JetStream publisher: what an acknowledged event costs with the crate that everybody takes.

use std::future::IntoFuture as _;
use std::net::SocketAddr;

use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::{self, Context};
use bytes::Bytes;

use super::publishing::Publisher;
use crate::Result;
use crate::cases::nats::{PAYLOAD, SUBJECT};

pub(super) struct Nats(Context);

impl Publisher for Nats {
    type Answer = PublishAckFuture;

    async fn connect(target: SocketAddr) -> Result<Self> {
        Ok(Nats(jetstream::new(async_nats::connect(format!("nats://{target}")).await?)))
    }

    async fn publish(&self) -> Result<PublishAckFuture> {
        Ok(self.0.publish(SUBJECT, Bytes::from_static(PAYLOAD.as_bytes())).await?)
    }

    async fn confirmed(acknowledgement: PublishAckFuture) -> Result<()> {
        acknowledgement.into_future().await?;
        Ok(())
    }

    async fn close(self) -> Result<()> {
        Ok(())
    }
}
