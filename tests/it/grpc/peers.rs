//! Against Python's grpcio.

use super::peer::Peer;
use super::{all_hold, calls, once};
use crate::http::tls::Identity;
use crate::stage::{HttpServer, reply, run};

#[test]
fn all_four_kinds_of_calls_are_made_by_reflection_v1alpha() {
    let Some(peer) = Peer::start(&[], &[]) else { return };
    let url = peer.url();
    let ran = run(&once(&format!(
        r#"
- grpc:
    url: {url}
    method: peer.v1.Peer/Say
    metadata: {{x-user: "user {{{{ vu }}}}", authorization: Bearer abc}}
    message: {{text: hello}}
    timeout: 30s
    checks:
      unary: status == "OK" and json.text == "olleh" and json.hasDeadline
      metadata: json.metadata["x-user"] == "user 1" and json.metadata.authorization == "Bearer abc"
      answered metadata: headers.x_first == "one" and headers.x_last == "two"
- grpc:
    url: {url}
    method: peer.v1.Peer/Many
    message: {{text: a, times: 300, size: 100}}
    checks:
      server stream: json | length == 300 and json[299].count == 299
- grpc:
    url: {url}
    method: peer.v1.Peer/Sum
    messages: [{{numbers: [1, 2]}}, {{numbers: [3]}}]
    checks:
      client stream: json.count == 6 and json.text == "3"
- grpc:
    url: {url}
    method: peer.v1.Peer/Chat
    flow:
      - send: {{json: {{text: ab}}}}
      - receive: {{checks: {{first: json.text == "ba"}}}}
      - sleep: 20ms
      - send: {{text: '{{"text": "cd"}}'}}
      - receive: {{until: json.count == 1, checks: {{second: json.text == "dc"}}}}
    checks:
      conversation: status == "OK"
"#
    )));
    all_hold(&ran, 8);
    assert_eq!(calls(&ran, "OK", ""), 4);
}

#[test]
fn descriptor_files_stand_in_for_reflection() {
    let Some(peer) = Peer::start(&["--no-reflection"], &[]) else { return };
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/grpc/peer.proto");
    let ran = run(&once(&format!(
        r#"
- grpc: {{url: '{url}', method: peer.v1.Peer/Say, descriptors: '{set}', message: {{text: ab}}, checks: {{a: json.text == "ba"}}}}
- grpc: {{url: '{url}', method: peer.v1.Peer/Say, proto: '{source}', message: {{text: cd}}, checks: {{b: json.text == "dc"}}}}
"#,
        url = peer.url(),
        set = peer.file("peer.pb"),
    )));
    all_hold(&ran, 2);
    let flow = format!("- grpc: {{url: '{}', method: peer.v1.Peer/Say}}", peer.url());
    let ran = run(&once(&flow));
    let said = ran.verdict();
    assert!(said.contains("the server has no reflection service; give `proto` or `descriptors`"), "{said}");
}

#[test]
fn statuses_deadlines_and_limits_are_told_apart() {
    let Some(peer) = Peer::start(&[], &[]) else { return };
    let url = peer.url();
    let ran = run(&once(&format!(
        r#"
- grpc:
    url: {url}
    method: peer.v1.Peer/Say
    message: {{status: 5}}
    expected_statuses: [OK, NOT_FOUND]
    checks: {{missing: status == "NOT_FOUND" and error == 1865 and headers.grpc_message == "as was asked for"}}
- grpc:
    url: {url}
    method: peer.v1.Peer/Say
    message: {{status: 7}}
    checks: {{denied: status == "PERMISSION_DENIED"}}
- grpc:
    url: {url}
    method: peer.v1.Peer/Many
    message: {{status: 10}}
    checks: {{half: status == "ABORTED"}}
- grpc:
    url: {url}
    method: peer.v1.Peer/Say
    message: {{delay_ms: 5000}}
    timeout: 300ms
    checks: {{late: status == "DEADLINE_EXCEEDED"}}
- grpc:
    url: {url}
    method: peer.v1.Peer/Say
    message: {{size: 100000}}
    max_receive_size: 64KiB
    checks: {{large: status == "RESOURCE_EXHAUSTED" and error == 1882}}
- grpc:
    url: {url}
    method: peer.v1.Peer/Say
    message: {{text: "{{{{ random_string(100) }}}}"}}
    max_send_size: 64B
    checks: {{unsent: status == "RESOURCE_EXHAUSTED" and error == 1882}}
- grpc:
    url: {url}
    method: peer.v1.Peer/Chat
    flow:
      - send: {{json: {{status: 8}}}}
      - receive: {{timeout: 30s}}
    checks: {{refused: status == "RESOURCE_EXHAUSTED" and error == 1868}}
- grpc:
    url: {url}
    method: peer.v1.Peer/Say
    message: {{size: 3000000}}
    checks: {{still good: status == "OK"}}
"#
    )));
    all_hold(&ran, 8);
    let expected = |value| ran.count("k6_grpc_reqs_total", &[("expected_response", value)]);
    assert_eq!((expected("true"), expected("false")), (2, 6));
    assert_eq!(calls(&ran, "NOT_FOUND", "1865"), 1);
    assert_eq!(calls(&ran, "RESOURCE_EXHAUSTED", "1882"), 2);
}

