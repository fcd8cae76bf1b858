//! One binary for all integration tests: real sockets on port 0.

mod api;
mod exposition;
mod scrape;
