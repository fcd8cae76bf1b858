//! `targets_file`: Vegeta's targets, taken in turn by all users.

use std::fs;

use tempfile::TempDir;

use super::once;
use crate::stage::{HttpServer, reply, run};

/// A folder with these targets, `{base}` being the server; the path of the file.
fn targets(server: &HttpServer, text: &str) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("targets.txt");
    fs::write(&path, text.replace("{base}", &server.url())).unwrap();
    fs::write(folder.path().join("order.json"), "{\"a\":1}").unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn targets_are_taken_in_turn_over_all_users() {
    let server = HttpServer::start(|_| async { reply(200, "") });
    let (_folder, path) = targets(
        &server,
        "# warm\nGET {base}/a?x=1\nX-Own: target\n\nPOST {base}/order\nContent-Type: application/json\n@order.json\n\nDELETE {base}/a\n",
    );
    let flow = format!(
        "- repeat: {{times: 3, flow: [{{http: {{targets_file: '{path}', headers: {{x-own: step, x-all: 'u{{{{ iteration }}}}'}}, checks: {{ok: status == 200}}}}}}]}}"
    );
    let ran = run(&once(&flow, ""));
    let asked = server.asked();
    let mut lines: Vec<String> =
        asked.iter().map(|asked| format!("{} {} {}", asked.method, asked.path, asked.body)).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "DELETE /a ",
            "DELETE /a ",
            "GET /a?x=1 ",
            "GET /a?x=1 ",
            "POST /order {\"a\":1}",
            "POST /order {\"a\":1}"
        ]
    );
    let header = |method: &str, name: &str| {
        let asked = asked.iter().find(|asked| asked.method == method).unwrap();
        asked.header(name).map(str::to_owned)
    };
    assert_eq!(header("GET", "x-own").as_deref(), Some("target"));
    assert_eq!(header("DELETE", "x-own").as_deref(), Some("step"));
    assert_eq!(header("POST", "x-all").as_deref(), Some("u0"));
    assert_eq!(header("POST", "content-type").as_deref(), Some("application/json"));
    // Told apart by path and method, never by query.
    let count = |name, method| ran.count("k6_http_reqs_total", &[("name", name), ("method", method)]);
    assert_eq!([count("/a", "GET"), count("/a", "DELETE"), count("/order", "POST")], [2, 2, 2]);
    assert_eq!(ran.check("ok"), (6, 0), "{}", ran.notes());
}

#[test]
fn targets_in_json_carry_their_bodies() {
    let server = HttpServer::start(|_| async { reply(200, "") });
    let (_folder, path) = targets(
        &server,
        "{\"method\":\"PUT\",\"url\":\"{base}/j\",\"body\":\"aGVsbG8=\",\"header\":{\"X-A\":[\"1\"]}}\n",
    );
    let ran = run(&once(&format!("- http: {{targets_file: '{path}', name: all}}"), ""));
    let asked = server.asked();
    assert_eq!(
        (asked[0].method.as_str(), asked[0].body.as_str(), asked[0].header("x-a")),
        ("PUT", "hello", Some("1"))
    );
    assert_eq!(ran.count("k6_http_reqs_total", &[("name", "all"), ("method", "PUT")]), 2);
}

#[test]
fn more_paths_than_the_limit_are_counted_as_other() {
    let server = HttpServer::start(|_| async { reply(200, "") });
    let many: String = (0..30).map(|n| format!("GET {{base}}/p{n}\n")).collect();
    let (_folder, path) = targets(&server, &many);
    let flow = format!("- repeat: {{times: 15, flow: [{{http: {{targets_file: '{path}'}}}}]}}");
    let ran = run(&once(&flow, "series_limit: 5"));
    assert_eq!(server.requests(), 30);
    assert_eq!(ran.count("k6_http_reqs_total", &[]), 30);
    assert!(ran.count("k6_http_reqs_total", &[("name", "other")]) >= 20);
}
