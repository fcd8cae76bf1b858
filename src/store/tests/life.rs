//! From its acceptance to its deletion.

use super::*;

#[test]
fn a_run_is_kept_from_its_acceptance_to_its_verdict() {
    let (folder, runs) = fresh();
    let accepted = accept(&runs, "a");
    assert_eq!((accepted.state, accepted.submitted_ms), (RunState::Queued, 1_000));
    assert_eq!(accepted.trigger, Trigger::Schedule("nightly".to_owned()));
    assert_eq!(runs.enter(&id("a"), RunState::Preflight, 2_000).unwrap(), 2);
    assert_eq!(runs.enter(&id("a"), RunState::Running, 3_000).unwrap(), 3);
    runs.checkpoint(&id("a"), &json!({"so": "far"}), 3_500).unwrap();
    assert_eq!(runs.record(&id("a")).unwrap().unwrap().summary, Some(json!({"so": "far"})));
    assert_eq!(runs.unfinished().unwrap().len(), 1);
    let ended = Ending { exit_code: 99, ended_by: Some("threshold".to_owned()), ..ending("failed", 4_000) };
    assert_eq!(runs.finish(&id("a"), &ended).unwrap(), 4);
    drop(runs);

    let runs = Runs::open(folder.path()).unwrap();
    assert_eq!(runs.submission(&id("a")).unwrap(), submission("s3cret"));
    let record = runs.record(&id("a")).unwrap().unwrap();
    let expected = RunRecord {
        state: RunState::Finished,
        started_ms: Some(2_000),
        ended_ms: Some(4_000),
        verdict: Some("failed".to_owned()),
        exit_code: Some(99),
        ended_by: Some("threshold".to_owned()),
        summary: Some(json!({"verdict": "failed"})),
        ..accepted
    };
    assert_eq!(record, expected);
    assert!(runs.unfinished().unwrap().is_empty());
    let events = runs.events(&id("a"), 0, 100).unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.seq, &*event.kind, event.at_ms)).collect();
    assert_eq!(told, [(1, "state", 1_000), (2, "state", 2_000), (3, "state", 3_000), (4, "finished", 4_000)]);
    assert_eq!(events[3].data["verdict"], "failed");
    assert_eq!(runs.events(&id("a"), 2, 1).unwrap(), events[2..3]);
}

#[test]
fn what_has_ended_does_not_change() {
    let (_folder, runs) = fresh();
    accept(&runs, "cut");
    accept(&runs, "done");
    let finished = runs.finish(&id("done"), &ending("passed", 5)).unwrap();
    assert_eq!(finished, 2);
    runs.interrupt(&id("cut"), "the daemon went away", 6).unwrap();
    for (name, state) in [("cut", RunState::Interrupted), ("done", RunState::Finished)] {
        let before = runs.record(&id(name)).unwrap();
        let refused = [
            runs.enter(&id(name), RunState::Running, 7).map(drop),
            runs.checkpoint(&id(name), &json!({}), 7),
            runs.finish(&id(name), &ending("failed", 7)).map(drop),
            runs.interrupt(&id(name), "again", 7).map(drop),
            runs.append_frame(&id(name), 7, &[]).map(drop),
        ];
        for refused in refused {
            let is_ended = matches!(&refused, Err(StoreError::Ended { state: found, .. }) if *found == state);
            assert!(is_ended, "{refused:?}");
        }
        assert_eq!(runs.record(&id(name)).unwrap(), before);
    }
    let cut = runs.record(&id("cut")).unwrap().unwrap();
    assert_eq!(cut.ended_by.as_deref(), Some("the daemon went away"));
    assert_eq!((cut.verdict, cut.exit_code, cut.ended_ms), (None, None, Some(6)));
}

#[test]
fn a_run_that_was_cut_ended_when_it_was_last_heard_of_however_late_that_is_found() {
    let (_folder, runs) = fresh();
    accept(&runs, "a");
    runs.enter(&id("a"), RunState::Running, 2_000).unwrap();
    runs.append_event(&id("a"), "progress", &json!({}), 8_000).unwrap();
    runs.checkpoint(&id("a"), &json!({}), 7_000).unwrap();
    // What is done about it, a day later.
    runs.append_event(&id("a"), "log", &json!({"line": "mended"}), 86_400_000).unwrap();
    runs.interrupt(&id("a"), "the daemon went away", 86_400_001).unwrap();
    assert_eq!(runs.record(&id("a")).unwrap().unwrap().ended_ms, Some(8_000));
    accept(&runs, "b");
    for at_ms in (2_000..=62_000).step_by(1_000) {
        runs.append_frame(&id("b"), at_ms, &[]).unwrap();
    }
    runs.append_event(&id("b"), "progress", &json!({}), 62_500).unwrap();
    runs.interrupt(&id("b"), "the daemon went away", 86_400_001).unwrap();
    let ended_ms = runs.record(&id("b")).unwrap().unwrap().ended_ms;
    assert_eq!(ended_ms, Some(62_000), "the moment of its last values");
}

#[test]
fn a_repeated_request_is_one_run_and_another_one_under_its_key_is_refused() {
    let (folder, runs) = fresh();
    let ask = |runs: &Runs, name: &str, digest: &[u8]| {
        let known = Some(Idempotency { key: "k", digest });
        runs.accept(&submission("s"), &meta("chat"), known, &id(name), 1).unwrap()
    };
    assert!(matches!(ask(&runs, "a", b"one"), Accepted::Created(_)));
    assert!(matches!(ask(&runs, "b", b"one"), Accepted::Known(run) if run.id == id("a")));
    assert!(matches!(ask(&runs, "c", b"two"), Accepted::KeyConflict(run) if run.id == id("a")));
    drop(runs);
    let runs = Runs::open(folder.path()).unwrap();
    assert!(matches!(ask(&runs, "d", b"one"), Accepted::Known(run) if run.id == id("a")));
    assert_eq!(runs.list(&Filter { limit: 9, ..Filter::default() }).unwrap().len(), 1);
    let taken = runs.accept(&submission("s"), &meta("chat"), None, &id("a"), 1);
    assert!(matches!(taken, Err(StoreError::Exists(_))), "{taken:?}");
}

