//! Cookies: what servers set comes back, in the same iteration and to them alone.

use crate::stage::{Asked, HttpServer, Nginx, Ran, reply_with, run};

use super::once;

/// Each answer sets what stands behind `set=` in the path, and leads to what stands behind `to=`.
async fn setting(asked: Asked) -> Vec<u8> {
    let of = |key: &str| {
        let found = asked.path.split(['?', '&']).find_map(|part| part.strip_prefix(key));
        found.map(|value| value.replace("%3B", ";").replace('+', " "))
    };
    let mut headers = String::new();
    for cookie in of("set=").iter().flat_map(|list| list.split('|')) {
        headers.push_str(&format!("set-cookie: {cookie}\r\n"));
    }
    let to = of("to=");
    if let Some(to) = &to {
        headers.push_str(&format!("location: {to}\r\n"));
    }
    reply_with(if to.is_some() { 302 } else { 200 }, &headers, "")
}

fn run_flow(server: &HttpServer, flow: &str) -> Ran {
    let ran = run(&once(&flow.replace("{base}", &server.url()), ""));
    assert_eq!(ran.count("k6_iteration_errors_total", &[]), 0, "{}", ran.notes());
    ran
}

/// The header `Cookie` of each request whose path begins so, by user.
fn sent(server: &HttpServer, path: &str) -> Vec<Option<String>> {
    let asked = server.asked();
    let asked = asked.iter().filter(|asked| asked.path.starts_with(path));
    let mut sent: Vec<_> = asked.map(|asked| asked.header("cookie").map(str::to_owned)).collect();
    sent.sort();
    sent
}

fn both(cookie: &str) -> Vec<Option<String>> {
    vec![Some(cookie.to_owned()); 2]
}

#[test]
fn each_hop_of_a_redirect_sets_cookies_and_is_sent_them() {
    let server = HttpServer::start(setting);
    run_flow(
        &server,
        "- http: {url: '{base}/login?set=session=s1|theme=dark&to=/second', method: POST, body: x}\n\
         - http: {url: '{base}/last?set=theme=;+Max-Age=0'}\n\
         - http: {url: '{base}/after'}",
    );
    assert_eq!(sent(&server, "/login"), [None, None]);
    assert_eq!(sent(&server, "/second"), both("session=s1; theme=dark"));
    assert_eq!(sent(&server, "/last"), both("session=s1; theme=dark"));
    assert_eq!(sent(&server, "/after"), both("session=s1"));
}

#[test]
fn cookies_of_a_path_stay_there() {
    let server = HttpServer::start(setting);
    run_flow(
        &server,
        "- http: {url: '{base}/cart/add?set=a=1|b=2;+Path=/|c=3;+Secure'}\n\
         - http: {url: '{base}/cart/show'}\n\
         - http: {url: '{base}/other'}",
    );
    // The longest path first.
    assert_eq!(sent(&server, "/cart/show"), both("a=1; b=2"));
    assert_eq!(sent(&server, "/other"), both("b=2"));
}

#[test]
fn the_steps_own_cookies_come_first_and_may_replace_the_jars() {
    let server = HttpServer::start(setting);
    run_flow(
        &server,
        "- http: {url: '{base}/?set=a=jar|b=jar'}\n\
         - http: {url: '{base}/beside', cookies: {a: 'own {{ vu > 0 }}', c: '{{ iteration }}'}}\n\
         - http: {url: '{base}/instead', cookies: {a: {value: own, replace: true}}}\n\
         - http: {url: '{base}/given', headers: {cookie: g=1}, cookies: {o: x}}\n\
         - http: {url: '{base}/without?to=/hop', cookies: {o: y}}\n\
         - http: {url: '{base}/jar'}",
    );
    assert_eq!(sent(&server, "/beside"), both("a=\"own true\"; c=0; a=jar; b=jar"));
    assert_eq!(sent(&server, "/instead"), both("a=own; b=jar"));
    assert_eq!(sent(&server, "/given"), both("g=1; o=x; a=jar; b=jar"));
    assert_eq!(sent(&server, "/hop"), both("o=y; a=jar; b=jar"));
    assert_eq!(sent(&server, "/jar"), both("a=jar; b=jar"));
}

