//! A plan's targets: name, connection, TLS, and an answer.

use std::io;

use chrono::Utc;
use url::Url;

use super::ask::{Way, get};
use super::clock::skew;
use super::containers::inside;
use super::finding::Finding;
use crate::plan::{NamedTarget, Plan};
use crate::protocol::Blocked;
use crate::scrape::ScrapeError;

const CHECK: &str = "target";
/// More are hardly looked at one by one.
const MOST: usize = 50;

pub(super) async fn check(plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    for target in plan.targets.iter().take(MOST) {
        findings.extend(of(plan, target).await);
    }
    if plan.targets.is_empty() {
        findings.push(Finding::warning(
            CHECK,
            "no target is known before the run: all URLs are made by it",
            "run the plan with one user: --profile smoke",
        ));
    }
    findings
}

async fn of(plan: &Plan, target: &NamedTarget) -> Vec<Finding> {
    let shown = plan.redactor.redact(&target.shown());
    if !target.speaks_http {
        return vec![Finding::ok(CHECK, format!("{shown} speaks no HTTP: a step of `preflight` can ask it"))];
    }
    let Ok(url) = Url::parse(&target.http_url()) else { return Vec::new() };
    let way = Way {
        tls: Some(&plan.settings.tls.http1),
        guard: Some(&plan.settings.guard),
        websocket: target.websocket,
    };
    // `dns.hosts` of the plan would send it elsewhere.
    if plan.settings.overrides(&target.host, target.port) {
        return vec![Finding::ok(
            CHECK,
            format!("{shown} has an address of its own in `dns.hosts`: not asked"),
        )];
    }
    match get(&url, &way).await {
        Err(error) => vec![unreachable(&shown, &target.host, &error, inside())],
        Ok(answer) => {
            let skewed = answer.date.and_then(|date| skew(&target.host, &date, Utc::now()));
            [answered(&shown, target.websocket, answer.status)].into_iter().chain(skewed).collect()
        }
    }
}

fn unreachable(shown: &str, host: &str, error: &ScrapeError, inside: bool) -> Finding {
    let local = matches!(host, "localhost" | "127.0.0.1" | "::1");
    let from_inside = "in a container localhost is the container itself: \
                       docker run --network host …, or -e BASE_URL=http://host.docker.internal:PORT";
    let (what, mend) = match error {
        ScrapeError::Connect { source, .. } => match source.kind() {
            io::ErrorKind::ConnectionRefused if local && inside => {
                ("connection refused".to_owned(), from_inside.to_owned())
            }
            io::ErrorKind::ConnectionRefused => (
                "connection refused: nothing listens there".to_owned(),
                format!(
                    "start the service; curl -f {shown}; ss -tlnp shows what listens (the demo: loadgate target)"
                ),
            ),
            io::ErrorKind::PermissionDenied if Blocked::of(source).is_some() => (
                source.to_string(),
                "loadgate run … --allow-target HOST, if that is what is meant".to_owned(),
            ),
            _ if host == "host.docker.internal" => (
                source.to_string(),
                "docker run --add-host=host.docker.internal:host-gateway … (Linux), or --network host"
                    .to_owned(),
            ),
            _ => (
                source.to_string(),
                format!("getent hosts {host}; ping {host}: is the name right, is there a route"),
            ),
        },
        ScrapeError::Timeout { after } => (
            format!("no answer within {after:?}"),
            format!("curl -v -m 10 {shown}: a firewall drops packets, or the service hangs"),
        ),
        ScrapeError::Tls { source, .. } => (
            format!("TLS failed: {source}"),
            "in the plan: `defaults: {tls: {ca: ca.pem}}`, or `insecure_skip_verify: true` for a test"
                .to_owned(),
        ),
        other => (other.to_string(), format!("curl -v {shown}")),
    };
    Finding::problem(CHECK, format!("{shown}: {what}"), mend)
}

fn answered(shown: &str, websocket: bool, status: u16) -> Finding {
    let what = format!("{shown} answers with status {status}");
    match (websocket, status) {
        (_, 401 | 403) => Finding::warning(
            CHECK,
            format!("{what}: it wants to know who asks, or from which origin"),
            format!(
                "curl -i -H \"Authorization: Bearer TOKEN\" {shown}; then `headers` or `auth` in the plan's step"
            ),
        ),
        (_, 500..) => Finding::problem(CHECK, what, format!("curl -i {shown}; look at the service's log")),
        (true, 101) => Finding::ok(CHECK, format!("{shown} opens a WebSocket")),
        (true, _) => Finding::warning(
            CHECK,
            format!("{what} instead of opening a WebSocket"),
            "is the path right, and does what is between (a proxy) pass `Upgrade` on?",
        ),
        (false, _) => Finding::ok(CHECK, what),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn what_a_target_answers_is_judged() {
        for (websocket, status, level) in [
            (false, 200, Level::Ok),
            (false, 404, Level::Ok),
            (false, 403, Level::Warning),
            (true, 403, Level::Warning),
            (true, 101, Level::Ok),
            (true, 200, Level::Warning),
            (false, 503, Level::Problem),
        ] {
            assert_eq!(answered("u", websocket, status).level, level, "{websocket} {status}");
        }
    }

    #[test]
    fn why_a_target_is_not_reached_is_told_with_what_to_do() {
        let connect =
            |kind: io::ErrorKind| ScrapeError::Connect { address: "a".to_owned(), source: kind.into() };
        for (host, error, inside, mend) in [
            ("localhost", connect(io::ErrorKind::ConnectionRefused), false, "start the service"),
            ("localhost", connect(io::ErrorKind::ConnectionRefused), true, "host.docker.internal"),
            (
                "host.docker.internal",
                connect(io::ErrorKind::Other),
                true,
                "--add-host=host.docker.internal:host-gateway",
            ),
            ("a.test", connect(io::ErrorKind::Other), false, "getent hosts a.test"),
            ("a.test", ScrapeError::Timeout { after: super::super::PATIENCE }, false, "firewall"),
        ] {
            let found = unreachable("http://u/", host, &error, inside);
            assert!(found.mend.as_deref().is_some_and(|told| told.contains(mend)), "{found:?}");
            assert_eq!(found.level, Level::Problem);
        }
    }
}
