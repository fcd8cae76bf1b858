//! Where a run in the foreground may not go: what only the run comes to know.

use super::once;
use crate::stage::{Asked, HttpServer, reply, reply_with, run};

#[test]
fn a_redirect_to_a_host_that_the_plan_does_not_name_is_not_followed() {
    for (location, code) in [
        ("http://not-named.invalid/", "1111"),
        ("http://169.254.169.254/latest/meta-data/", "1110"),
        ("http://2852039166/", "1110"),
        ("//[::ffff:169.254.169.254]/", "1110"),
        ("http://0.0.0.0/", "1110"),
    ] {
        let server = HttpServer::start(move |_: Asked| async move {
            reply_with(302, &format!("location: {location}\r\n"), "away")
        });
        let ran = run(&once(&format!("- http: {{url: '{}/a'}}", server.url()), ""));
        assert_eq!(ran.count("k6_http_reqs_total", &[("error_code", code)]), 2, "{location}");
        assert_eq!(ran.count("k6_http_reqs_total", &[("status", "302")]), 2, "{location}");
    }
}

#[test]
fn a_host_that_a_response_names_is_not_asked() {
    let server = HttpServer::start(|_: Asked| async move { reply(200, "not-named.invalid") });
    let flow = format!(
        "- http: {{url: '{}/a', capture: {{next: body}}}}\n- http: {{url: 'http://{{{{ next }}}}/', checks: {{blocked: error == 1111}}}}",
        server.url()
    );
    let ran = run(&once(&flow, ""));
    assert_eq!(ran.check("blocked"), (2, 0), "{}", ran.notes());
}