#[test]
fn the_steps_own_cookies_do_not_go_to_another_host() {
    let other = HttpServer::start(setting);
    let server = HttpServer::start(setting);
    let flow = "- http: {url: '{base}/?set=a=jar', cookies: {own: x}}\n\
                - http: {url: '{base}/away?to={other}/there', cookies: {own: x}, headers: {cookie: given=y}}";
    run_flow(&server, &flow.replace("{other}", &other.url()));
    assert_eq!(sent(&server, "/away"), both("given=y; own=x; a=jar"));
    // As browsers have it, a host's cookies know no ports.
    assert_eq!(sent(&other, "/there"), both("a=jar"));
}

/// One VU, two iterations.
fn two_iterations(server: &HttpServer, defaults: &str) {
    run(&format!(
        "name: e2e\n\
         defaults: {{{defaults}}}\n\
         scenarios:\n  \
           s:\n    \
             executor: constant-arrival-rate\n    \
             rate: 1\n    \
             duration: 1100ms\n    \
             pre_allocated_vus: 1\n    \
             flow: [{{http: {{url: '{}/{{{{ iteration }}}}?set=seen={{{{ iteration }}}};+Path=/'}}}}]\n",
        server.url()
    ));
}

#[test]
fn an_iteration_begins_without_cookies_unless_the_plan_keeps_them() {
    let server = HttpServer::start(setting);
    two_iterations(&server, "");
    assert_eq!((sent(&server, "/0"), sent(&server, "/1")), (vec![None], vec![None]));
    for spelling in ["no_cookies_reset: true", "noCookiesReset: true"] {
        let server = HttpServer::start(setting);
        two_iterations(&server, spelling);
        assert_eq!((sent(&server, "/0"), sent(&server, "/1")), (vec![None], vec![Some("seen=0".to_owned())]));
    }
}

#[test]
fn a_server_that_sets_cookies_without_end_is_cut_short_and_noted() {
    let server = HttpServer::start(|asked| async move {
        let cookies: String =
            (0..200).map(|n| format!("set-cookie: c{}-{n}={}\r\n", asked.number, "x".repeat(150))).collect();
        reply_with(200, &cookies, "")
    });
    let ran = run_flow(
        &server,
        "- repeat: {times: 5, flow: [{http: {url: '{base}/'}}]}\n- http: {url: '{base}/last'}",
    );
    let longest = sent(&server, "/last").into_iter().flatten().map(|cookie| cookie.len()).max().unwrap();
    assert!(longest < 32 << 10, "{longest}");
    assert!(ran.notes().contains("a cookie was dropped: a user keeps at most 50 cookies"), "{}", ran.notes());
}

#[test]
fn a_websocket_takes_part_in_the_cookies() {
    let server = HttpServer::start(setting);
    let echo = HttpServer::start(|_| async {
        b"HTTP/1.1 403 No\r\nset-cookie: ws=refused; Path=/\r\ncontent-length: 0\r\n\r\n".to_vec()
    });
    let flow = "- http: {url: '{base}/?set=a=1'}\n\
                - websocket: {url: '{ws}/chat', headers: {cookie: own=x}, flow: [{sleep: 0s}]}\n\
                - http: {url: '{base}/after'}";
    run_flow(&server, &flow.replace("{ws}", &echo.ws()));
    assert_eq!(sent(&echo, "/chat"), both("own=x; a=1"));
    assert_eq!(sent(&server, "/after"), both("a=1; ws=refused"));
}

#[test]
fn a_login_at_nginx_goes_as_in_a_browser() {
    let locations = "location = /login { add_header Set-Cookie 'session=s1; Path=/; HttpOnly' always; return 302 /home; }\n\
         location = /home { if ($cookie_session != s1) { return 403; } return 200 home; }\n\
         location /private { auth_basic private; auth_basic_user_file htpasswd; }\n";
    let files = [("htpasswd", "user:{PLAIN}secret\n"), ("private", "for your eyes")];
    let Some(server) = Nginx::serving(locations, &files) else { return };
    let flow = "- http: {url: '{base}/home', expected_statuses: 403}\n\
                - http: {url: '{base}/login', checks: {home: status == 200 and body == 'home'}}\n\
                - batch: [{http: {url: '{base}/home', checks: {beside: status == 200}}}, {http: {url: '{base}/home'}}]\n\
                - http: {url: '{base}/private', expected_statuses: 401}\n\
                - http: {url: '{base}/private', auth: {basic: {username: user, password: secret}}, checks: {private: body == 'for your eyes'}}";
    let ran = run(&once(&flow.replace("{base}", &server.url()), ""));
    for check in ["home", "beside", "private"] {
        assert_eq!(ran.check(check), (2, 0), "{check}: {}", ran.notes());
    }
    assert_eq!(ran.last.sum("k6_http_req_failed_rate", &[]), Some(0.0));
}
