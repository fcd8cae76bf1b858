//! The plans in `config/plans`: each is run briefly against the demo target, passes, and fails at the right
//! gate once one thing goes wrong.

mod broker;
mod events;
mod load;

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::stage::{Ended, Service, demo_with_grpc, loadgate};

/// One plan, made short.
struct Brief {
    plan: &'static str,
    /// What makes it short, as `--env`; the URLs come by themselves.
    env: &'static [&'static str],
    arguments: &'static [&'static str],
    /// Metrics that the seed of this plan names; each must have a value at the end.
    metrics: &'static [&'static str],
    /// A fault of the target, and the gate that finds it.
    fault: &'static str,
    gate: (&'static str, &'static str),
}

const BRIEF: Brief = Brief { plan: "", env: &[], arguments: &[], metrics: &[], fault: "", gate: ("", "") };

/// Where the plans send their load, each under the name its seed gives it.
fn urls(target: &Service) -> Vec<(&'static str, String)> {
    vec![
        ("HTTP_URL", target.http()),
        ("BASE_URL", target.http()),
        ("RABBITMQ_URL", target.http()),
        ("BROKER_URL", format!("{}/events", target.http())),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/plans")
}

impl Brief {
    fn run(&self, faults: &[&str]) -> Ended {
        let (target, grpc) = demo_with_grpc(faults);
        let exported = TempDir::new().unwrap();
        let plan = folder().join(format!("{}.yml", self.plan));
        let mut command = loadgate();
        command.arg("run").arg(plan).arg("--quiet").args(self.arguments);
        command.arg("--summary-export").arg(exported.path().join("summary.json"));
        // The environment is read only for names that the plan declares; `--env` would refuse the others.
        command.envs(urls(&target)).env("GRPC_URL", grpc);
        let path = if self.plan.starts_with("pulse") { "/ws" } else { "" };
        command.env("WS_URL", format!("{}{path}", target.ws()));
        command.args(self.env.iter().flat_map(|pair| ["-e", pair]));
        Ended::of(command.output().unwrap(), exported)
    }

    fn check(&self) {
        let ended = self.run(&[]);
        ended.check(0, &[]);
        let export = ended.export();
        assert_eq!(export["verdict"], "passed", "{}", ended.stdout);
        for metric in self.metrics {
            let known = export["metrics"].get(metric).or_else(|| export["probes"].get(metric));
            assert!(known.is_some(), "no {metric} in {}", ended.stdout);
        }

        let ended = self.run(&[self.fault]);
        ended.check(99, &[]);
        let export = ended.export();
        let failed = failed_gates(&export);
        let (metric, threshold) = self.gate;
        assert!(failed.contains(&(metric, threshold)), "{failed:?} failed\n{}", ended.stdout);
    }
}

fn failed_gates(export: &Value) -> Vec<(&str, &str)> {
    let gates = export["gates"].as_array().unwrap().iter();
    let failed = gates.filter(|gate| gate["kind"] != "recovery" && gate["outcome"] == "crossed");
    failed.map(|gate| (gate["metric"].as_str().unwrap(), gate["threshold"].as_str().unwrap())).collect()
}

#[test]
fn pulse_over_http() {
    Brief {
        plan: "pulse-http",
        env: &["VUS=3", "DURATION=2s", "P95=2000", "P99=5000"],
        metrics: &[
            "http_health_latency_ms",
            "http_ready_latency_ms",
            "http_correctness_status_latency_ms",
            "http_manifest_latency_ms",
            "http_error_rate",
        ],
        fault: "errors=0.1",
        gate: ("http_error_rate", "rate<0.001"),
        ..BRIEF
    }
    .check();
}

#[test]
fn pulse_over_websocket() {
    Brief {
        plan: "pulse-websocket",
        env: &["VUS=5", "DURATION=2s", "LISTEN=800ms", "P95=2000", "P99=5000"],
        metrics: &[
            "ws_connections",
            "ws_connection_errors",
            "ws_event_latency_ms",
            "ws_subscription_latency_ms",
            "ws_active_connections",
            "ws_error_rate",
        ],
        fault: "drop-events=0.2",
        gate: ("checks", "rate>0.999"),
        ..BRIEF
    }
    .check();
}

#[test]
fn the_chat_application_as_a_whole() {
    Brief {
        plan: "chat-comprehensive",
        // A loop beside other tests is late now and then, but never as slow as with the fault.
        env: &[
            "VUS=4",
            "RAMP_UP=1s",
            "DURATION=2s",
            "MESSAGES=1",
            "API_RATE=10",
            "HZ_AVERAGE_THRESHOLD=70",
            "HZ_MINIMUM_THRESHOLD=61",
        ],
        metrics: &["error_rate", "hz", "ws_connection_time", "message_response_time"],
        fault: "slow-loop=40",
        gate: ("hz", "avg>70"),
        ..BRIEF
    }
    .check();
}

#[test]
fn a_flash_sale() {
    const LATENCIES: [&str; 4] = ["P50=5000", "P90=5000", "P95=5000", "P99=5000"];
    Brief {
        plan: "flash-sale",
        env: &[
            "VUS=5",
            "RAMP_UP=1s",
            "PEAK=1s",
            "RAMP_DOWN=1s",
            "MIN_RPS=1",
            LATENCIES[0],
            LATENCIES[1],
            LATENCIES[2],
            LATENCIES[3],
        ],
        metrics: &["orders_accepted", "orders_rejected", "rate_limited", "order_latency"],
        fault: "oversell=0.5",
        gate: ("orders_accepted", "count<=100"),
        ..BRIEF
    }
    .check();
}

#[test]
fn cloud_events_through_rabbitmq() {
    Brief {
        plan: "cloudevents",
        arguments: &["--profile", "smoke"],
        metrics: &["builder_error_rate", "builder_events", "builder_publish_duration"],
        fault: "unrouted",
        gate: ("builder_error_rate", "rate<0.01"),
        ..BRIEF
    }
    .check();
}

#[test]
fn cloud_events_of_each_type_straight_to_the_broker() {
    let of = |env| Brief { plan: "cloudevents", arguments: &["--profile", "broker"], env, ..BRIEF };
    let build: &[&str] = &["RAMP_UP=1s", "DURATION=1s", "CONCURRENT=3", "EVENT_TYPE=build"];
    let parser: &[&str] = &["RAMP_UP=1s", "DURATION=1s", "CONCURRENT=3", "EVENT_TYPE=parser"];
    let delete: &[&str] = &["RAMP_UP=1s", "DURATION=1s", "CONCURRENT=3", "EVENT_TYPE=delete"];
    for env in [build, parser, delete] {
        of(env).run(&[]).check(0, &[]);
    }
}

#[test]
fn events_for_parsers() {
    Brief {
        plan: "parser-events",
        env: &["RATE=20", "DURATION=2s", "VUS=5", "MAX_VUS=20"],
        metrics: &["parser_events"],
        fault: "errors=0.2",
        gate: ("http_req_failed", "rate<0.01"),
        ..BRIEF
    }
    .check();
}

#[test]
fn an_api_at_a_fixed_rate() {
    Brief {
        plan: "api-rates",
        env: &["RATE=20", "DURATION=2s", "P99=5s"],
        metrics: &["http_req_response_time", "checks"],
        fault: "errors=0.5",
        gate: ("checks", "rate>=0.99"),
        ..BRIEF
    }
    .check();
}

#[test]
fn a_backend_that_has_to_recover() {
    Brief {
        plan: "chaos",
        env: &["DURATION=9s", "AT=1s", "FOR=1s", "STABLE_FOR=1s", "WITHIN=10s", "LOOK_BACK=2s"],
        metrics: &["http_req_failed"],
        fault: "errors=0.5",
        gate: ("http_req_failed", "rate<0.01"),
        ..BRIEF
    }
    .check();
}

#[test]
fn websocket_connections_with_paced_messages() {
    Brief {
        plan: "ws-connections",
        env: &["CONNECTIONS=10", "DURATION=2s", "EVERY=50ms", "P99=5s"],
        metrics: &["ws_message_latency", "ws_sessions_failed"],
        fault: "refuse-upgrades",
        gate: ("ws_sessions_failed", "rate<0.01"),
        ..BRIEF
    }
    .check();
}

#[test]
fn events_that_every_websocket_must_be_sent() {
    Brief {
        plan: "event-fan-out",
        env: &["LISTENERS=5", "DURATION=2s", "JOIN=1s", "LISTEN=4s", "WAIT=2s", "P99=20s"],
        metrics: &["events_published", "events_received", "events_lost", "event_latency", "ws_sessions"],
        fault: "drop-events=0.2",
        gate: ("events_lost", "count==0"),
        ..BRIEF
    }
    .check();
}

#[test]
fn a_kernel_over_grpc() {
    Brief {
        plan: "grpc-kernel",
        env: &["RATE=20", "DURATION=2s", "P99=20s"],
        metrics: &["grpc_reqs", "grpc_req_duration", "grpc_req_response_time", "checks"],
        fault: "errors=0.5",
        gate: ("grpc_req_failed", "rate<0.01"),
        ..BRIEF
    }
    .check();
    let ended = Brief { plan: "grpc-kernel", arguments: &["--profile", "requests"], ..BRIEF }.run(&[]);
    assert_eq!(ended.export()["metrics"]["grpc_reqs"]["values"]["count"], 1000.0, "{}", ended.stdout);
}

#[test]
fn a_model_over_grpc() {
    Brief {
        plan: "grpc-ai",
        env: &["RATE=5", "DURATION=2s", "TOKENS=3", "P99=20s", "FIRST_TOKEN_P95=10s"],
        metrics: &["grpc_streams", "grpc_streams_msgs_received", "grpc_stream_first_message"],
        fault: "errors=0.5",
        gate: ("grpc_req_failed", "rate<0.01"),
        ..BRIEF
    }
    .check();
}