#[test]
fn what_is_not_there_is_said_so() {
    let (_folder, runs) = fresh();
    let nobody = id("nobody");
    assert_eq!(runs.record(&nobody).unwrap(), None);
    let refused = [
        runs.submission(&nobody).map(drop),
        runs.enter(&nobody, RunState::Running, 1).map(drop),
        runs.checkpoint(&nobody, &json!({}), 1),
        runs.finish(&nobody, &ending("passed", 1)).map(drop),
        runs.interrupt(&nobody, "", 1).map(drop),
        runs.delete(&nobody),
        runs.append_event(&nobody, "log", &json!({}), 1).map(drop),
        runs.events(&nobody, 0, 1).map(drop),
        runs.append_log(&nobody, &["x".to_owned()]),
        runs.log(&nobody).map(drop),
        runs.append_frame(&nobody, 1, &[]).map(drop),
        runs.replay(&nobody, &crate::tsdb::Store::default()).map(drop),
        runs.journal_begin(&nobody, "k", &json!({})).map(drop),
        runs.journal_end(&nobody, "k", &json!({})).map(drop),
        runs.journal_open(&nobody).map(drop),
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().to_string(), "there is no run nobody");
    }
}

#[test]
fn lists_are_paged_and_filtered_the_newest_first() {
    let (_folder, runs) = fresh();
    for (name, test) in [("1", "chat"), ("2", "flash"), ("3", "chat"), ("4", "chat")] {
        runs.accept(&submission("s"), &meta(test), None, &id(name), 1).unwrap();
    }
    runs.enter(&id("3"), RunState::Running, 2).unwrap();
    runs.finish(&id("1"), &ending("passed", 3)).unwrap();
    let names =
        |filter: Filter| -> String { runs.list(&filter).unwrap().into_iter().map(|run| run.id.0).collect() };
    let all = || Filter { limit: 50, ..Filter::default() };
    assert_eq!(names(all()), "4321");
    assert_eq!(names(Filter { limit: 2, ..all() }), "43");
    assert_eq!(names(Filter { before: Some(id("3")), ..all() }), "21");
    assert_eq!(names(Filter { test: Some("chat".to_owned()), ..all() }), "431");
    assert_eq!(names(Filter { states: vec![RunState::Running, RunState::Finished], ..all() }), "31");
    assert_eq!(runs.list(&all()).unwrap()[3].summary, None, "lists are without what is long");
}

#[test]
fn old_runs_go_but_what_is_known_of_their_test_stays() {
    let (_folder, runs) = fresh();
    for (name, verdict, at_ms) in
        [("1", "passed", 10), ("2", "failed", 20), ("3", "passed", 30), ("4", "failed", 40)]
    {
        accept(&runs, name);
        runs.append_log(&id(name), &["line".to_owned()]).unwrap();
        runs.finish(&id(name), &ending(verdict, at_ms)).unwrap();
    }
    accept(&runs, "5");
    accept(&runs, "6");
    assert!(runs.journal_begin(&id("6"), "undo", &json!(1)).unwrap());
    runs.interrupt(&id("6"), "cut", 5).unwrap();
    assert_eq!(runs.prune(20, 2).unwrap(), [id("1"), id("2")], "too old, and too many");
    assert_eq!(runs.prune(1_000, 0).unwrap(), [id("3"), id("4")], "never what goes on or is to be undone");
    runs.journal_end(&id("6"), "undo", &json!(2)).unwrap();
    assert_eq!(runs.prune(1_000, 0).unwrap(), [id("6")]);
    assert_eq!(runs.record(&id("1")).unwrap(), None);
    let last =
        LastOfTest { test: "chat".to_owned(), verdict: "failed".to_owned(), last_success_ms: Some(30) };
    assert_eq!(runs.last_by_test().unwrap(), [last]);
    let refused = runs.delete(&id("5"));
    assert_eq!(refused.unwrap_err().to_string(), "5 is queued: stop it first");
    runs.finish(&id("5"), &ending("stopped", 50)).unwrap();
    runs.delete(&id("5")).unwrap();
    assert!(runs.list(&Filter { limit: 9, ..Filter::default() }).unwrap().is_empty());
    assert_eq!(runs.left_behind(), 0, "nothing is left in any table but `test`");
}

#[test]
fn what_was_begun_once_is_not_begun_again_and_stays_open_until_it_is_ended() {
    let (folder, runs) = fresh();
    accept(&runs, "a");
    assert!(runs.journal_begin(&id("a"), "fault-1", &json!({"undo": "DELETE /faults"})).unwrap());
    assert!(runs.journal_begin(&id("a"), "fault-2", &json!(2)).unwrap());
    assert!(!runs.journal_begin(&id("a"), "fault-1", &json!("again")).unwrap());
    assert!(runs.journal_end(&id("a"), "fault-2", &json!("undone")).unwrap());
    assert!(!runs.journal_end(&id("a"), "fault-2", &json!("undone twice")).unwrap());
    assert!(!runs.journal_begin(&id("a"), "fault-2", &json!("again")).unwrap());
    drop(runs);
    let runs = Runs::open(folder.path()).unwrap();
    let open =
        JournalEntry { key: "fault-1".to_owned(), begun: json!({"undo": "DELETE /faults"}), ended: None };
    assert_eq!(runs.journal_open(&id("a")).unwrap(), [open]);
}
