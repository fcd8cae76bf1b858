//! `pulse-events`, against a real NATS with JetStream.

use tempfile::TempDir;

use super::{failed_gates, folder};
use crate::stage::{Ended, Nats, loadgate};

fn run(server: &Nats, env: &[&str], arguments: &[&str]) -> Ended {
    let exported = TempDir::new().unwrap();
    let mut command = loadgate();
    command.arg("run").arg(folder().join("pulse-events.yml")).arg("--quiet").args(arguments);
    command.arg("--summary-export").arg(exported.path().join("summary.json"));
    command.env("NATS_URL", server.url());
    // What a busy machine holds; how fast it is is none of this test's business.
    let brief = ["RATE=100", "DURATION=2s", "LISTEN=4s", "MIN_RATE=10", "P95=10000", "P99=20000"];
    command.args(brief.iter().chain(env).flat_map(|pair| ["-e", pair]));
    Ended::of(command.output().unwrap(), exported)
}

#[test]
fn events_of_several_chains_are_stored_and_none_is_lost() {
    let Some(server) = Nats::start() else { return };
    server.stream("CANONICAL_EVENTS", &["canonical.>"]);
    let ended = run(&server, &[], &[]);
    ended.check(0, &[]);
    let export = ended.export();
    let count = |name: &str| export["metrics"][name]["values"]["count"].as_f64().unwrap() as u64;
    assert_eq!((count("nats_acks"), count("events_received"), count("events_lost")), (201, 201, 0));
    assert_eq!(server.state("CANONICAL_EVENTS").messages, 201);
    let sent = count("data_sent") / 201;
    assert!((384..800).contains(&sent), "{sent} bytes an event");
}

#[test]
fn a_spike_begins_with_the_plain_rate() {
    let Some(server) = Nats::start() else { return };
    server.stream("CANONICAL_EVENTS", &["canonical.>"]);
    let ended = run(&server, &["WORKERS=4"], &["--profile", "spike"]);
    ended.check(0, &[]);
    assert_eq!(server.state("CANONICAL_EVENTS").messages, 201, "the first burst would come after 30 s");
}

#[test]
fn load_and_soak_differ_in_their_numbers_alone() {
    let Some(server) = Nats::start() else { return };
    server.stream("CANONICAL_EVENTS", &["canonical.>"]);
    for (profile, [workers, consumers]) in [("load", [16, 4]), ("soak", [4, 2])] {
        let ended = run(&server, &[], &["--profile", profile]);
        ended.check(0, &[]);
        let export = ended.export();
        let scenarios = export["scenarios"].as_array().unwrap();
        let vus = |at: usize| {
            (scenarios[at]["name"].as_str().unwrap(), scenarios[at]["vus_allocated"].as_u64().unwrap())
        };
        assert_eq!([vus(0), vus(1)], [("generator", workers), ("consumers", consumers)], "{profile}");
        let count = |name: &str| export["metrics"][name]["values"]["count"].as_f64().unwrap() as u64;
        assert_eq!((count("nats_acks"), count("events_received"), count("events_lost")), (201, 201, 0));
    }
}

/// Its stages in tenths of seconds for minutes, at a tenth of its rates and less.
#[test]
fn stress_rises_through_its_stages_and_ends_where_too_many_fail() {
    let Some(server) = Nats::start() else { return };
    let mut plan = std::fs::read_to_string(folder().join("pulse-events.yml")).unwrap();
    for (before, after) in [
        ("start_rate: 1000", "start_rate: 100"),
        ("{duration: 2m, target: 1000}", "{duration: 200ms, target: 100}"),
        ("{duration: 5m, target: 10000}", "{duration: 500ms, target: 500}"),
        ("{duration: 5m, target: 20000}", "{duration: 500ms, target: 1000}"),
        ("{duration: 5m, target: 40000}", "{duration: 500ms, target: 1500}"),
        ("{duration: 3m, target: 0}", "{duration: 10s, target: 0}"),
        ("delay_abort_eval: 10s", "delay_abort_eval: 1s"),
    ] {
        assert!(plan.contains(before), "{before}");
        plan = plan.replace(before, after);
    }
    let url = format!("NATS_URL={}", server.url());
    let brief = ["LISTEN=14s", "MIN_RATE=10", "P95=10000", "P99=20000"];
    let mut arguments = vec!["--quiet", "--profile", "stress", "-e", &url];
    arguments.extend(brief.iter().flat_map(|pair| ["-e", pair]));
    server.stream("CANONICAL_EVENTS", &["canonical.>"]);
    let ended = Ended::run(&plan, &arguments);
    // How fast a busy machine is is none of this test's business.
    assert!([0, 98].contains(&ended.code), "{}{}", ended.stdout, ended.stderr);
    let export = ended.export();
    let count = |name: &str| export["metrics"][name]["values"]["count"].as_f64().unwrap_or(0.0) as i64;
    // 20, 150, 375, 625 and 7,500.
    let due = count("nats_msgs_sent") + count("dropped_iterations");
    assert!((due - 8670).abs() < 100, "{due}");
    assert_eq!((count("nats_acks"), count("events_lost")), (count("nats_msgs_sent"), 0));

    let full = async_nats::jetstream::stream::Config {
        name: "CANONICAL_EVENTS".to_owned(),
        subjects: vec!["canonical.>".to_owned()],
        max_messages: 100,
        discard: async_nats::jetstream::stream::DiscardPolicy::New,
        ..Default::default()
    };
    let Some(server) = Nats::start() else { return };
    server.stream_as(full);
    let url = format!("NATS_URL={}", server.url());
    arguments[4] = &url;
    let ended = Ended::run(&plan, &arguments);
    ended.check(99, &["nats_failed rate<0.05"]);
    let sent = ended.export()["metrics"]["nats_msgs_sent"]["values"]["count"].as_f64().unwrap();
    assert!(sent < 8000.0, "it went on to the end: {sent}");
}

#[test]
fn a_stream_that_takes_too_little_fails_the_run() {
    let Some(server) = Nats::start() else { return };
    let config = async_nats::jetstream::stream::Config {
        name: "CANONICAL_EVENTS".to_owned(),
        subjects: vec!["canonical.>".to_owned()],
        max_messages: 50,
        discard: async_nats::jetstream::stream::DiscardPolicy::New,
        ..Default::default()
    };
    server.stream_as(config);
    let ended = run(&server, &[], &[]);
    ended.check(99, &[]);
    let export = ended.export();
    let failed = failed_gates(&export);
    assert!(failed.contains(&("nats_failed", "rate<0.001")), "{failed:?}\n{}", ended.stdout);
    // What was not accepted is not lost.
    assert!(!failed.iter().any(|(metric, _)| *metric == "events_lost"), "{failed:?}");
}

#[test]
fn without_the_stream_no_event_is_sent() {
    let Some(server) = Nats::start() else { return };
    server.stream("ANOTHER", &["canonical.>"]);
    // It may come up late, for 30 s in the plan.
    let plan = std::fs::read_to_string(folder().join("pulse-events.yml")).unwrap();
    let plan = plan.replace("wait_for: 30s", "wait_for: 1s");
    let ended = Ended::run(&plan, &["--quiet", "-e", &format!("NATS_URL={}", server.url())]);
    ended.check(97, &["nats stream CANONICAL_EVENTS: no stream takes the subject"]);
    assert_eq!(server.state("ANOTHER").messages, 0);
}
