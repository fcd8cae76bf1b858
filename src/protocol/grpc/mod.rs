//! Calls over gRPC (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>), our own over
//! [`http2`](super::http2): no task beside a connection, none of tonic's layers, and the dialer that all protocols
//! share, so that guard, overrides, proxies, TLS and the count of bytes are the same.
//!
//! ```text
//! Client ──> Channel (one connection, kept) ──> Rpc (one call: frames out, frames in, status)
//! Talk    a call whose messages are sent and received one by one
//! Method  JSON to messages and back, by descriptors
//! reflect asks a server for them
//! ```

mod channel;
mod framing;
mod method;
mod reflect;
mod rpc;
mod status;
mod talk;
mod weigh;

pub use super::http2::Pings;
pub use channel::{Answer, Call, Client, MAX_RECEIVE_BYTES, MAX_SEND_BYTES, request_headers};
pub use framing::framed;
pub use method::{MessageError, Method, MethodError, split, write_json};
pub use prost_reflect::{DescriptorPool, DynamicMessage};
pub use reflect::{ReflectError, reflect};
pub use status::Status;
pub use talk::{Received, Talk};
