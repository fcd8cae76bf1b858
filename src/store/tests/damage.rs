//! Bits that flip, files that are cut, processes that are killed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::family::{Family, FamilyKind};
use crate::labels::Labels;

const SEEDS: u64 = 240;

fn gauge(value: f64) -> [Family; 1] {
    [Family::single("g", FamilyKind::Gauge, "A gauge.", Labels::new([("testid", "r")]), value)]
}

/// A folder with something in every table; a part of it in the -wal, as after a crash.
fn filled() -> (TempDir, BTreeMap<String, Vec<u8>>) {
    let (folder, runs) = fresh();
    for name in ["1", "2", "3", "4"] {
        let known = Idempotency { key: name, digest: b"d" };
        runs.accept(&submission("s"), &meta(name), Some(known), &id(name), 1).unwrap();
        runs.enter(&id(name), RunState::Running, 2).unwrap();
        runs.append_log(&id(name), &vec!["some line".to_owned(); 300]).unwrap();
        runs.journal_begin(&id(name), "open", &json!(1)).unwrap();
        for at in 0..70 {
            runs.append_frame(&id(name), at * 5_000, &gauge(at as f64)).unwrap();
            runs.append_event(&id(name), "progress", &json!({"at": at}), at).unwrap();
        }
        if name < "3" {
            runs.finish(&id(name), &ending("passed", 3)).unwrap();
        }
        if name == "2" {
            runs::lock(&runs.writer).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        }
    }
    let names = ["runs.db", "runs.db-wal", "key"];
    let files = names.map(|name| (name.to_owned(), fs::read(folder.path().join(name)).unwrap()));
    (folder, files.into())
}

/// Every question and every write. What comes of it does not matter, as long as it comes.
fn exercise(runs: &Runs) {
    let _ = runs.list(&Filter { limit: 100, ..Filter::default() });
    let _ = runs.unfinished();
    let _ = runs.last_by_test();
    for name in ["1", "2", "3", "4"] {
        let run = id(name);
        let _ = runs.record(&run);
        let _ = runs.submission(&run);
        let _ = runs.events(&run, 0, 100);
        let _ = runs.log(&run);
        let _ = runs.journal_open(&run);
        let _ = runs.replay(&run, &crate::tsdb::Store::default());
        let _ = runs.append_event(&run, "log", &json!("x"), 9);
        let _ = runs.append_frame(&run, 1_000_000, &gauge(1.0));
        let _ = runs.finish(&run, &ending("failed", 9));
    }
    let _ = runs.prune(1_000, 1);
}

