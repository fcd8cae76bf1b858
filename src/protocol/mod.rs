//! How one exchange with the target is made: HTTP/1.1, HTTP/2, gRPC and WebSocket, over TCP or TLS, directly or
//! through a proxy.
//!
//! A protocol reports what happened as a [`sample::Exchange`](crate::sample::Exchange); it never counts,
//! aggregates, follows redirects or judges. Everything here lives on one worker thread (futures are not
//! `Send`) and spawns nothing: dropping a future or a connection closes its socket and leaves nothing behind.
//!
//! ```text
//! Target ──> Dialer (Proxies, Guard, Resolver, TLS) ──> Wire (bytes and instants, noted in a Meter)
//!                                                       ├─> http::Client          (http1, our own; http2, by h2)
//!                                                       ├─> grpc::Client          (over http2)
//!                                                       └─> websocket::Connection (tungstenite, driven inline)
//! ```
//!
//! Bytes are counted at the socket, below TLS and with all headers and handshakes, as k6's `data_sent` and
//! `data_received` are.

mod alarm;
pub mod amqp;
mod backoff;
mod body;
mod connection;
mod course;
mod dial;
pub mod encoding;
mod failure;
pub mod grpc;
mod guard;
mod hosts;
pub mod http;
mod http1;
mod http2;
pub mod nats;
mod proxy;
mod resolve;
mod target;
pub mod tls;
mod tunnel;
pub mod websocket;
mod window;
mod wire;

pub use backoff::backoff;
pub use dial::{Dialer, KeepAlive, Settings};
pub use guard::{AllowedTarget, AllowedTargetError, Blocked, Guard};
pub use hosts::{HostError, HostOverride};
pub use proxy::{Proxies, ProxyError};
pub use target::{Origin, Target, UrlError};
pub use window::Window;
