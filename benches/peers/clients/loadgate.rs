//! loadgate, with everything on: all metrics, `/metrics` served and scraped. The one place that knows its plan and report.

use std::fmt::Write as _;
use std::fs::{read_to_string, write};
use std::process::Command;

use super::summary::Summary;
use super::{Launch, Reported};
use crate::Result;
use crate::cases::amqp::QUEUE;
use crate::cases::nats::{MOST_IN_FLIGHT, PAYLOAD, STREAM, SUBJECT};
use crate::load::{Load, Shape, WARMING};

const PLAN: &str = "plan.yml";
const REPORT: &str = "summary.json";

pub(super) fn configure(launch: &Launch<'_>, command: &mut Command) -> Result<()> {
    let path = launch.folder.join(PLAN);
    write(&path, plan(launch.load)?)?;
    command.arg("run").arg(path).arg("--summary-export").arg(launch.folder.join(REPORT));
    command.arg("--listen").arg(launch.listen.to_string());
    Ok(())
}

/// The verdict and its exit code are not looked at: a closed loop that fills its core is rightly called inconclusive.
pub(super) fn read(launch: &Launch<'_>) -> Result<Reported> {
    let summary = Summary::parse(&read_to_string(launch.folder.join(REPORT))?)?;
    let response = match launch.load.shape {
        Shape::Sockets { .. } => "message_time",
        Shape::Calls { .. } => "grpc_req_response_time",
        Shape::Events { .. } => "nats_response_time",
        Shape::Messages { .. } => "amqp_response_time",
        _ => "http_req_response_time",
    };
    Ok(Reported { response: summary.trend(response), ..summary.reported() })
}

fn plan(load: &Load) -> Result<String> {
    let mut plan = String::from("name: peers\nscenarios:\n  load:\n");
    let (url, secs) = (load.url(), load.secs());
    match load.shape {
        // One iteration each, which the graceful stop lets end.
        Shape::Sockets { connections: vus, .. } => {
            write!(plan, "    executor: constant-vus\n    vus: {vus}\n    duration: 1s\n")?;
        }
        Shape::Closed { connections: vus }
        | Shape::Calls { connections: vus }
        | Shape::Events { publishers: vus, rate: None }
        | Shape::Messages { publishers: vus, rate: None }
        | Shape::Chat { users: vus, .. }
        | Shape::Thinking { users: vus }
        | Shape::Hostile { users: vus, .. } => {
            write!(plan, "    executor: constant-vus\n    vus: {vus}\n    duration: {secs}s\n")?;
        }
        Shape::Open { rate, vus } => {
            write!(
                plan,
                "    executor: constant-arrival-rate\n    rate: {rate}\n    time_unit: 1s\n    duration: {secs}s\n"
            )?;
            write!(plan, "    pre_allocated_vus: {vus}\n    max_vus: {vus}\n")?;
        }
        Shape::Events { publishers: vus, rate: Some(rate) }
        | Shape::Messages { publishers: vus, rate: Some(rate) } => {
            let stages = format!(
                "[{{duration: 1s, target: {WARMING}}}, {{duration: 0s, target: {rate}}}, {{duration: {secs}s, target: {rate}}}]"
            );
            write!(
                plan,
                "    executor: ramping-arrival-rate\n    start_rate: {WARMING}\n    stages: {stages}\n"
            )?;
            // What is due while the machine stands still is for further ones.
            write!(plan, "    pre_allocated_vus: {vus}\n    max_vus: {}\n", 4 * vus)?;
        }
    }
    writeln!(plan, "    graceful_stop: {}s\n    flow:", secs + 10.0)?;
    match load.shape {
        Shape::Closed { .. } | Shape::Open { .. } => write!(plan, "      - http:\n          url: {url}\n")?,
        // As the bare loop, it builds its message for each call and looks at the answer.
        Shape::Calls { .. } => write!(
            plan,
            r#"      - grpc:
          url: {url}
          method: bench.v1.Bench/Say
          proto: {proto}
          message: {{text: "hello from {{{{ vu }}}}"}}
"#,
            proto = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/roles/bench.proto"),
        )?,
        Shape::Events { .. } => write!(
            plan,
            "      - nats:\n          url: {url}\n          publish: {{subject: {SUBJECT}, stream: {STREAM}, max_ack_inflight: {MOST_IN_FLIGHT}, body: '{PAYLOAD}'}}\n"
        )?,
        Shape::Messages { .. } => write!(
            plan,
            "      - amqp:\n          url: {url}\n          publish: {{routing_key: {QUEUE}, max_in_flight: {MOST_IN_FLIGHT}, body: '{PAYLOAD}'}}\n"
        )?,
        Shape::Thinking { .. } => {
            write!(plan, "      - http:\n          url: {url}\n      - sleep: 1s\n")?;
        }
        // Reads and parses whatever comes.
        Shape::Hostile { socket: false, .. } => write!(
            plan,
            r"      - http:
          url: {url}
          timeout: 3s
          checks: {{is there: json is defined}}
          capture: {{all: body}}
      - sleep: 100ms
"
        )?,
        Shape::Hostile { socket: true, .. } => write!(
            plan,
            r"      - websocket:
          url: {url}
          connect_timeout: 3s
          flow:
            - receive: {{until: body is undefined, timeout: 3s}}
      - sleep: 100ms
"
        )?,
        Shape::Sockets { per_sec: 0, .. } => write!(
            plan,
            r"      - websocket:
          url: {url}
          connect_timeout: 30s
          flow:
            - sleep: {secs}s
"
        )?,
        Shape::Sockets { per_sec, .. } => write!(
            plan,
            r"      - websocket:
          url: {url}
          connect_timeout: 30s
          flow:
            - repeat:
                for: {secs}s
                every: {every_ms}ms
                flow:
                  - send:
                      json: {{type: ping, content: are you there?}}
                  - receive:
                      timeout: 10s
                      record: message_time
metrics:
  message_time: {{type: trend, time: true}}
",
            every_ms = 1000 / per_sec
        )?,
        Shape::Chat { messages, .. } => write!(
            plan,
            r#"      - websocket:
          url: {url}
          flow:
            - repeat:
                times: {messages}
                flow:
                  - send:
                      json: {{type: message, content: "hello from {{{{ vu }}}}"}}
                  - receive:
                      until: json.type == "done"
                      timeout: 10s
                  - sleep: 1s
"#
        )?,
    }
    Ok(plan)
}
