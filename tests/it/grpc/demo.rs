//! Against the demo target's own service, which tonic serves.

use loadgate::verdict::Verdict;

use super::{all_hold, calls, once};
use crate::stage::{Ended, demo_with_grpc, run};

#[test]
fn all_four_kinds_of_calls_are_made_by_reflection() {
    let (_target, url) = demo_with_grpc(&[]);
    let ran = run(&once(&format!(
        r#"
- grpc:
    url: {url}
    method: kernel.v1.Kernel/Execute
    message: {{prompt: "hello {{{{ vu }}}}", labels: {{a: "{{{{ iteration }}}}"}}}}
    checks:
      unary: status == "OK" and json.text == "HELLO 1" and json.sequence == "1" and error == none
- grpc:
    url: {url}
    method: ai.v1.AI/Generate
    message: {{prompt: hello, maxTokens: 7}}
    checks:
      server stream: json | length == 7 and json[6].done and not json[5].done and json[3].index == 3
- grpc:
    url: {url}
    method: kernel.v1.Kernel/Upload
    messages: [{{data: aGVsbG8=}}, {{data: "{{{{ 'aGk=' }}}}"}}, {{}}]
    checks:
      client stream: json.chunks == "3" and json.bytes == "7"
- grpc:
    url: {url}
    method: kernel.v1.Kernel/Echo
    messages: [{{sequence: 1}}, {{sequence: "2"}}]
    checks:
      bidirectional: json | length == 2 and json[1].sequence == "2" and json[0].text == ""
- grpc:
    url: {url}
    method: kernel.v1.Kernel/Echo
    compression: gzip
    flow:
      - repeat:
          times: 3
          flow:
            - send: {{json: {{sequence: 5, text: "from {{{{ vu }}}}"}}}}
            - receive: {{checks: {{echoed: json.text == "from 1"}}}}
      - close: {{}}
    checks:
      conversation: status == "OK"
"#
    )));
    all_hold(&ran, 8);
    assert_eq!(calls(&ran, "OK", ""), 5);
    let stream = |name: &str| ran.count(&format!("k6_grpc_{name}"), &[]);
    assert_eq!(
        ["streams_total", "streams_msgs_sent_total", "streams_msgs_received_total"].map(stream),
        [4, 9, 13]
    );
    assert_eq!(stream("stream_first_message_seconds_count"), 3 + 3);
    assert_eq!(stream("stream_message_gap_seconds_count"), 6 + 1);
    assert_eq!(ran.last.sum("k6_grpc_stream_open", &[]), Some(0.0));
    // One connection for all of it; reflection has one of its own.
    assert_eq!(stream("connecting_seconds_count"), 1);
    assert!(ran.count("k6_data_sent_total", &[]) > 500 && ran.count("k6_data_received_total", &[]) > 500);
}

#[test]
fn a_flow_listens_to_a_stream_until_it_ends() {
    let (_target, url) = demo_with_grpc(&[]);
    let ran = run(&format!(
        "{}metrics: {{tokens: {{type: counter}}}}\n",
        once(&format!(
            r#"
- grpc:
    url: {url}
    method: ai.v1.AI/Generate
    message: {{max_tokens: 5}}
    flow:
      - listen: {{for: 60s, record: {{tokens: {{when: json.text != ""}}}}}}
    checks: {{ended: status == "OK"}}
"#
        ))
    ));
    all_hold(&ran, 1);
    assert_eq!(ran.count("k6_tokens_total", &[]), 5);
}

#[test]
fn errors_of_the_target_are_statuses_by_name() {
    let (_target, url) = demo_with_grpc(&["errors=1"]);
    let flow = format!(
        r#"
- grpc:
    url: {url}
    method: kernel.v1.Kernel/Execute
    checks: {{told: status == "INTERNAL" and "errors" in headers.grpc_message and error == 1873}}
"#
    );
    let ran = run(&format!("{}thresholds: {{grpc_req_failed: ['rate<0.5']}}\n", once(&flow)));
    assert_eq!(ran.finished.verdict, Verdict::Failed);
    all_hold(&ran, 1);
    assert_eq!(calls(&ran, "INTERNAL", "1873"), 1);
}

#[test]
fn what_a_server_does_not_know_is_a_failed_preflight_with_the_nearest_name() {
    let (_target, url) = demo_with_grpc(&[]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("grpc://{nobody}");
    for (url, method, message, said) in [
        (
            &url,
            "kernel.v1.Kernl/Execute",
            "{}",
            "knows no service `kernel.v1.Kernl`; did you mean `kernel.v1.Kernel`?",
        ),
        (&url, "kernel.v1.Kernel/Excute", "{}", "has no method `Excute` (did you mean `Execute`?)"),
        (&url, "kernel.v1.Kernel/Execute", "{promt: x}", "has no field `promt` (did you mean `prompt`?)"),
        (&nobody, "kernel.v1.Kernel/Execute", "{}", "connection refused (error code 1212)"),
    ] {
        let ended = Ended::run(
            &once(&format!("- grpc: {{url: '{url}', method: {method}, message: {message}}}")),
            &["--quiet"],
        );
        assert_eq!(ended.code, 97, "{method}: {}{}", ended.stdout, ended.stderr);
        assert!(
            ended.stderr.contains(said) || ended.stdout.contains(said),
            "{}{}",
            ended.stdout,
            ended.stderr
        );
    }
}

#[test]
fn a_server_that_is_slow_and_answers_pings_is_waited_for() {
    let (_target, url) = demo_with_grpc(&["latency=4s"]);
    let ran = run(&once(&format!(
        "- grpc: {{url: {url}, method: kernel.v1.Kernel/Execute, timeout: 60s, keep_alive: 100ms, keep_alive_timeout: 2s}}"
    )));
    assert_eq!(calls(&ran, "OK", ""), 1, "{}", ran.notes());
}
