//! The bare loops: roles of this program, with loadgate's libraries and nothing recorded that the case does not need.

use std::process::Command;

use super::Reported;
use crate::Result;
use crate::load::{Load, Shape};
use crate::process::Finished;

pub(super) fn configure(load: &Load, command: &mut Command) -> Result<()> {
    let target = load.target.to_string();
    let secs = load.secs().to_string();
    match load.shape {
        Shape::Closed { connections } => {
            command.args(["role", "bare-http", "--target", &target, "--secs", &secs]);
            command.args(["--connections", &connections.to_string()]);
        }
        Shape::Calls { connections } => {
            command.args(["role", "bare-grpc", "--target", &target, "--secs", &secs]);
            command.args(["--connections", &connections.to_string()]);
        }
        Shape::Events { publishers, rate } => {
            command.args(["role", "bare-nats", "--target", &target, "--secs", &secs]);
            command.args(["--publishers", &publishers.to_string()]);
            if let Some(rate) = rate {
                command.args(["--rate", &rate.to_string()]);
            }
        }
        Shape::Messages { publishers, rate } => {
            command.args(["role", "bare-amqp", "--target", &target, "--secs", &secs]);
            command.args(["--publishers", &publishers.to_string()]);
            if let Some(rate) = rate {
                command.args(["--rate", &rate.to_string()]);
            }
        }
        Shape::Open { rate, vus } => {
            command.args(["role", "bare-open", "--target", &target, "--secs", &secs]);
            command.args(["--connections", &vus.to_string(), "--rate", &rate.to_string()]);
        }
        Shape::Sockets { connections, per_sec } => {
            command.args(["role", "bare-sockets", "--target", &target, "--secs", &secs]);
            command.args(["--connections", &connections.to_string(), "--per-sec", &per_sec.to_string()]);
        }
        Shape::Thinking { .. } | Shape::Hostile { .. } => return Err(super::cannot("bare", load)),
        Shape::Chat { users, messages } => {
            command.args(["role", "bare-chat", "--target", &target]);
            command.args(["--users", &users.to_string(), "--messages", &messages.to_string()]);
        }
    }
    Ok(())
}

pub(super) fn read(finished: &Finished) -> Result<Reported> {
    Ok(serde_json::from_str(&finished.output)?)
}
