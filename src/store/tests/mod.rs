//! The store as a whole: what a daemon asks of it, and what may go wrong under it.

mod bounds;
mod damage;
mod full;
mod life;
mod opening;
mod secrets;

use std::collections::BTreeMap;

use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A folder that goes away, and the store in it.
fn fresh() -> (TempDir, Runs) {
    let folder = TempDir::new().unwrap();
    let runs = Runs::open(folder.path()).unwrap();
    (folder, runs)
}

fn id(name: &str) -> RunId {
    RunId(name.to_owned())
}

fn submission(secret: &str) -> Submission {
    let files = BTreeMap::from([
        ("plan.yml".to_owned(), b"name: chat\n".to_vec()),
        ("data/users.csv".to_owned(), vec![0, 159, 146, 150, b'\n']),
    ]);
    Submission {
        bundle: Bundle { plan: "plan.yml".to_owned(), files },
        profile: Some("smoke".to_owned()),
        env: vec![("TOKEN".to_owned(), secret.to_owned())],
        tags: vec![("suite".to_owned(), "night".to_owned())],
    }
}

fn meta(test: &str) -> Meta {
    Meta {
        test: test.to_owned(),
        plan: "config/plans/chat.yml".to_owned(),
        profile: Some("smoke".to_owned()),
        tags: vec![("suite".to_owned(), "night".to_owned())],
        trigger: Trigger::Schedule("nightly".to_owned()),
    }
}

/// Accepts it at a moment made of its name, so that each is later than the one before.
fn accept(runs: &Runs, name: &str) -> RunRecord {
    match runs.accept(&submission("s3cret"), &meta("chat"), None, &id(name), 1_000).unwrap() {
        Accepted::Created(record) => record,
        other => panic!("{other:?}"),
    }
}

fn ending(verdict: &str, at_ms: i64) -> Ending {
    Ending {
        verdict: verdict.to_owned(),
        exit_code: 0,
        ended_by: None,
        summary: json!({"verdict": verdict}),
        at_ms,
    }
}

impl Runs {
    /// Rows that belong to runs.
    fn left_behind(&self) -> i64 {
        let tables = [
            "run",
            "idempotency",
            "summary",
            "event",
            "log",
            "log_piece",
            "series_family",
            "series_label",
            "series_block",
            "journal",
        ];
        let count = |table| format!("(SELECT count(*) FROM {table})");
        let sql = format!("SELECT {}", tables.map(count).join(" + "));
        runs::lock(&self.writer).query_row(&sql, [], |row| row.get(0)).unwrap()
    }
}
