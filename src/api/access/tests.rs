//! Who is let in, as a table.

use super::*;

#[derive(Debug)]
struct Three;

impl Tokens for Three {
    fn scope(&self, token: &[u8]) -> Option<Scope> {
        match token {
            b"query-token" => Some(Scope::Query),
            b"run-token" => Some(Scope::Run),
            b"admin-token" => Some(Scope::Admin),
            _ => None,
        }
    }
}

/// `GET /path` and headers, to the status of the refusal or what is allowed.
fn check(access: &Access, request: &str, headers: &[(&str, &str)], expected: Result<Option<Scope>, u16>) {
    let (method, target) = request.split_once(' ').unwrap();
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let judged = access.judge(&method.parse().unwrap(), &target.parse().unwrap(), &map);
    let judged = judged.map_err(|problem| problem.status.as_u16());
    assert_eq!(judged, expected, "{request} {headers:?}");
}

const ALL: Result<Option<Scope>, u16> = Ok(Some(Scope::Admin));

#[test]
fn without_tokens_only_names_of_this_machine_are_answered() {
    let access = Access::on_loopback(["LoadGate.example.com:5665", "127.0.0.1", "[fd00::1]"]);
    let runs = "GET /api/v1/runs";
    for (host, expected) in [
        ("localhost", ALL),
        ("localhost:5665", ALL),
        ("LOCALHOST:80", ALL),
        ("localhost.:5665", ALL),
        ("127.0.0.1", ALL),
        ("127.0.0.1:5665", ALL),
        ("127.1.2.3:5665", ALL),
        ("[::1]", ALL),
        ("[::1]:5665", ALL),
        ("loadgate.example.com", ALL),
        ("loadgate.example.com:9", ALL),
        ("[fd00::1]:5665", ALL),
        ("[fd00::2]:5665", Err(403)),
        ("evil.example", Err(403)),
        ("evil.example:5665", Err(403)),
        ("localhost.evil.example", Err(403)),
        ("evil-localhost", Err(403)),
        ("localhost@evil.example", Err(403)),
        ("evil.example@localhost", Err(403)),
        ("localhost:5665:evil", Err(403)),
        ("localhost,evil.example", Err(403)),
        ("localhost evil.example", Err(403)),
        ("127.0.0.1.evil.example", Err(403)),
        ("127.0.0.1..", Err(403)),
        ("2130706433", Err(403)),
        ("0x7f.1", Err(403)),
        ("0.0.0.0:5665", Err(403)),
        ("10.0.0.1:5665", Err(403)),
        ("[::]:5665", Err(403)),
        ("", Err(400)),
    ] {
        check(&access, runs, &[("host", host)], expected);
    }
    check(&access, runs, &[], Err(400));
    check(&access, runs, &[("host", "localhost"), ("host", "evil.example")], Err(400));
    check(&access, runs, &[("host", "localhost"), ("host", "localhost")], Err(400));
    // A whole URL as target counts as well as the header does.
    check(&access, "GET http://localhost:5665/api/v1/runs", &[("host", "localhost:5665")], ALL);
    check(&access, "GET http://evil.example/api/v1/runs", &[("host", "localhost")], Err(403));
    check(&access, "GET http://localhost/api/v1/runs", &[("host", "evil.example")], Err(403));
    // What says nothing is answered under any name; what says something is not.
    for path in ["/-/healthy", "/-/ready"] {
        check(&access, &format!("GET {path}"), &[("host", "loadgate:5665")], Ok(None));
        check(&access, &format!("GET {path}"), &[], Ok(None));
    }
    for path in ["/metrics", "/openapi.json", "/", "/-/healthy/", "/-/reload", "/api/v1/query"] {
        check(&access, &format!("GET {path}"), &[("host", "evil.example")], Err(403));
    }
}

