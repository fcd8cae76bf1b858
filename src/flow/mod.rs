//! The steps of an iteration, one file per kind. A step calls a protocol, records what came of it
//! into its worker's shard, and says whether the iteration goes on.
//!
//! A new step is one file here, one in `config/step`, one line in `plan::steps`.

mod amqp;
mod batch;
mod bus;
mod check;
mod control;
mod cookies;
mod debug;
mod event;
mod grpc;
mod held;
mod http;
mod keep;
mod ledger;
mod limiter;
mod link;
mod message;
mod nats;
mod outcomes;
mod payload;
mod series;
mod vu;
mod websocket;
mod within;

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;

pub use amqp::{
    AmqpAction, AmqpHeader, AmqpLook, AmqpMessage, AmqpOwn, AmqpProperties, AmqpPublish, AmqpSource,
    AmqpStep, AmqpTake, AmqpThing,
};
pub use batch::Batch;
pub use bus::{Account, Bus, BusSeries, Take};
pub use check::{Check, Checks, Log, Record, RecordValue, Recorded, Records, Set};
pub use control::{Choose, Group, If, Pace, Repeat, Sleep};
pub use debug::HttpDebug;
pub use event::{Attribute, Event, EventData, Mode};
pub use grpc::{Contract, ContractError, Describe, GrpcMessage, GrpcStep};
pub use http::{
    BasicAuth, Body, Headers, HttpRequest, HttpStep, JudgedBy, Multipart, OwnCookie, Part, PartContent,
    Requests, Url,
};
pub use ledger::{PublishedEvents, ReceivedEvents};
pub use limiter::Limiter;
pub use message::{Close, Listen, Message, Ping, Receive, Send};
pub use nats::{
    Consume, Deliver, NatsAction, NatsMessage, NatsOwn, NatsPublish, NatsRequest, NatsStep, NatsTake, Source,
};
pub use payload::Payload;
pub use series::{ScenarioSeries, SessionSeries};
pub use vu::{Instruments, Shared, Vu, Worker};
pub use websocket::WebsocketStep;

/// One step, compiled: everything that can be known before the run is known.
pub trait Step: Debug + std::marker::Send + Sync {
    fn run<'a>(&'a self, vu: &'a mut Vu) -> LocalBoxFuture<'a, Result<(), Ended>>;
}

/// Why an iteration does not go on to its next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// An expression could not be evaluated; says which and why.
    #[error("{0}")]
    Error(String),
    /// The WebSocket that the steps were using is gone; ends the `websocket` step, not the iteration.
    #[error("the WebSocket is gone")]
    SessionLost,
}

/// Steps in order.
#[derive(Debug, Clone, Default)]
pub struct Flow(Arc<[Box<dyn Step>]>);

impl Flow {
    pub fn new(steps: Vec<Box<dyn Step>>) -> Self {
        Flow(steps.into())
    }

    pub async fn run(&self, vu: &mut Vu) -> Result<(), Ended> {
        for step in self.0.iter() {
            step.run(vu).await?;
        }
        Ok(())
    }
}
