//! What each scope may do: every route with every token.

use std::sync::Arc;

use loadgate::api::{Access, Scope, Tokens};

use super::client::ask;
use crate::stage::FakeDaemon;

/// Every route of the daemon's, and the scope that it needs; `None`: open to all. `openapi` compares it with the document.
pub(super) const ROUTES: [(&str, &str, Option<Scope>); 22] = [
    ("get", "/api/v1/runs", Some(Scope::Query)),
    ("post", "/api/v1/runs", Some(Scope::Run)),
    ("get", "/api/v1/runs/compare", Some(Scope::Query)),
    ("get", "/api/v1/runs/{id}", Some(Scope::Query)),
    ("delete", "/api/v1/runs/{id}", Some(Scope::Admin)),
    ("post", "/api/v1/runs/{id}/stop", Some(Scope::Run)),
    ("post", "/api/v1/runs/{id}/pause", Some(Scope::Run)),
    ("post", "/api/v1/runs/{id}/resume", Some(Scope::Run)),
    ("post", "/api/v1/runs/{id}/scale", Some(Scope::Run)),
    ("post", "/api/v1/runs/{id}/rerun", Some(Scope::Run)),
    ("get", "/api/v1/runs/{id}/events", Some(Scope::Query)),
    ("get", "/api/v1/runs/{id}/summary", Some(Scope::Query)),
    ("get", "/api/v1/runs/{id}/log", Some(Scope::Query)),
    ("get", "/api/v1/runs/{id}/report", Some(Scope::Query)),
    ("get", "/api/v1/plans", Some(Scope::Query)),
    ("get", "/api/v1/schedules", Some(Scope::Query)),
    ("get", "/api/v1/access", Some(Scope::Query)),
    ("post", "/-/reload", Some(Scope::Admin)),
    ("get", "/-/healthy", None),
    ("get", "/-/ready", None),
    ("get", "/metrics", None),
    ("get", "/openapi.json", None),
];

#[derive(Debug)]
struct Three;

impl Tokens for Three {
    fn scope(&self, token: &[u8]) -> Option<Scope> {
        [Scope::Query, Scope::Run, Scope::Admin].into_iter().find(|scope| token == scope.name().as_bytes())
    }
}

#[test]
fn each_route_is_open_from_its_scope_on_and_closed_below() {
    let daemon = FakeDaemon::that_ends_runs_at_once();
    let server = daemon.serve(Access::with_tokens(Arc::new(Three)));
    for (method, path, needed) in ROUTES {
        for token in [None, Some(Scope::Query), Some(Scope::Run), Some(Scope::Admin)] {
            let id = daemon.queue();
            let path = path.replace("{id}", &id.0);
            let header = token.map(|scope| format!("Authorization: Bearer {}\r\n", scope.name()));
            let answer = ask(&server, &method.to_uppercase(), &path, &header.unwrap_or_default(), "");
            let status = answer.status();
            let about = format!("{method} {path} with {token:?}: {status}");
            match (needed, token) {
                (Some(_), None) => {
                    assert_eq!(status, 401, "{about}");
                    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"loadgate\""));
                }
                (Some(needed), Some(token)) if token < needed => {
                    answer.check_refused(403, "forbidden", &format!("a token of scope {}", needed.name()));
                }
                _ => assert!(!matches!(status, 401 | 403 | 404 | 405 | 500), "{about}"),
            }
        }
    }
    // Prometheus' query API is for those who may read.
    let query = "/api/v1/query?query=1";
    ask(&server, "GET", query, "", "").check_refused(401, "unauthorized", "a token is needed");
    ask(&server, "GET", query, "Authorization: Bearer query\r\n", "").check(200);
    ask(&server, "GET", query, "Authorization: Bearer nobody\r\n", "").check_refused(
        401,
        "unauthorized",
        "not known",
    );
}

#[test]
fn who_asks_is_told_the_scope() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve(Access::with_tokens(Arc::new(Three)));
    for scope in [Scope::Query, Scope::Run, Scope::Admin] {
        let header = format!("Authorization: Bearer {}\r\n", scope.name());
        let answer = ask(&server, "GET", "/api/v1/access", &header, "").json();
        assert_eq!(answer, serde_json::json!({"scope": scope.name()}));
    }
    let open = daemon.serve_on_loopback();
    assert_eq!(ask(&open, "GET", "/api/v1/access", "", "").json()["scope"], "admin");
}

#[test]
fn a_page_of_another_site_reaches_nothing() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let evil = "Origin: http://evil.example\r\n";
    let answer = ask(&server, "POST", "/api/v1/runs", evil, r#"{"plan":"health"}"#);
    answer.check_refused(403, "forbidden", "a page of another site");
    let rebound = "GET /api/v1/runs HTTP/1.0\r\nHost: evil.example:5665\r\n\r\n";
    super::client::raw(&server, rebound).check_refused(
        403,
        "forbidden",
        "\"evil.example:5665\" is not a name",
    );
    let whole_url =
        "GET http://evil.example/api/v1/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    super::client::raw(&server, whole_url).check(403);
    assert_eq!(daemon.submitted(), []);
}
