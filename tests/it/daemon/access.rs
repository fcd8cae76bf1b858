//! What the daemon lets nobody do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::plans::steady;
use crate::stage::{Daemon, demo_target, loadgate};

#[test]
fn load_goes_nowhere_but_where_it_is_allowed() {
    let plan = |url: &str| {
        format!(
            "name: away\nscenarios:\n  one: {{executor: per-vu-iterations, flow: [{{http: {{url: '{url}'}}}}]}}\n"
        )
    };
    let daemon = Daemon::start("", &[]);
    for url in [
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data",
        "http://example.com/",
        "http://0x7f.1.example/",
    ] {
        let source = json!({"plan": "p.yml", "files": {"p.yml": plan(url)}});
        let answer = daemon.ask("POST", "/api/v1/runs", "", &json!({"source": source}));
        assert!((400..500).contains(&answer.status), "{url}: {} {}", answer.status, answer.text());
    }
    let own = plan(&format!("http://{}/api/v1/runs", daemon.address));
    let source = json!({"plan": "p.yml", "files": {"p.yml": own}});
    let answer = daemon.ask("POST", "/api/v1/runs", "", &json!({"source": source}));
    assert!((400..500).contains(&answer.status), "its own API: {} {}", answer.status, answer.text());
    assert_eq!(daemon.runs().len(), 0);
}

#[test]
fn programs_are_run_only_where_the_configuration_says_so() {
    let target = demo_target(&[]);
    let plan = steady(target.address, 5, "1s") + "hooks: {always: [{exec: {command: 'touch made'}}]}\n";
    let daemon = Daemon::start("", &[("hooked", &plan)]);
    let answer = daemon.ask("POST", "/api/v1/runs", "", &json!({"plan": "hooked"}));
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(!daemon.path("made").exists());
}

#[test]
fn an_address_that_others_reach_needs_tokens() {
    let folder = tempfile::TempDir::new().unwrap();
    let serve =
        loadgate().args(["serve", "--listen", "0.0.0.0:0"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(serve.status.code(), Some(104));
    assert!(String::from_utf8_lossy(&serve.stderr).contains("token_file"), "{:?}", serve.stderr);
}

#[test]
fn a_token_allows_what_its_scope_says() {
    let folder = tempfile::TempDir::new().unwrap();
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, "query:aaaaaaaaaaaaaaaaaaaa\nrun:bbbbbbbbbbbbbbbbbbbb\nadmin:cccccccccccccccccccc\n")
        .unwrap();
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600)).unwrap();
    let target = demo_target(&[]);
    let config = format!("auth: {{token_file: {}}}\n", tokens.display());
    let daemon = Daemon::start(&config, &[("steady", &steady(target.address, 5, "1s"))]);
    let status = |token: &str, method: &str, path: &str, body: &Value| {
        let header =
            if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        daemon.ask(method, path, &header, body).status
    };
    let (query, run, admin) = ("aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccc");
    for (token, read, start, reload) in [
        ("", 401, 401, 401),
        ("wrong", 401, 401, 401),
        (query, 200, 403, 403),
        (run, 200, 201, 403),
        (admin, 200, 201, 200),
    ] {
        assert_eq!(status(token, "GET", "/api/v1/runs", &Value::Null), read, "{token}");
        assert_eq!(status(token, "POST", "/api/v1/runs", &json!({"plan": "steady"})), start, "{token}");
        assert_eq!(status(token, "POST", "/-/reload", &Value::Null), reload, "{token}");
    }
    assert_eq!(status("", "GET", "/metrics", &Value::Null), 200, "Prometheus has no token");
    assert!(!daemon.log().contains("aaaaaaaa"));
}
