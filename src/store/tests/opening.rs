//! What a folder may hold when a daemon comes to it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;

use super::*;

#[test]
fn a_second_daemon_is_refused_with_who_is_there_and_welcome_afterwards() {
    let (folder, runs) = fresh();
    let refused = Runs::open(folder.path()).unwrap_err().to_string();
    let expected = format!(
        "{} is in use by process {}: stop that one, or give this one another `data_dir`",
        folder.path().display(),
        std::process::id()
    );
    assert_eq!(refused, expected);
    drop(runs);
    Runs::open(folder.path()).unwrap();
}

#[test]
fn nobody_else_may_read_what_is_there() {
    let above = TempDir::new().unwrap();
    let folder = above.path().join("a/b");
    let runs = Runs::open(&folder).unwrap();
    accept(&runs, "a");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["key", "lock", "runs.db", "runs.db-shm", "runs.db-wal"]);
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
    let (folder, runs) = fresh();
    accept(&runs, "a");
    drop(runs);
    let path = folder.path().join("runs.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = Runs::open(folder.path()).unwrap_err().to_string();
    let expected = format!(
        "{} has format 99, this loadgate knows formats up to {}: start the loadgate that wrote it, or give another \
         `data_dir`",
        path.display(),
        schema::VERSION
    );
    assert_eq!(refused, expected);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", schema::VERSION).unwrap();
    assert!(Runs::open(folder.path()).unwrap().record(&id("a")).unwrap().is_some());
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("runs.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE run (x); INSERT INTO run VALUES (7)")
        .unwrap();
    let refused = Runs::open(folder.path());
    assert!(matches!(refused, Err(StoreError::Foreign { .. })), "{refused:?}");
    let kept: i64 =
        Connection::open(&path).unwrap().query_row("SELECT x FROM run", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 7);
}

#[test]
fn a_file_that_is_no_database_is_refused_with_what_to_do_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("runs.db");
    let noise = vec![b'x'; 8192];
    fs::write(&path, &noise).unwrap();
    let refused = Runs::open(folder.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
    let advice = format!(
        "move it aside together with its `-wal` and start again, or save what can be read with `sqlite3 {} .recover`",
        path.display()
    );
    assert!(refused.to_string().ends_with(&advice), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), noise);
}

#[test]
fn a_place_that_cannot_be_written_is_said_to_be_one() {
    // Read-only for everybody, root included.
    let refused = Runs::open(std::path::Path::new("/sys/loadgate")).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused:?}");
    let expected = "/sys/loadgate cannot be written: give the user that runs loadgate write permission, or mount it \
                    writable";
    assert_eq!(refused.to_string(), expected);
}

/// A folder as the first version left it, in SQL (`sqlite3 runs.db .dump`). It is never written anew: who changes the
/// tables adds a step to `schema.rs`, and this still has to open.
const VERSION_1: &str = include_str!("version_1.sql");
const KEY_OF_VERSION_1: [u8; 32] = *b"a key for the test of version 1.";

#[test]
fn a_folder_of_version_1_is_opened_with_all_that_is_in_it() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("key"), KEY_OF_VERSION_1).unwrap();
    let connection = Connection::open(folder.path().join("runs.db")).unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    drop(connection);
    check_version_1(&Runs::open(folder.path()).unwrap());
}

fn check_version_1(runs: &Runs) {
    let done = runs.record(&id("done")).unwrap().unwrap();
    assert_eq!(done.verdict.as_deref(), Some("passed"));
    assert_eq!(done.summary, Some(json!({"verdict": "passed"})));
    assert_eq!(runs.submission(&id("done")).unwrap(), submission("s3cret"));
    assert_eq!(runs.unfinished().unwrap()[0].id, id("going"));
    assert_eq!(runs.events(&id("going"), 0, 9).unwrap().len(), 2);
    assert_eq!(runs.log(&id("going")).unwrap(), "one\ntwo\n");
    let open = JournalEntry { key: "fault".to_owned(), begun: json!({"undo": 1}), ended: None };
    assert_eq!(runs.journal_open(&id("going")).unwrap(), [open]);
    let store = crate::tsdb::Store::default();
    assert_eq!(runs.replay(&id("going"), &store).unwrap().range_ms, Some((5_000, 10_000)));
    assert_eq!(runs.last_by_test().unwrap()[0].last_success_ms, Some(3_000));
    assert_eq!(runs.remembered("schedule nightly was due").unwrap().as_deref(), Some("1000"));
    runs.remember("schedule nightly was due", "2000").unwrap();
}

/// What was written down in `version_1.sql`, made anew: the two have to mean the same as long as version 1 is the last.
#[test]
fn what_is_written_now_is_read_as_what_version_1_wrote() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("key"), KEY_OF_VERSION_1).unwrap();
    let runs = Runs::open(folder.path()).unwrap();
    accept(&runs, "done");
    runs.finish(&id("done"), &ending("passed", 3_000)).unwrap();
    accept(&runs, "going");
    runs.enter(&id("going"), RunState::Running, 2_000).unwrap();
    runs.append_log(&id("going"), &["one".to_owned(), "two".to_owned()]).unwrap();
    runs.journal_begin(&id("going"), "fault", &json!({"undo": 1})).unwrap();
    for at_ms in [5_000, 10_000] {
        let gauge = crate::family::Family::single(
            "g",
            crate::family::FamilyKind::Gauge,
            "A gauge.",
            crate::labels::Labels::new([("testid", "going")]),
            at_ms as f64,
        );
        runs.append_frame(&id("going"), at_ms, &[gauge]).unwrap();
    }
    runs.remember("schedule nightly was due", "1000").unwrap();
    check_version_1(&runs);
}
