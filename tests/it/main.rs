//! One binary for all integration tests: real sockets on port 0.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, also in its helpers")]

mod api;
mod bad_plans;
mod exposition;
mod http;
mod layers;
mod readme;
mod rust_tokens;
mod scrape;
mod target;
mod websocket;
