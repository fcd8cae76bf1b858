//! A disk that is full, or cannot be written: each write says so, and nothing is half there.

use super::*;
use crate::family::{Family, FamilyKind};
use crate::labels::Labels;
use crate::promql::TimeRange;

type Write = fn(&Runs, &mut fastrand::Rng) -> Result<(), StoreError>;

/// Every method that writes, with enough to be written that it needs room.
const WRITES: [(&str, Write); 11] = [
    ("accept", |runs, rng| {
        let mut submission = submission("s");
        submission.bundle.files.insert("noise".to_owned(), noise(rng, 200_000).into_bytes());
        let name = format!("new-{}", rng.u64(..));
        runs.accept(&submission, &meta("chat"), None, &id(&name), 1).map(drop)
    }),
    ("enter", |runs, _| runs.enter(&id("a"), RunState::Running, 2).map(drop)),
    ("checkpoint", |runs, rng| runs.checkpoint(&id("a"), &json!(noise(rng, 300_000)), 2)),
    ("finish", |runs, rng| {
        let summary = json!(noise(rng, 300_000));
        runs.finish(&id("a"), &Ending { summary, ..ending("passed", 2) }).map(drop)
    }),
    ("interrupt", |runs, rng| runs.interrupt(&id("a"), &noise(rng, 300_000), 2).map(drop)),
    ("append_event", |runs, rng| {
        runs.append_event(&id("a"), "state", &json!(noise(rng, 50_000)), 2).map(drop)
    }),
    ("append_log", |runs, rng| runs.append_log(&id("a"), &[noise(rng, 60_000)])),
    ("append_frame", |runs, rng| {
        let mut family = Family::new("g", FamilyKind::Gauge, "");
        (0..2_000).for_each(|at| family.push(Labels::new([("at", at.to_string())]), rng.f64()));
        let at_ms = i64::from(rng.u32(..)) + 1_000_000_000_000 + rng.i64(0..1_000_000_000_000);
        runs.append_frame(&id("a"), at_ms, &[family]).map(drop)
    }),
    ("append_snapshot", |runs, rng| {
        let store = crate::tsdb::Store::default();
        let mut family = Family::new("g", FamilyKind::Gauge, "");
        (0..2_000).for_each(|at| family.push(Labels::new([("at", at.to_string())]), rng.f64()));
        let at_ms = 1_000_000_000_000 + rng.i64(0..1_000_000_000_000);
        store.scrape(&crate::tsdb::Origin("o".to_owned()), at_ms, &[family]);
        runs.append_snapshot(&id("a"), TimeRange { from_ms: 0, to_ms: at_ms }, &store, &[]).map(drop)
    }),
    ("journal_begin", |runs, rng| {
        let key = rng.u64(..).to_string();
        runs.journal_begin(&id("a"), &key, &json!(noise(rng, 50_000))).map(drop)
    }),
    ("journal_end", |runs, rng| runs.journal_end(&id("a"), "open", &json!(noise(rng, 300_000))).map(drop)),
];

/// What no compression makes smaller by much.
fn noise(rng: &mut fastrand::Rng, length: usize) -> String {
    std::iter::repeat_with(|| rng.alphanumeric()).take(length).collect()
}

fn prepared() -> (TempDir, Runs) {
    let (folder, runs) = fresh();
    accept(&runs, "a");
    runs.enter(&id("a"), RunState::Setup, 2).unwrap();
    runs.checkpoint(&id("a"), &json!({"so": "far"}), 2).unwrap();
    runs.journal_begin(&id("a"), "open", &json!(1)).unwrap();
    (folder, runs)
}

fn pragma(runs: &Runs, name: &str, value: i64) {
    let writer = runs::lock(&runs.writer);
    writer
        .query_row(&format!("PRAGMA {name} = {value}"), [], |_| Ok(()))
        .or_else(|_| writer.execute_batch(&format!("PRAGMA {name} = {value}")))
        .unwrap();
}

/// All that can be seen of the store; for a comparison.
fn seen(runs: &Runs) -> String {
    let store = crate::tsdb::Store::default();
    let list = runs.list(&Filter { limit: 1_000, ..Filter::default() }).unwrap();
    let replayed = runs.replay(&id("a"), &store).unwrap();
    format!(
        "{list:?} {:?} {:?} {} {:?} {replayed:?} {}",
        runs.record(&id("a")).unwrap(),
        runs.events(&id("a"), 0, usize::MAX).unwrap(),
        runs.log(&id("a")).unwrap(),
        runs.journal_open(&id("a")).unwrap(),
        runs.left_behind(),
    )
}

#[test]
fn a_full_disk_is_said_at_every_write_and_changes_nothing() {
    let mut rng = fastrand::Rng::with_seed(4);
    for (name, write) in WRITES {
        let (folder, runs) = prepared();
        // Less than any file has: it is what there is now, and no page more.
        pragma(&runs, "max_page_count", 1);
        let mut before = seen(&runs);
        // Some write little: the room in pages that are there is used first.
        let mut refused = None;
        for _ in 0..5_000 {
            match write(&runs, &mut rng) {
                Ok(()) => before = if name == "enter" { String::new() } else { seen(&runs) },
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        assert!(matches!(refused, Some(StoreError::Full { .. })), "{name}: {refused:?}");
        assert!(before.is_empty() || seen(&runs) == before, "{name} left something");
        pragma(&runs, "max_page_count", i64::from(i32::MAX));
        write(&runs, &mut rng).unwrap_or_else(|error| panic!("{name}, once there is room: {error}"));
        drop(runs);
        Runs::open(folder.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn what_is_full_can_be_emptied() {
    let (_folder, runs) = prepared();
    runs.journal_end(&id("a"), "open", &json!(1)).unwrap();
    runs.finish(&id("a"), &ending("passed", 3)).unwrap();
    accept(&runs, "b");
    runs.finish(&id("b"), &ending("passed", 4)).unwrap();
    pragma(&runs, "max_page_count", 1);
    runs.delete(&id("a")).unwrap();
    assert_eq!(runs.prune(100, 100).unwrap(), [id("b")]);
    assert_eq!(runs.left_behind(), 0);
}

#[test]
fn what_cannot_be_written_is_said_at_every_write_and_can_still_be_read() {
    let mut rng = fastrand::Rng::with_seed(4);
    let (_folder, runs) = prepared();
    accept(&runs, "done");
    runs.finish(&id("done"), &ending("passed", 3)).unwrap();
    let before = seen(&runs);
    pragma(&runs, "query_only", 1);
    let others: [(&str, Write); 2] =
        [("delete", |runs, _| runs.delete(&id("done"))), ("prune", |runs, _| runs.prune(1_000, 0).map(drop))];
    for (name, write) in WRITES.into_iter().chain(others) {
        let refused = write(&runs, &mut rng);
        assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{name}: {refused:?}");
    }
    assert_eq!(seen(&runs), before);
    pragma(&runs, "query_only", 0);
    for (name, write) in WRITES.into_iter().filter(|(name, _)| !matches!(*name, "finish" | "interrupt")) {
        write(&runs, &mut rng).unwrap_or_else(|error| panic!("{name}, once it can be written: {error}"));
    }
}
