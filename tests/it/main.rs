//! One binary for all integration tests: real sockets on port 0.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, also in its helpers")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod actions;
mod alerting;
mod amqp;
mod annotations;
mod api;
mod bad_configs;
mod bad_plans;
mod cli;
mod cloudevents;
mod counts;
mod daemon;
mod daemon_api;
mod dashboards;
mod exposition;
mod fan_out;
mod generated_rules;
mod grpc;
mod http;
mod layers;
mod metrics;
mod nats;
mod notify;
mod page;
mod plans;
mod prometheus;
mod query_api;
mod readme;
mod rules;
mod run;
mod rust_tokens;
mod scrape;
mod stack;
mod stage;
mod target;
mod ticks;
mod truth;
mod verify;
mod websocket;
