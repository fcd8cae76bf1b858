//! Events as CloudEvents' own Python SDK reads them, over each protocol that carries them, structured and binary.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::stage::{HttpServer, Nats, RabbitMq, Stored, reply, run};

/// What was sent: headers and body.
type Message = (BTreeMap<String, String>, Vec<u8>);

/// As `./test.sh` installs it, or the system's.
fn python() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/cloudevents/bin/python");
    let has_sdk = |python: &PathBuf| {
        let asked = Command::new(python).args(["-c", "import cloudevents.core.bindings.http"]).output();
        asked.is_ok_and(|run| run.status.success())
    };
    let found = [installed, PathBuf::from("python3")].into_iter().find(has_sdk);
    if found.is_none() {
        println!(
            "skipped: the cloudevents SDK is not installed (./test.sh does so, where Python and PyPI are there)"
        );
    }
    found
}

/// What the SDK says of each message.
fn judged(python: &Path, binding: &str, messages: &[Message]) -> Vec<Value> {
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cloudevents/judge.py")).arg(binding);
    let mut judge = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines: String = messages
        .iter()
        .map(|(headers, body)| format!("{}\n", json!({"headers": headers, "body": STANDARD.encode(body)})))
        .collect();
    judge.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success(), "the judge did not come to its end");
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// (the event as it stands in a plan, its attributes beside those of all, its data); `{mode}` to be filled in.
fn events() -> [(&'static str, Value, Value); 4] {
    [
        (
            "data: {n: '{{ iteration }}', text: 'a \"b\" €'}, subject: 'Euro € 😀 100%', extensions: {traceid: 'x y', partition: '{{ vu }}'}",
            json!({"datacontenttype": "application/json", "subject": "Euro € 😀 100%", "traceid": "x y", "partition": "1"}),
            json!({"n": 0, "text": "a \"b\" €"}),
        ),
        (
            "datacontenttype: text/plain, data: 'plain {{ iteration }}', dataschema: 'https://example.com/schema'",
            json!({"datacontenttype": "text/plain", "dataschema": "https://example.com/schema"}),
            json!("plain 0"),
        ),
        (
            "file: '{file}'",
            json!({"datacontenttype": "application/octet-stream"}),
            json!({"base64": "iVBORw0KAP8="}),
        ),
        ("subject: none", json!({"subject": "none"}), Value::Null),
    ]
}

/// Each event in each mode, in a flow of which `step` makes a step out of an event.
fn flow(file: &Path, step: impl Fn(&str) -> String) -> String {
    let mut steps = Vec::new();
    for mode in ["structured", "binary"] {
        for (event, ..) in events() {
            let event = event.replace("{file}", file.to_str().unwrap());
            steps.push(step(&format!(
                "{{mode: {mode}, id: 'é {{{{ vu }}}}', source: /shop/1, type: com.example.order, time: '2026-01-31T12:00:00.25Z', {event}}}"
            )));
        }
    }
    format!(
        "name: events\nscenarios: {{s: {{executor: per-vu-iterations, vus: 1, iterations: 1, flow: [{}]}}}}\n",
        steps.join(", ")
    )
}

fn check(python: &Path, binding: &str, messages: &[Message]) {
    let said = judged(python, binding, messages);
    let expected = events().into_iter().chain(events());
    assert_eq!(said.len(), 2 * events().len());
    for ((said, (event, attributes, data)), (headers, body)) in said.into_iter().zip(expected).zip(messages) {
        let place = format!("{event}\n{headers:?}\n{}\n{said}", String::from_utf8_lossy(body));
        let mut all = json!({
            "specversion": "1.0", "id": "é 1", "source": "/shop/1", "type": "com.example.order",
            "time": "2026-01-31 12:00:00.250000+00:00",
        });
        all.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
        // Without data the type of its content says nothing.
        let mut read = said["attributes"].clone();
        if data.is_null() {
            read.as_object_mut().map(|read| read.shift_remove("datacontenttype"));
        }
        assert_eq!((&read, &said["data"]), (&all, &data), "{place}");
    }
}

fn picture() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"\x89PNG\r\n\x00\xff").unwrap();
    file
}

#[test]
fn over_http() {
    let Some(python) = python() else { return };
    let (server, file) = (HttpServer::start(|_| async { reply(200, "") }), picture());
    let plan =
        flow(file.path(), |event| format!("{{http: {{url: '{}/', cloudevent: {event}}}}}", server.url()));
    run(&plan);
    let messages: Vec<Message> = server
        .asked()
        .into_iter()
        .map(|asked| {
            let lines = asked.head.lines().skip(1).filter_map(|line| line.split_once(": "));
            let headers = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            (headers, asked.bytes)
        })
        .collect();
    check(&python, "http", &messages);
}

/// HTTP's binding and NATS' differ in where the type of the content stands: the SDK has the former.
#[test]
fn over_nats() {
    let Some(python) = python() else { return };
    let Some(server) = Nats::start() else { return };
    server.stream("S", &["s.>"]);
    let file = picture();
    let plan = flow(file.path(), |event| {
        format!(
            "{{nats: {{url: '{}', publish: {{subject: s.x, stream: S, cloudevent: {event}}}}}}}",
            server.url()
        )
    });
    run(&plan);
    let messages: Vec<Message> = server
        .stored("S")
        .into_iter()
        .map(|Stored { headers, payload }| {
            let named =
                |name: String| if name == "ce-datacontenttype" { "content-type".to_owned() } else { name };
            (headers.into_iter().map(|(name, value)| (named(name), value)).collect(), payload)
        })
        .collect();
    check(&python, "http", &messages);
}

/// What the binding calls application properties are headers in AMQP 0-9-1.
#[test]
fn over_amqp() {
    let Some(python) = python() else { return };
    let Some(server) = RabbitMq::start() else { return };
    server.queue("q");
    let file = picture();
    let url = server.url();
    run(&flow(file.path(), |event| {
        format!("{{amqp: {{url: '{url}', publish: {{routing_key: q, cloudevent: {event}}}}}}}")
    }));
    let messages: Vec<Message> = server
        .read("q")
        .into_iter()
        .map(|message| {
            let content_type = message.properties.content_type().iter();
            let content_type = content_type.map(|it| ("content-type".to_owned(), it.to_string()));
            (message.headers().into_iter().chain(content_type).collect(), message.body)
        })
        .collect();
    check(&python, "amqp", &messages);
}

#[test]
fn the_judge_refuses_what_is_no_event() {
    let Some(python) = python() else { return };
    let headers = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    let wrong = [
        (headers(&[("ce-specversion", "1.0"), ("ce-type", "t"), ("ce-id", "1")]), Vec::new()),
        (
            headers(&[("content-type", "application/cloudevents+json")]),
            b"{\"specversion\":\"1.0\",\"id\":\"1\"}".to_vec(),
        ),
    ];
    for said in judged(&python, "http", &wrong) {
        assert!(said["refused"].is_string(), "{said}");
    }
}
