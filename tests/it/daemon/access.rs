//! What the daemon lets nobody do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::plans::steady;
use crate::stage::{Daemon, demo_target, id, loadgate};

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

/// All bytes of all files below a folder.
fn bytes_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| match path.is_dir() {
        true => bytes_below(&path),
        false => vec![(path.clone(), fs::read(&path).unwrap())],
    };
    entries.flat_map(read).collect()
}

#[test]
fn a_secret_is_in_nothing_that_the_daemon_writes_or_answers() {
    const CANARY: &str = "canary-7Hq2xZ";
    let target = demo_target(&[]);
    let plan = format!(
        "name: secret
vars: {{TOKEN: null}}
scenarios:
  one:
    executor: per-vu-iterations
    iterations: 5
    flow:
      - http: {{url: 'http://me:${{TOKEN}}@{address}/health', name: health, headers: {{Authorization: 'Bearer ${{TOKEN}}'}}, checks: {{answered: status == 200}}}}
      - log: 'with ${{TOKEN}}'
hooks:
  always:
    - http: {{url: 'http://{address}/health', headers: {{X-Token: '${{TOKEN}}'}}}}
    - exec: {{command: 'echo ${{TOKEN}}'}}
",
        address = target.address
    );
    let daemon = Daemon::start("allow_exec: true\n", &[("secret", &plan)]);
    let body = json!({"plan": "secret", "env": {"TOKEN": CANARY}});
    let run = id(&daemon.ask("POST", "/api/v1/runs", "", &body).json());
    let ended = daemon.wait(&run, "finished");
    assert_eq!(ended["verdict"], "passed", "{ended:#}");
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    let of_run = ["", "/events", "/summary", "/log"].map(|part| format!("/api/v1/runs/{run}{part}"));
    let others = [
        "/api/v1/runs",
        "/metrics",
        "/api/v1/plans",
        "/api/v1/targets",
        "/api/v1/rules",
        "/api/v1/series?match[]=%7B__name__!%3D%22%22%7D",
    ];
    for path in of_run.iter().map(String::as_str).chain(others) {
        let answer = daemon.ask("GET", path, "", &Value::Null);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        seen.push((path.to_owned(), answer.body));
    }
    seen.push(("stderr".to_owned(), daemon.log().into_bytes()));
    assert!(daemon.log().contains("with ***"), "it was logged: {}", daemon.log());
    let files = bytes_below(&daemon.path("data"));
    assert!(files.iter().any(|(path, _)| path.ends_with("runs.db")));
    seen.extend(files.into_iter().map(|(path, bytes)| (path.display().to_string(), bytes)));
    for (place, bytes) in seen {
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "the secret is in {place}");
    }
}
