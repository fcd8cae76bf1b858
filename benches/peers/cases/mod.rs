//! What is measured, one file each: servers, loads, figures, targets.

pub(crate) mod amqp;
pub(crate) mod chat;
pub(crate) mod counts;
pub(crate) mod grpc;
pub(crate) mod hostile;
pub(crate) mod http;
pub(crate) mod idle;
pub(crate) mod nats;
mod nginx;
pub(crate) mod open;
pub(crate) mod seeds;
pub(crate) mod stream;
pub(crate) mod truth;