#[test]
fn a_server_that_dies_and_comes_back_costs_calls_and_not_the_run() {
    let Some(peer) = Peer::start(&[], &[]) else { return };
    let (url, set) = (peer.url(), peer.file("peer.pb"));
    // It comes back when somebody has missed it.
    let (miss, missed) = std::sync::mpsc::channel();
    let nurse = HttpServer::start(move |_| {
        let _ = miss.send(());
        async { reply(200, "coming") }
    });
    let back = std::thread::spawn(move || {
        let (port, folder) = peer.ended();
        missed.recv().unwrap();
        Peer::at(folder, &["--port", &port.to_string()]).unwrap()
    });
    let plan = once(&format!(
        r#"
- grpc: {{url: '{url}', method: peer.v1.Peer/Say, descriptors: '{set}', checks: {{before: status == "OK"}}}}
- grpc: {{url: '{url}', method: peer.v1.Peer/Say, descriptors: '{set}', message: {{text: die}}}}
- check: {{died: status == "UNAVAILABLE"}}
- grpc: {{url: '{url}', method: peer.v1.Peer/Say, descriptors: '{set}', checks: {{missed: status == "UNAVAILABLE"}}}}
- http: {{url: '{nurse}/'}}
- set: {{back: 0 == 1}}
- repeat:
    while: not back
    flow:
      - grpc: {{url: '{url}', method: peer.v1.Peer/Say, descriptors: '{set}'}}
      - set: {{back: status == "OK"}}
"#,
        nurse = nurse.url(),
    ));
    let ran = run(&format!("{plan}thresholds: {{grpc_req_failed: ['rate<0.01']}}\n"));
    drop(back.join().unwrap());
    all_hold(&ran, 3);
    assert_eq!(calls(&ran, "OK", ""), 2);
    // However its end was seen, and that nobody listened while it was away.
    let lost = ran.count("k6_grpc_reqs_total", &[("status", "UNAVAILABLE")]);
    assert!(lost >= 2 && calls(&ran, "UNAVAILABLE", "1212") >= 1, "{lost} calls were lost");
    assert_eq!(ran.count("k6_iterations_total", &[]), 1);
    assert!(ran.verdict().contains("grpc_req_failed"), "{}", ran.verdict());
}

#[test]
fn tls_shows_a_client_certificate_and_checks_the_servers() {
    let [server, client, stranger] =
        ["localhost", "client", "localhost"].map(|name| Identity::made_for(name, true));
    let files = [
        ("server.pem", server.pem()),
        ("server.key", server.key_pem()),
        ("client.pem", client.pem()),
        ("client.key", client.key_pem()),
        ("stranger.pem", stranger.pem()),
    ];
    let Some(peer) = Peer::start(&["--tls", "server.pem", "server.key", "client.pem"], &files) else {
        return;
    };
    let plan = |ca: &str| {
        let tls = format!(
            "defaults: {{tls: {{ca: '{}', cert: '{}', key: '{}'}}}}\n",
            peer.file(ca),
            peer.file("client.pem"),
            peer.file("client.key")
        );
        let flow = format!(
            "- grpc: {{url: 'grpcs://localhost:{}', method: peer.v1.Peer/Say, descriptors: '{}', message: {{text: ab}}}}",
            peer.port,
            peer.file("peer.pb")
        );
        run(&format!("{}{tls}", once(&flow)))
    };
    assert_eq!(calls(&plan("server.pem"), "OK", ""), 1);
    assert_eq!(calls(&plan("stranger.pem"), "UNAVAILABLE", "1310"), 1);
}
