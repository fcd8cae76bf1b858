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
