//! Who may connect, and how; and what a plan is told before any load is sent.

use super::{errors, failed, iterations};
use crate::stage::{Ended, RabbitMq, run};

fn published(url: &str, more: &str) -> (Vec<(String, u64)>, (u64, u64)) {
    let flow = format!("{{amqp: {{url: '{url}', publish: {{routing_key: q}}{more}}}}}");
    let ran = run(&iterations(1, &flow));
    (errors(&ran), failed(&ran))
}

fn refused(code: &str) -> (Vec<(String, u64)>, (u64, u64)) {
    (vec![(code.to_owned(), 1)], (1, 0))
}

fn welcome() -> (Vec<(String, u64)>, (u64, u64)) {
    (Vec::new(), (0, 1))
}

#[test]
fn credentials_virtual_host_and_certificate_must_be_right() {
    let Some(mut server) = RabbitMq::start() else { return };
    server.queue("q");
    let url = server.url();
    for (url, more, expected) in [
        (url.clone(), "", welcome()),
        (server.url_as("guest:guest@localhost"), "", welcome()),
        (format!("{url}/%2F"), ", auth: {user: guest, password: guest}", welcome()),
        (url.clone(), ", auth: {user: guest, password: wrong}", refused("1891")),
        (server.url_as("nobody:guest@localhost"), "", refused("1891")),
        (format!("{url}/not-there"), "", refused("1892")),
        (url.clone(), ", vhost: not-there", refused("1892")),
    ] {
        assert_eq!(published(&url, more), expected, "{url}{more}");
    }
    let trusted = format!(", tls: {{ca: '{}'}}", server.path("server.pem").display());
    for (host, more, expected) in [
        ("localhost", trusted.as_str(), welcome()),
        ("localhost", ", tls: {insecure_skip_verify: true}", welcome()),
        ("localhost", "", refused("1310")),
        ("127.0.0.1", trusted.as_str(), refused("1311")),
    ] {
        assert_eq!(published(&server.tls_url(host), more), expected, "{host}{more}");
    }

    let plan = |preflight: &str| {
        format!(
            "name: amqp\nvars: {{URL: '{url}'}}\npreflight:\n  - amqp: {{url: '${{URL}}', {preflight}}}\n\
             scenarios:\n  s: {{executor: per-vu-iterations, iterations: 1, flow: [amqp: {{url: '${{URL}}', publish: {{routing_key: loaded}}}}]}}\n"
        )
    };
    server.queue("loaded");
    Ended::run(&plan("queue: builds"), &[])
        .check(97, &["preflight amqp queue builds: no such exchange or queue (error code 1899)"]);
    Ended::run(&plan("exchange: cloud-events"), &[])
        .check(97, &["preflight amqp exchange cloud-events: no such exchange or queue (error code 1899)"]);
    Ended::run(&plan("queue: loaded, checks: {somebody listens: json.consumers > 0}"), &[])
        .check(97, &["check `somebody listens` failed"]);
    let wrong = plan("queue: loaded, auth: {user: guest, password: canary-secret}");
    let ended = Ended::run(&wrong, &[]);
    ended.check(97, &["preflight amqp queue loaded: AMQP server refused the credentials (error code 1891)"]);
    assert!(!ended.stdout.contains("canary-secret"), "{}", ended.stdout);
    assert_eq!(server.depth("loaded"), 0, "no load was sent");
    Ended::run(&plan("queue: loaded, checks: {empty: json.messages == 0}"), &["--quiet"]).check(0, &[]);
    Ended::run(&plan("exchange: amq.topic"), &["--quiet"]).check(0, &[]);
    assert_eq!(server.depth("loaded"), 2);

    server.kill();
    assert_eq!(published(&url, ""), refused("1212"));
}

#[test]
fn a_certificate_says_who_we_are() {
    let mechanisms =
        "auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = EXTERNAL\nssl_cert_login_from = common_name";
    let Some(server) = RabbitMq::with(mechanisms, &["rabbitmq_auth_mechanism_ssl"]) else { return };
    server.queue("q");
    let path = |name: &str| server.path(name).display().to_string();
    let ca = path("server.pem");
    let of = |name: &str| {
        let (cert, key) = (path(&format!("{name}.pem")), path(&format!("{name}.key")));
        format!(", auth: external, tls: {{ca: '{ca}', cert: '{cert}', key: '{key}'}}")
    };
    assert_eq!(published(&server.tls_url("localhost"), &of("guest")), welcome());
    assert_eq!(published(&server.tls_url("localhost"), &of("nobody")), refused("1891"));

    let problems = |url: &str, more: &str| {
        let flow = format!("{{amqp: {{url: '{url}', publish: {{routing_key: q}}{more}}}}}");
        crate::stage::try_run(&iterations(1, &flow)).map(drop).unwrap_err().to_string()
    };
    let bare = problems(&server.tls_url("localhost"), ", auth: external");
    assert!(bare.contains("`auth: external` without a client certificate"), "{bare}");
    let clear = problems(&server.url(), &of("guest"));
    assert!(clear.contains("`auth: external` needs TLS, with `amqps://`"), "{clear}");
}

#[test]
fn an_address_that_nobody_may_connect_to_is_not_connected_to() {
    let to = |host: &str| {
        iterations(1, &format!("{{amqp: {{url: 'amqp://{host}', publish: {{routing_key: q}}}}}}"))
    };
    let problems = crate::stage::try_run(&to("169.254.169.254")).map(drop).unwrap_err().to_string();
    assert!(problems.contains("`169.254.169.254` is never a target"), "{problems}");
    // What a name leads to only the run comes to know.
    let ran = run(&to("metadata.localhost.invalid"));
    assert_eq!((errors(&ran), failed(&ran)), refused("1101"));
}
