//! One binary for all integration tests: real sockets on port 0.

mod http;
mod websocket;
