//! Schemathesis (<https://schemathesis.io>) asks the API what its document says and what it does not, and compares.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use loadgate::api::{Access, Scope, Tokens};

use super::scopes::ROUTES;
use crate::stage::FakeDaemon;

#[derive(Debug)]
struct One;

const TOKEN: &str = "the-token-of-an-admin";

impl Tokens for One {
    fn scope(&self, token: &[u8]) -> Option<Scope> {
        (token == TOKEN.as_bytes()).then_some(Scope::Admin)
    }
}

/// As `./test.sh` installs it, or the system's.
fn program() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schemathesis/bin/schemathesis");
    let answers = |program: &PathBuf| {
        Command::new(program).arg("--version").output().is_ok_and(|run| run.status.success())
    };
    [installed, PathBuf::from("schemathesis")].into_iter().find(answers)
}

/// `LOADGATE_TEST_SERVER` and `LOADGATE_TEST_TOKEN`, of the scope admin: another server than the daemon in memory, such
/// as a `loadgate serve` that may be filled with runs.
#[test]
fn what_the_document_says_is_what_the_server_does() {
    let Some(program) = program() else {
        println!(
            "skipped: schemathesis is not installed (./test.sh does so, where Python and PyPI are there)"
        );
        return;
    };
    let daemon = FakeDaemon::that_ends_runs_at_once();
    daemon.queue();
    let server = daemon.serve(Access::with_tokens(Arc::new(One)));
    let url = std::env::var("LOADGATE_TEST_SERVER").unwrap_or_else(|_| server.http());
    let token = std::env::var("LOADGATE_TEST_TOKEN").unwrap_or_else(|_| TOKEN.to_owned());
    let folder = tempfile::TempDir::new().unwrap();
    let run = Command::new(program)
        .current_dir(folder.path())
        .arg("run")
        .arg(format!("{url}/openapi.json"))
        .args(["--header", &format!("Authorization: Bearer {token}")])
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
