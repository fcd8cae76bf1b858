//! `qa-build-events` and `qa-parser-events`, against a real RabbitMQ.

use std::fs;

use super::{failed_gates, folder};
use crate::stage::{Ended, RabbitMq};

fn run(server: &RabbitMq, plan: &str, env: &[&str]) -> Ended {
    let text = fs::read_to_string(folder().join(format!("{plan}.yml"))).unwrap();
    // It may come up late, which here it has not.
    let text = text.replace("wait_for: 30s", "wait_for: 1s");
    let url = format!("AMQP_URL={}", server.url());
    // What a busy machine holds; how fast it is is none of this test's business.
    let mut arguments =
        vec!["--quiet", "--profile", "smoke", "-e", "P95=20000", "-e", "P95_CRITICAL=30000", "-e", &url];
    arguments.extend(env.iter().flat_map(|pair| ["-e", *pair]));
    Ended::run(&text, &arguments)
}

fn count(ended: &Ended, name: &str) -> i64 {
    let metric = &ended.export()["metrics"][name];
    metric["values"]["count"].as_f64().or(metric["count"].as_f64()).unwrap_or(-1.0) as i64
}

#[test]
fn builds_are_confirmed_and_none_is_lost() {
    let Some(server) = RabbitMq::start() else { return };
    let without = run(&server, "qa-build-events", &["QUEUE=not-there"]);
    without.check(97, &["amqp queue not-there: no such exchange or queue"]);
    server.bound("cloud-events", "somewhere.else", "lambda-build-events");
    let unbound = run(&server, "qa-build-events", &[]);
    unbound.check(97, &["no queue takes the message (error code 1898)"]);

    server.bound("cloud-events", "network.notifi.lambda.#", "lambda-build-events");
    let ended = run(&server, "qa-build-events", &["P95_BASELINE=20000"]);
    ended.check(0, &[]);
    let acks = count(&ended, "amqp_acks");
    assert!((110..=140).contains(&acks), "{acks}");
    assert_eq!((count(&ended, "events_published"), count(&ended, "events_lost")), (acks, 0));
    // All since its queue was there.
    let received = count(&ended, "events_received");
    assert!(received > 50 && received <= acks, "{received} of {acks}");
    // The one of the preflight, too.
    let stored = server.read("lambda-build-events");
    assert_eq!(stored.len() as i64, acks + 1);
    assert!(stored.iter().all(|event| *event.properties.delivery_mode() == Some(2)));

    let idle = run(&server, "qa-build-events", &["MIN_CONSUMERS=1"]);
    idle.check(97, &["check `somebody consumes` failed"]);
}

#[test]
fn parsers_are_judged_one_by_one() {
    let Some(server) = RabbitMq::start() else { return };
    server.bound("cloud-events", "network.notifi.lambda.#", "lambda-parser-events");
    let ended = run(&server, "qa-parser-events", &[]);
    ended.check(0, &[]);
    let acks = count(&ended, "amqp_acks");
    let received = count(&ended, "events_received");
    assert!(received > 250 && received <= acks, "{received} of {acks}");
    assert_eq!(count(&ended, "events_lost"), 0);
    let mut subjects = [0; 3];
    for event in server.read("lambda-parser-events") {
        let event: serde_json::Value = serde_json::from_slice(&event.body).unwrap();
        for (at, count) in subjects.iter_mut().enumerate() {
            *count += i32::from(event["subject"] == format!("parser-{}", at + 1));
        }
    }
    assert!(subjects[0] > 100 && subjects[1] == 26 && subjects[2] == 26, "{subjects:?}");

    // Nobody is that fast: each of the three has a gate of its own.
    let slow = run(&server, "qa-parser-events", &["P95=0.001"]);
    slow.check(99, &[]);
    let export = slow.export();
    let failed = failed_gates(&export);
    for parser in ["parser-1", "parser-2", "parser-3"] {
        let metric = format!("amqp_response_time{{parser:{parser}}}");
        assert!(failed.iter().any(|(name, _)| *name == metric), "{metric}: {failed:?}");
    }
}
