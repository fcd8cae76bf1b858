//! One binary for all integration tests: real sockets on port 0.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails, also in its helpers")]

mod api;
mod cli;
mod counts;
mod exposition;
mod metrics;
mod run;
mod scrape;
mod stage;
mod target;
mod truth;
