//! Runs over AMQP, against a real RabbitMQ. It takes seconds to start, so that a test asks one server several things.

mod access;
mod hostile;
mod ledger;
mod loss;
mod management;
mod publish;
mod take;

use crate::stage::{RabbitMq, Ran, run};

/// A plan of one VU that does this so often; `flow` as a list, without indentation.
fn iterations(iterations: u32, flow: &str) -> String {
    scenario(&format!("executor: per-vu-iterations, vus: 1, iterations: {iterations}"), flow)
}

fn scenario(executor: &str, flow: &str) -> String {
    format!("name: amqp\nscenarios:\n  s: {{{executor}, flow: [{flow}]}}\n")
}

/// Of one step.
fn done(server: &RabbitMq, times: u32, action: &str) -> Ran {
    run(&iterations(times, &format!("{{amqp: {{url: '{}', {action}}}}}", server.url())))
}

/// What went wrong, by number.
fn errors(ran: &Ran) -> Vec<(String, u64)> {
    let mut errors: Vec<(String, u64)> = ran
        .last
        .0
        .iter()
        .filter(|(name, _, value)| name == "k6_amqp_errors_total" && *value > 0.0)
        .map(|(_, labels, value)| (labels.value("error_code").unwrap_or("none").to_owned(), *value as u64))
        .collect();
    errors.sort();
    errors
}

/// (failed, done well)
fn failed(ran: &Ran) -> (u64, u64) {
    let of = |condition| ran.count("k6_amqp_failed_total", &[("condition", condition)]);
    (of("nonzero"), of("zero"))
}