#[test]
fn a_damaged_file_is_opened_or_refused_but_nothing_panics_and_nothing_is_thrown_away() {
    let (_folder, files) = filled();
    let (mut opened, mut refused) = (0, 0);
    for seed in 0..SEEDS {
        let mut rng = fastrand::Rng::with_seed(seed);
        // In memory where that is possible: what is tested is not the disk.
        let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
        for (name, bytes) in &files {
            let mut bytes = bytes.clone();
            // The main file, the log that belongs to it, and now and then the key.
            let hit = match seed % 8 {
                0 => "key",
                1..=3 => "runs.db-wal",
                _ => "runs.db",
            };
            if name == hit && seed.is_multiple_of(5) {
                bytes.truncate(rng.usize(..bytes.len()));
            } else if name == hit {
                for _ in 0..rng.usize(1..=16) {
                    let at = rng.usize(..bytes.len());
                    bytes[at] ^= 1 << rng.u32(..8);
                }
            }
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        match Runs::open(folder.path()) {
            Ok(runs) => {
                opened += 1;
                exercise(&runs);
            }
            Err(error) => {
                refused += 1;
                let is_damage = matches!(error, StoreError::Corrupt { .. } | StoreError::Foreign { .. });
                let is_known =
                    is_damage || matches!(error, StoreError::Newer { .. } | StoreError::Other { .. });
                assert!(is_known && !error.to_string().is_empty(), "seed {seed}: {error:?}");
            }
        }
        assert!(folder.path().join("runs.db").exists(), "seed {seed}: the file was thrown away");
    }
    assert!(opened > 20 && refused > 20, "{opened} opened, {refused} refused");
}

const CHILD: &str = "LOADGATE_STORE_CHILD";
const CHILD_TEST: &str = "store::tests::damage::a_child_that_writes_until_it_is_killed";

/// Says on stdout what it was told is on the disk, a line each.
#[test]
#[ignore = "a process that another test starts and kills"]
fn a_child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let runs = Runs::open(Path::new(&folder)).unwrap();
    let mut told = std::io::stdout().lock();
    let mut tell = |line: String| {
        told.write_all(format!("{line}\n").as_bytes()).unwrap();
        told.flush().unwrap();
    };
    for at in 0.. {
        let name = format!("{}-{at}", std::process::id());
        let known = Idempotency { key: &name, digest: b"d" };
        runs.accept(&submission(&name), &meta("chat"), Some(known), &id(&name), at).unwrap();
        tell(format!("accepted {name}"));
        runs.enter(&id(&name), RunState::Running, at).unwrap();
        runs.append_frame(&id(&name), at, &gauge(at as f64)).unwrap();
        runs.append_log(&id(&name), &["a line".to_owned()]).unwrap();
        runs.checkpoint(&id(&name), &json!({"so": "far"}), at).unwrap();
        runs.journal_begin(&id(&name), "fault", &json!(at)).unwrap();
        tell(format!("begun {name}"));
        runs.journal_end(&id(&name), "fault", &json!(at)).unwrap();
        runs.finish(&id(&name), &ending("passed", at)).unwrap();
        tell(format!("finished {name}"));
    }
}

#[test]
fn whatever_was_acknowledged_before_a_kill_is_there_afterwards_and_once() {
    let folder = TempDir::new().unwrap();
    let mut rng = fastrand::Rng::with_seed(9);
    let mut promised: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([CHILD_TEST, "--exact", "--ignored", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut promise = |line: String| {
            let (what, name) = line.split_once(' ').unwrap_or_default();
            if matches!(what, "accepted" | "begun" | "finished") {
                promised.insert(name.to_owned(), what.to_owned());
            }
        };
        // It goes on writing while it is killed, wherever that is then.
        for line in lines.by_ref().take(rng.usize(4..40)) {
            promise(line.unwrap());
        }
        (0..rng.u32(..20_000)).for_each(|_| std::hint::spin_loop());
        child.kill().unwrap();
        // What it said before it died counts.
        lines.map_while(Result::ok).for_each(&mut promise);
        child.wait().unwrap();

        let runs = Runs::open(folder.path()).unwrap();
        for (name, what) in &promised {
            let run = runs.record(&id(name)).unwrap().unwrap_or_else(|| panic!("{name} is lost"));
            assert_eq!(runs.submission(&id(name)).unwrap(), submission(name));
            let again = runs.accept(
                &submission(name),
                &meta("chat"),
                Some(Idempotency { key: name, digest: b"d" }),
                &id("twice"),
                0,
            );
            assert!(
                matches!(again, Ok(Accepted::Known(known)) if known.id == run.id),
                "{name} is there twice"
            );
            match &**what {
                "finished" => assert_eq!(run.verdict.as_deref(), Some("passed"), "{name}"),
                "begun" => assert!(run.state != RunState::Queued, "{name}"),
                _ => {}
            }
            let events = runs.events(&id(name), 0, 100).unwrap();
            let last = events.last().unwrap();
            assert_eq!(last.data["state"], run.state.label(), "a state and its event are one");
        }
        let unfinished = runs.unfinished().unwrap();
        assert!(unfinished.len() <= 1, "one at a time was written: {unfinished:?}");
        for run in unfinished {
            runs.replay(&run.id, &crate::tsdb::Store::default()).unwrap();
            runs.interrupt(&run.id, "killed", 0).unwrap();
        }
    }
    assert!(promised.len() > 20, "{}", promised.len());
}
