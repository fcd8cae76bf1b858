//! Nothing that is secret is in any file as it is.

use std::fs;

use base64::Engine as _;

use super::*;

const CANARY: &str = "canary-7f3a9c51e2";

/// Files in which the canary can be seen, as it is or in an obvious disguise.
fn seen_in(folder: &std::path::Path) -> Vec<String> {
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    // Without what its neighbours decide of the first and last letter.
    let encoded = engine.encode(CANARY)[..16].to_owned();
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        if [CANARY, &encoded, &hex].iter().any(|text| holds(text)) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn no_file_shows_what_a_run_was_submitted_with() {
    let (folder, runs) = fresh();
    let mut submission = submission(CANARY);
    submission.bundle.files.insert("secret.pem".to_owned(), CANARY.as_bytes().to_vec());
    let known = Idempotency { key: "k", digest: CANARY.as_bytes() };
    runs.accept(&submission, &meta("chat"), Some(known), &id("a"), 1).unwrap();
    runs.journal_begin(&id("a"), "hook", &json!({"header": CANARY})).unwrap();
    runs.journal_end(&id("a"), "hook", &json!({"output": CANARY})).unwrap();
    assert!(seen_in(folder.path()).is_empty(), "while it is open, with what is in the -wal");
    drop(runs);
    assert!(seen_in(folder.path()).is_empty(), "{:?}", seen_in(folder.path()));
    fs::write(folder.path().join("x"), CANARY).unwrap();
    assert_eq!(seen_in(folder.path()).len(), 1, "the search finds it where it is");
    let runs = Runs::open(folder.path()).unwrap();
    assert_eq!(runs.submission(&id("a")).unwrap(), submission);
}

#[test]
fn without_its_key_a_run_can_still_be_read_but_not_what_it_was_submitted_with() {
    let (folder, runs) = fresh();
    accept(&runs, "a");
    runs.journal_begin(&id("a"), "hook", &json!(1)).unwrap();
    runs.finish(&id("a"), &ending("passed", 1)).unwrap();
    drop(runs);
    let key = folder.path().join("key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let runs = Runs::open(folder.path()).unwrap();
    assert_eq!(runs.record(&id("a")).unwrap().unwrap().verdict.as_deref(), Some("passed"));
    let closed = runs.submission(&id("a")).unwrap_err().to_string();
    let expected = "what a was submitted with cannot be opened: it was sealed with another key than the one in the \
                    file `key`; put that file back and start again";
    assert_eq!(closed, expected);
    assert!(matches!(runs.journal_open(&id("a")), Err(StoreError::Sealed { .. })));
    accept(&runs, "b");
    assert_eq!(runs.submission(&id("b")).unwrap(), submission("s3cret"));
    drop(runs);
    fs::write(&key, kept).unwrap();
    let runs = Runs::open(folder.path()).unwrap();
    assert_eq!(runs.submission(&id("a")).unwrap(), submission("s3cret"));
    assert!(runs.submission(&id("b")).is_err());
    drop(runs);
    fs::write(&key, "short").unwrap();
    let refused = Runs::open(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("key: is no key: it has 5 bytes instead of 32."), "{refused}");
}

#[test]
fn what_was_sealed_for_one_run_is_not_opened_for_another() {
    let (_folder, runs) = fresh();
    accept(&runs, "a");
    accept(&runs, "b");
    let swap = "UPDATE run SET submission = (SELECT submission FROM run WHERE id = 'a') WHERE id = 'b'";
    runs::lock(&runs.writer).execute(swap, []).unwrap();
    let closed = runs.submission(&id("b")).unwrap_err().to_string();
    assert_eq!(closed, "what b was submitted with cannot be opened: it is damaged");
}
