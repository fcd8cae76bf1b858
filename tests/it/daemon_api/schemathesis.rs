//! Schemathesis (<https://schemathesis.io>) asks the API what its document says and what it does not, and compares.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::scopes::ROUTES;
use crate::stage::{Daemon, demo_target, id};

const TOKEN: &str = "the-token-of-an-admin";

/// As `./test.sh` installs it, or the system's.
fn program() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schemathesis/bin/schemathesis");
    let answers = |program: &PathBuf| {
        Command::new(program).arg("--version").output().is_ok_and(|run| run.status.success())
    };
    [installed, PathBuf::from("schemathesis")].into_iter().find(answers)
}

#[test]
fn what_the_document_says_is_what_the_server_does() {
    let Some(program) = program() else {
        println!(
            "skipped: schemathesis is not installed (./test.sh does so, where Python and PyPI are there)"
        );
        return;
    };
    let (target, tokens) = (demo_target(&[]), tempfile::NamedTempFile::new().unwrap());
    fs::write(&tokens, format!("admin:{TOKEN}\n")).unwrap();
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600)).unwrap();
    let plan = format!(
        "name: one\nscenarios: {{one: {{executor: per-vu-iterations, flow: [{{http: {{url: 'http://{}/health'}}}}]}}}}\n",
        target.address
    );
    let config = format!("auth: {{token_file: {}}}\n", tokens.path().display());
    let daemon = Daemon::start(&config, &[("one", &plan)]);
    let header = format!("Authorization: Bearer {TOKEN}\r\n");
    let run = id(&daemon.ask("POST", "/api/v1/runs", &header, &json!({"plan": "one"})).json());
    let shown = || daemon.ask("GET", &format!("/api/v1/runs/{run}"), &header, &json!(null)).json();
    daemon.until(|| (shown()["state"] == "finished").then_some(()), "the run's end");
    // It is made once, which takes longest here.
    assert_eq!(daemon.ask("GET", &format!("/api/v1/runs/{run}/report"), &header, &json!(null)).status, 200);
    let folder = tempfile::TempDir::new().unwrap();
    let run = Command::new(program)
        .current_dir(folder.path())
        .arg("run")
        .arg(format!("http://{}/openapi.json", daemon.address))
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        // A name of a plan or a variable is well formed and unknown all the same: refusing it is right.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--seed", "1", "--max-examples", "15", "--no-shrink", "--generation-database", "none"])
        .args(["--request-timeout", "20", "--no-color", "--continue-on-failure"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    let tested = said.split("Tested: ").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    // The document's own path need not be among them.
    assert!(tested.is_some_and(|tested: usize| tested + 1 >= ROUTES.len()), "{said}");
}
