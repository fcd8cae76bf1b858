//! lapin's publisher: what a confirmed message costs with the crate that everybody takes.

use std::net::SocketAddr;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, PublisherConfirm};

use super::publishing::Publisher;
use crate::Result;
use crate::cases::amqp::QUEUE;
use crate::cases::nats::PAYLOAD;

pub(super) struct Amqp {
    connection: Connection,
    channel: Channel,
}

impl Publisher for Amqp {
    type Answer = PublisherConfirm;

    async fn connect(target: SocketAddr) -> Result<Self> {
        let connection =
            Connection::connect(&format!("amqp://{target}"), ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Amqp { connection, channel })
    }

    async fn publish(&self) -> Result<PublisherConfirm> {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = BasicProperties::default();
        let publishing =
            self.channel.basic_publish("".into(), QUEUE.into(), options, PAYLOAD.as_bytes(), properties);
        Ok(publishing.await?)
    }

    async fn confirmed(confirm: PublisherConfirm) -> Result<()> {
        match confirm.await? {
            Confirmation::Ack(None) => Ok(()),
            other => Err(format!("not confirmed: {other:?}").into()),
        }
    }

    async fn close(self) -> Result<()> {
        Ok(self.connection.close(200, "done".into()).await?)
    }
}