#[test]
fn only_pages_of_our_own_may_change_anything() {
    let access = Access::on_loopback(["loadgate.example.com"]);
    let host = ("host", "localhost:5665");
    for (origin, expected) in [
        ("http://localhost:5665", ALL),
        ("HTTP://LOCALHOST:5665", ALL),
        ("https://localhost:5665", ALL),
        ("http://localhost", Err(403)),
        ("http://localhost:3000", Err(403)),
        ("http://127.0.0.1:5665", Err(403)),
        ("http://evil.example", Err(403)),
        ("http://evil.example:5665", Err(403)),
        ("http://localhost:5665.evil.example", Err(403)),
        ("http://localhost:5665@evil.example", Err(403)),
        ("http://evil.example/localhost:5665", Err(403)),
        ("http://evil@localhost:5665", Err(403)),
        ("file://localhost:5665", Err(403)),
        ("localhost:5665", Err(403)),
        ("null", Err(403)),
        ("", Err(403)),
    ] {
        for method in ["POST", "DELETE", "PUT", "PATCH", "NONSENSE"] {
            check(&access, &format!("{method} /api/v1/runs"), &[host, ("origin", origin)], expected);
        }
        check(&access, "GET /api/v1/runs", &[host, ("origin", origin)], ALL);
    }
    let post = "POST /api/v1/runs";
    check(&access, post, &[host], ALL);
    check(
        &access,
        post,
        &[host, ("origin", "http://localhost:5665"), ("origin", "http://evil.example")],
        Err(403),
    );
    check(
        &access,
        post,
        &[("host", "loadgate.example.com"), ("origin", "https://loadgate.example.com")],
        ALL,
    );
    check(
        &access,
        post,
        &[("host", "loadgate.example.com"), ("origin", "http://loadgate.example.com:80")],
        ALL,
    );
    check(
        &access,
        post,
        &[("host", "loadgate.example.com:443"), ("origin", "https://loadgate.example.com")],
        ALL,
    );
    for (site, expected) in
        [("same-origin", ALL), ("none", ALL), ("same-site", Err(403)), ("cross-site", Err(403))]
    {
        check(&access, post, &[host, ("sec-fetch-site", site)], expected);
    }
}

#[test]
fn with_tokens_each_request_needs_one_and_its_scope_is_known() {
    let access = Access::with_tokens(Arc::new(Three));
    let runs = "GET /api/v1/runs";
    for (value, expected) in [
        ("Bearer query-token", Ok(Some(Scope::Query))),
        ("Bearer run-token", Ok(Some(Scope::Run))),
        ("Bearer admin-token", ALL),
        ("bearer admin-token", ALL),
        ("BEARER   admin-token ", ALL),
        ("Bearer Admin-token", Err(401)),
        ("Bearer admin-toke", Err(401)),
        ("Bearer admin-tokens", Err(401)),
        ("Bearer admin-token,query-token", Err(401)),
        ("Bearer  ", Err(401)),
        ("Bearer", Err(401)),
        ("Beareradmin-token", Err(401)),
        ("Basic admin-token", Err(401)),
        ("Basic OmFkbWluLXRva2Vu", Err(401)),
        ("admin-token", Err(401)),
        ("", Err(401)),
    ] {
        // Whatever host: only who has the token sends it.
        check(&access, runs, &[("host", "anywhere.example"), ("authorization", value)], expected);
    }
    check(&access, runs, &[("host", "localhost")], Err(401));
    check(&access, runs, &[("authorization", "Bearer admin-token"), ("authorization", "Bearer x")], Err(401));
    check(&access, "GET /api/v1/runs?token=admin-token", &[], Err(401));
    let page = ["/", "/page/app.js", "/page/dashboards/loadgate-slo"];
    for open in
        ["/metrics", "/-/healthy", "/-/ready", "/openapi.json", "/metrics?x=1"].into_iter().chain(page)
    {
        check(&access, &format!("GET {open}"), &[], Ok(None));
    }
    for closed in [
        "/metrics/",
        "//metrics",
        "/Metrics",
        "/x/../metrics",
        "/%6detrics",
        "/-/reload",
        "//",
        "/page",
        "/pages/app.js",
        "/none",
    ] {
        check(&access, &format!("GET {closed}"), &[], Err(401));
    }
    let page =
        [("host", "localhost"), ("origin", "http://evil.example"), ("authorization", "Bearer admin-token")];
    check(&access, "POST /api/v1/runs", &page, Err(403));
}

#[test]
fn a_refusal_for_want_of_a_token_says_what_to_send() {
    let access = Access::with_tokens(Arc::new(Three));
    let uri = Uri::from_static("/api/v1/runs");
    for (value, challenge) in [
        (None, "Bearer realm=\"loadgate\""),
        (Some("Bearer nobodys"), "Bearer realm=\"loadgate\", error=\"invalid_token\""),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        let response = access.judge(&Method::GET, &uri, &headers).unwrap_err().into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], challenge);
    }
}
