//! Who may connect, and how; and what a plan is told before any load is sent.

use super::{done, errors, failed, iterations};
use crate::stage::{Ended, Nats, run};

/// An nkey of a user, for these tests only.
const SEED: &str = "SUAPGVJ32GN4YX5GXLWMUOZRQNPFEVCLIXK3E7M4EZ3TBGJ7PKJGCZYX2M";
const PUBLIC_KEY: &str = "UCOKC7SCQ36DMY2JFDD3IZ66CACRXQAXALCJHPF3ZERK6VLX4BN5DMVV";

fn published(server: &Nats, url: &str, more: &str) -> (Vec<(String, u64)>, (u64, u64)) {
    let flow = format!("{{nats: {{url: '{url}', publish: {{subject: x}}{more}}}}}");
    let ran = run(&iterations(1, &flow));
    let _alive = server.url();
    (errors(&ran), failed(&ran))
}

fn refused(code: &str) -> (Vec<(String, u64)>, (u64, u64)) {
    (vec![(code.to_owned(), 1)], (1, 0))
}

fn welcome() -> (Vec<(String, u64)>, (u64, u64)) {
    (Vec::new(), (0, 1))
}

#[test]
fn by_user_and_password() {
    let Some(server) = Nats::with("authorization { user: me, password: secret }") else { return };
    let url = server.url();
    assert_eq!(published(&server, &url, ", auth: {user: me, password: secret}"), welcome());
    assert_eq!(published(&server, &server.url_as("nats://me:secret@localhost"), ""), welcome());
    assert_eq!(published(&server, &url, ", auth: {user: me, password: wrong}"), refused("1841"));
    assert_eq!(published(&server, &url, ""), refused("1841"));
}

#[test]
fn by_token() {
    let Some(server) = Nats::with("authorization { token: t0k3n }") else { return };
    assert_eq!(published(&server, &server.url(), ", auth: {token: t0k3n}"), welcome());
    assert_eq!(published(&server, &server.url_as("nats://t0k3n@localhost"), ""), welcome());
    assert_eq!(published(&server, &server.url(), ", auth: {token: other}"), refused("1841"));
}

#[test]
fn by_nkey() {
    let users = format!("authorization {{ users: [{{ nkey: {PUBLIC_KEY} }}] }}");
    let Some(server) = Nats::with(&users) else { return };
    let file = server.path("me.nk");
    std::fs::write(&file, format!("{SEED}\n")).unwrap();
    let auth = format!(", auth: {{nkey_file: '{}'}}", file.display());
    assert_eq!(published(&server, &server.url(), &auth), welcome());
    assert_eq!(published(&server, &server.url(), ""), refused("1841"));
}

#[test]
fn by_a_credentials_file() {
    let Some(server) = Nats::with(include_str!("keys/operator.conf")) else { return };
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/nats/keys/user.creds");
    assert_eq!(published(&server, &server.url(), &format!(", auth: {{creds_file: '{file}'}}")), welcome());
    assert_eq!(published(&server, &server.url(), ""), refused("1841"));
}

#[test]
fn over_tls() {
    let tls = "tls { cert_file: \"FOLDER/server.pem\", key_file: \"FOLDER/server.key\" }";
    let Some(server) = Nats::with(tls) else { return };
    let by_name = server.url_as("tls://localhost");
    let trusted = format!(", tls: {{ca: '{}'}}", server.path("server.pem").display());
    assert_eq!(published(&server, &by_name, &trusted), welcome());
    assert_eq!(published(&server, &by_name, ", tls: {insecure_skip_verify: true}"), welcome());
    assert_eq!(published(&server, &by_name, ""), refused("1310"));
    // The certificate is for the name, whatever address it was found at.
    assert_eq!(published(&server, &server.url_as("tls://127.0.0.1"), &trusted), refused("1311"));
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let Some(mut server) = Nats::start() else { return };
    server.kill();
    assert_eq!(published(&server, &server.url(), ""), refused("1212"));
}

#[test]
fn a_subject_that_is_not_permitted_is_told() {
    let users = "authorization { users: [{ user: me, password: secret, permissions: { publish: [\"mine.>\", \"_INBOX.>\"] } }] }";
    let Some(server) = Nats::with(users) else { return };
    let url = server.url_as("nats://me:secret@localhost");
    // What the server says of a message that nobody acknowledges it says when it likes.
    let flow = format!(
        "{{nats: {{url: '{url}', publish: {{subject: yours.x}}}}}}, {{nats: {{url: '{url}', subscribe: {{subject: x, for: 2s}}}}}}"
    );
    assert_eq!(errors(&run(&iterations(1, &flow))), [("1842".to_owned(), 1)]);
}

#[test]
fn a_stream_that_is_not_there_sends_no_load() {
    let Some(server) = Nats::start() else { return };
    server.stream("SMALL", &["small.>"]);
    let plan = |preflight: &str| {
        format!(
            "name: nats\nvars: {{URL: '{}'}}\npreflight:\n  - nats: {{url: '${{URL}}', {preflight}}}\n\
             scenarios:\n  s: {{executor: constant-vus, duration: 1s, flow: [nats: {{url: '${{URL}}', publish: {{subject: small.x, stream: SMALL}}}}]}}\n",
            server.url()
        )
    };
    Ended::run(&plan("stream: CANONICAL_EVENTS"), &[]).check(
        97,
        &["preflight nats stream CANONICAL_EVENTS: no stream takes the subject (error code 1846)"],
    );
    assert_eq!(server.state("SMALL").messages, 0);
    Ended::run(&plan("stream: SMALL, checks: {has a limit: json.config.max_bytes > 0}"), &[])
        .check(97, &["check `has a limit` failed"]);
    assert_eq!(server.state("SMALL").messages, 0);
    Ended::run(&plan("publish: {subject: small.first, stream: SMALL}"), &["--quiet"]).check(0, &[]);
    assert!(server.state("SMALL").messages > 1);
}

#[test]
fn what_a_server_says_of_others_is_not_followed() {
    let Some(server) = Nats::with("client_advertise: \"192.0.2.1:4222\"") else { return };
    assert_eq!(failed(&done(&server, 3, "publish: {subject: x}")), (0, 3));
}
