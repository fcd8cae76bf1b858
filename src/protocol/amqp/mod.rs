//! AMQP 0-9-1, over lapin's codec: connections, messages out and in. As everywhere here nothing is counted or judged.
//!
//! The driver is our own: lapin's takes a thread and several MiB for each connection, and a VU has one of its own. Here a
//! connection is a socket like any other, under the guard, with its bytes and instants noted, and costs what it holds.
//!
//! ```text
//! Connection (handed out: what it is told is written down) ──> Driver (writes, reads, beats) ──> Incoming, one at a time
//! ```

mod connection;
mod content;
mod driver;
mod failure;
mod frames;
mod handshake;
mod message;
mod nesting;
mod server;

pub use connection::{Connection, Source};
pub use driver::{Driver, Incoming};
pub use message::{Delivery, HeaderValue, Outgoing, Properties, TextProperty, TooLong};
pub use server::{Auth, Server, ServerError};
