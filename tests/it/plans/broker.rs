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

/// What a plan gives in minutes in as many tenths of a second, but a scenario takes a second; a spike's seconds in hundredths.
fn in_brief(plan: &str) -> String {
    let mut text = fs::read_to_string(folder().join(format!("{plan}.yml"))).unwrap();
    for minutes in (1..=60).rev() {
        for (before, after) in [(": ", ","), (": ", "}"), (": ", "\n"), (": ", " ")] {
            let brief = format!("{before}{minutes}00ms{after}");
            text = text.replace(&format!("{before}{minutes}m{after}"), &brief);
        }
    }
    for below in 1..10 {
        text = text.replace(&format!("    duration: {below}00ms\n"), "    duration: 1s\n");
    }
    for secs in [5, 30] {
        text = text.replace(&format!("{{duration: {secs}s"), &format!("{{duration: {secs}0ms"));
    }
    text
}

/// One after the other with one server: each profile has its scenarios, its gates, and as many events as its rates say.
fn check_profiles(
    plan: &str,
    queue: &str,
    gates_of_all: &[&str],
    profiles: &[(&str, &str, &str, i64, &[&str])],
) {
    let Some(server) = RabbitMq::start() else { return };
    server.bound("cloud-events", "network.notifi.lambda.#", queue);
    let (text, url) = (in_brief(plan), format!("AMQP_URL={}", server.url()));
    for (profile, listen, events, expected, gates) in profiles {
        let mut arguments = vec!["--quiet", "--profile", profile, "-e", &url, "-e", listen];
        arguments.extend(["-e", "P95=20000", "-e", "P95_CRITICAL=30000"]);
        arguments.extend(events.split(' ').filter(|it| !it.is_empty()).flat_map(|pair| ["-e", pair]));
        let ended = Ended::run(&text, &arguments);
        // How fast a busy machine is is none of this test's business.
        assert!([0, 98].contains(&ended.code), "{profile}: {}{}", ended.stdout, ended.stderr);
        let export = ended.export();
        assert_eq!(failed_gates(&export), [], "{profile}: {}", ended.stdout);
        let judged: Vec<&str> =
            export["gates"].as_array().unwrap().iter().filter_map(|gate| gate["metric"].as_str()).collect();
        for gate in gates_of_all.iter().chain(*gates) {
            assert!(judged.contains(gate), "{profile}: `{gate}` is not among {judged:?}");
        }
        assert_eq!(judged.len(), gates_of_all.len() + gates.len(), "{profile}: {judged:?}");
        let [sent, acks] = ["amqp_msgs_sent", "amqp_acks"].map(|name| count(&ended, name));
        let due = sent + count(&ended, "dropped_iterations");
        assert!((due - expected).abs() <= expected / 50 + 2, "{profile}: {due} were due, not {expected}");
        let published = count(&ended, "events_published");
        assert_eq!((acks, published, count(&ended, "events_lost")), (sent, sent, 0), "{profile}");
    }
    let _ = server.read(queue);
}

#[test]
fn every_profile_of_builds_sends_what_it_says() {
    let baseline = "amqp_response_time{scenario:baseline}";
    let alone = |profile, listen, expected| (profile, listen, "MIN_EVENTS=20", expected, &[][..]);
    check_profiles(
        "qa-build-events",
        "lambda-build-events",
        &[
            "amqp_response_time",
            "amqp_response_time",
            "amqp_failed",
            "amqp_failed",
            "event_latency",
            "events_published",
            "events_lost",
        ],
        &[
            ("script", "LISTEN=6s", "MIN_EVENTS=400 P95_BASELINE=20000", 604, &[baseline]),
            ("acceptance", "LISTEN=6s", "MIN_EVENTS=300 P95_BASELINE=20000", 515, &[baseline]),
            ("baseline", "LISTEN=2s", "MIN_EVENTS=3 P95_BASELINE=20000", 11, &[baseline]),
            alone("rampup", "LISTEN=2s", 132),
            alone("spike", "LISTEN=1s", 160),
            alone("sustained", "LISTEN=4s", 301),
        ],
    );
}

#[test]
fn every_profile_of_parsers_sends_what_it_says() {
    let [burst, trading, spike] =
        ["block-burst", "trading", "spike"].map(|name| format!("amqp_response_time{{scenario:{name}}}"));
    let parsers =
        ["parser-1", "parser-2", "parser-3"].map(|name| format!("amqp_response_time{{parser:{name}}}"));
    let [one, two, three] = parsers.each_ref().map(String::as_str);
    check_profiles(
        "qa-parser-events",
        "lambda-parser-events",
        &["event_latency", "event_latency", "amqp_failed", "amqp_failed", "events_lost"],
        &[
            ("all", "LISTEN=5s", "", 4066, &[&burst, &trading, one, two, three, &spike]),
            ("block-burst", "LISTEN=2s", "", 801, &[&burst]),
            ("trading", "LISTEN=2s", "", 1201, &[&trading]),
            ("multi-parser", "LISTEN=2s", "", 1503, &[one, two, three]),
            ("spike", "LISTEN=2s", "", 560, &[&spike]),
        ],
    );
}
