//! The loads that clients are asked to make, as values: each client translates them into its own words.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Events or messages in the second before a rate begins: in it publishers connect, as bare ones have before.
pub(crate) const WARMING: u32 = 100;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// On loopback, always.
    pub(crate) target: SocketAddr,
    pub(crate) shape: Shape,
    pub(crate) duration: Duration,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Each connection sends the next GET as soon as the last one is answered.
    Closed { connections: u32 },
    /// As `Closed`, with unary calls of gRPC.
    Calls { connections: u32 },
    /// Events into a JetStream stream, over this many connections: so many a second, or as many as go.
    Events { publishers: u32, rate: Option<u32> },
    /// Messages into a queue of RabbitMQ, over this many connections: so many a second, or as many as go.
    Messages { publishers: u32, rate: Option<u32> },
    /// GETs per second, due at i/rate whatever the server does.
    Open { rate: u32, vus: u32 },
    /// Each user sends a chat message, reads the reply to its end, waits a second; one connection for all `messages`.
    Chat { users: u32, messages: u32 },
    /// WebSockets, all opened at once, each sending `per_sec` messages that are echoed; 0 only waits.
    Sockets { connections: u32, per_sec: u32 },
    /// Each user sends a GET over its own connection, then thinks for a second.
    Thinking { users: u32 },
    /// Each user asks again and again, and reads and parses all that comes back.
    Hostile { users: u32, socket: bool },
}

impl Load {
    pub(crate) fn url(&self) -> String {
        match self.shape {
            Shape::Chat { .. } => format!("ws://{}/api/chat", self.target),
            Shape::Sockets { .. } | Shape::Hostile { socket: true, .. } => format!("ws://{}/", self.target),
            Shape::Calls { .. } => format!("grpc://{}", self.target),
            Shape::Events { .. } => format!("nats://{}", self.target),
            Shape::Messages { .. } => format!("amqp://{}", self.target),
            Shape::Closed { .. } | Shape::Open { .. } | Shape::Thinking { .. } | Shape::Hostile { .. } => {
                format!("http://{}/", self.target)
            }
        }
    }

    /// How many events or messages are due at a rate, with those of the second before.
    pub(crate) fn due(&self) -> Option<f64> {
        match self.shape {
            Shape::Events { rate, .. } | Shape::Messages { rate, .. } => {
                rate.map(|rate| f64::from(WARMING) + f64::from(rate) * self.secs())
            }
            _ => None,
        }
    }

    pub(crate) fn secs(&self) -> f64 {
        self.duration.as_secs_f64()
    }

    /// How long a client may take before it is taken for hung.
    pub(crate) fn limit(&self) -> Duration {
        self.duration + Duration::from_secs(60)
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.secs();
        match self.shape {
            Shape::Closed { connections } | Shape::Calls { connections } => {
                write!(f, "closed loop, {connections} connections, {secs} s")
            }
            Shape::Events { publishers, rate: Some(rate) } => {
                write!(f, "{rate} events/s over {publishers} connections, {secs} s")
            }
            Shape::Events { publishers, rate: None } => {
                write!(f, "as many events as go over {publishers} connections, {secs} s")
            }
            Shape::Messages { publishers, rate: Some(rate) } => {
                write!(f, "{rate} messages/s over {publishers} connections, {secs} s")
            }
            Shape::Messages { publishers, rate: None } => {
                write!(f, "as many messages as go over {publishers} connections, {secs} s")
            }
            Shape::Open { rate, .. } => write!(f, "open loop, {rate} requests/s, {secs} s"),
            Shape::Sockets { connections, per_sec: 0 } => write!(f, "{connections} connections, {secs} s"),
            Shape::Sockets { connections, per_sec } => {
                write!(f, "{connections} connections, {per_sec} messages/s on each, {secs} s")
            }
            Shape::Hostile { users, .. } => write!(f, "{users} users, {secs} s"),
            Shape::Thinking { users } => write!(f, "{users} users, a GET each second, {secs} s"),
            Shape::Chat { users, messages } => {
                write!(f, "chat, {users} users, {messages} messages each, {secs} s")
            }
        }
    }
}
