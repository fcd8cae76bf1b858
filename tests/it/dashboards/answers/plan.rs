//! A plan that makes every metric there is.

use std::fs;

use tempfile::TempDir;

use crate::stage::{Nats, RabbitMq, Service};

/// Fires from the first request that fails, as long as the run is exported.
pub(super) const RULES: &str = r#"groups:
  - name: dashboards
    interval: 1s
    rules:
      - alert: RequestsFail
        expr: sum by (testid, test) (k6_http_req_failed_total{condition="nonzero"}) > 0
        labels: {severity: critical}
        annotations: {summary: requests fail}
"#;

/// Passes.
const QUIET: &str =
    "name: quiet\nscenarios: {s: {executor: constant-vus, duration: 1s, flow: [{sleep: 100ms}]}}\n";

/// A target that is gone, chats, requests, arrivals that are too many, a paced round, calls and streams of gRPC, events
/// with a ledger, groups, checks, probes, a fault and what comes of it, a verification, thresholds and an objective.
pub(super) fn write(folder: &TempDir, target: &Service, grpc: &str, nats: &Nats, rabbitmq: &RabbitMq) {
    rabbitmq.queue("boards");
    nats.stream("EVENTS", &["events.>"]);
    for (name, text) in [
        ("plans/boards.yml", plan(target, grpc, &nats.url(), &rabbitmq.url())),
        ("plans/quiet.yml", QUIET.to_owned()),
        ("rules/failing.yml", RULES.to_owned()),
    ] {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

fn plan(target: &Service, grpc: &str, nats: &str, amqp: &str) -> String {
    let (http, ws) = (target.http(), target.ws());
    format!(
        r#"name: boards
limits: {{max_dropped: 100%}}
metrics:
  message_response_time: {{type: trend, time: true}}
  ws_event_latency_ms: {{type: trend}}
scrape:
  - {{job: backend, url: '{http}/metrics', interval: 1s}}
  - {{job: gone, url: 'http://127.0.0.1:1/metrics', interval: 1s}}
probes:
  hz: {{query: 'backend_loop_hz{{job="backend"}}', interval: 1s}}
scenarios:
  chat:
    executor: constant-vus
    vus: 3
    duration: 15s
    graceful_stop: 1s
    flow:
      - websocket:
          url: '{ws}/api/chat'
          flow:
            - send: {{json: {{type: message, content: hi}}}}
            - receive: {{until: json.type == "done", timeout: 5s, record: message_response_time}}
            - ping: {{timeout: 1s}}
            - record: {{ws_event_latency_ms: 5}}
            - sleep: 100ms
  users:
    executor: constant-vus
    vus: 2
    duration: 15s
    graceful_stop: 1s
    flow:
      - http: {{url: '{http}/health', checks: {{healthy: status == 200}}}}
      - group: {{name: missing, flow: [{{http: {{url: '{http}/missing', checks: {{found: status == 200}}}}}}]}}
      - repeat: {{times: 3, every: 50ms, flow: [{{sleep: 1ms}}]}}
  rate:
    executor: constant-arrival-rate
    rate: 20
    duration: 15s
    graceful_stop: 1s
    pre_allocated_vus: 1
    flow: [{{http: {{url: '{http}/health'}}}}, {{sleep: 200ms}}]
  calls:
    executor: constant-vus
    vus: 2
    duration: 15s
    graceful_stop: 1s
    flow:
      - grpc: {{url: '{grpc}', method: kernel.v1.Kernel/Execute, message: {{}}}}
      - grpc: {{url: '{grpc}', method: ai.v1.AI/Generate, message: {{prompt: hello, max_tokens: 3}}}}
      - grpc:
          url: '{grpc}'
          method: kernel.v1.Kernel/Echo
          flow: [{{send: {{json: {{text: hi}}}}}}, {{receive: {{timeout: 2s}}}}, {{sleep: 50ms}}, {{close: {{}}}}]
  events:
    executor: constant-arrival-rate
    rate: 50
    duration: 13s
    pre_allocated_vus: 2
    flow:
      - nats: {{url: '{nats}', publish: {{subject: events.x, stream: EVENTS, id: '{{{{ iteration % 500 }}}}', body: x, ledger: events}}}}
      - nats: {{url: '{nats}', publish: {{subject: nowhere, stream: EVENTS, body: x}}}}
      - nats: {{url: '{nats}', request: {{subject: $JS.API.INFO}}}}
  consumers:
    executor: constant-vus
    vus: 2
    duration: 15s
    graceful_stop: 2s
    flow:
      - nats: {{url: '{nats}', consume: {{stream: EVENTS, consumer: boards, ledger: events, for: 1s, wait: 1s}}}}
  messages:
    executor: constant-arrival-rate
    rate: 20
    duration: 13s
    pre_allocated_vus: 2
    flow:
      - amqp: {{url: '{amqp}', publish: {{routing_key: boards, body: x}}}}
      - amqp: {{url: '{amqp}', publish: {{routing_key: nowhere, body: x}}}}
      - amqp: {{url: '{amqp}', consume: {{queue: boards, count: 1, timeout: 5s}}}}
chaos:
  - name: slow-answers
    at: 4s
    for: 3s
    do: {{http: {{url: '{http}/faults', json: {{fault: latency, value: 200ms}}}}}}
    undo: {{http: {{url: '{http}/faults', json: {{fault: latency, 'off': true}}}}}}
    recovery: {{when: 'sum(rate(k6_http_reqs_total[5s])) > 0', stable_for: 2s, within: 10s}}
verify: [{{metrics: {{query: sum(k6_http_reqs_total), at_least: 1}}}}]
thresholds:
  http_req_failed: ["rate<0.01"]
  checks: ["rate>0.99"]
  http_req_duration: ["p(95)<5s"]
  hz: ["avg>10"]
slo: [{{name: answers, metric: http_req_duration, target: p(95)<3s, critical: p(95)<10s}}]
"#
    )
}
