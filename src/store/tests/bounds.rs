//! Nothing grows without bound.

use super::*;

#[test]
fn of_many_progress_events_the_last_are_kept_and_numbers_stay() {
    let (_folder, runs) = fresh();
    accept(&runs, "a");
    runs.enter(&id("a"), RunState::Running, 2).unwrap();
    let mut last = 0;
    for at in 0..2_000 {
        last = runs.append_event(&id("a"), "progress", &json!({"at": at}), at).unwrap();
        if at == 1_000 {
            runs.append_event(&id("a"), "log", &json!("a line"), at).unwrap();
        }
    }
    assert_eq!(last, 2_003);
    let events = runs.events(&id("a"), 0, usize::MAX).unwrap();
    let numbers = |kind: &str| -> Vec<u64> {
        events.iter().filter(|event| event.kind == kind).map(|event| event.seq).collect()
    };
    assert_eq!(numbers("state"), [1, 2]);
    assert_eq!(numbers("log"), [1_004]);
    let progress = numbers("progress");
    assert!((600..700).contains(&progress.len()), "{}", progress.len());
    assert_eq!(progress.last(), Some(&2_003));
    assert!(progress.windows(2).all(|pair| pair[0] + 1 == pair[1]), "only the oldest are left out");
}

#[test]
fn of_a_long_log_the_beginning_and_the_end_are_kept() {
    let (_folder, runs) = fresh();
    accept(&runs, "a");
    assert_eq!(runs.log(&id("a")).unwrap(), "");
    let mut written = 0;
    for batch in 0..160 {
        let lines: Vec<String> =
            (0..100).map(|line| format!("{batch:03}-{line:02} {}", "x".repeat(1_000))).collect();
        written += lines.len();
        runs.append_log(&id("a"), &lines).unwrap();
    }
    let log = runs.log(&id("a")).unwrap();
    assert!((9 << 20..10 << 20).contains(&log.len()), "{}", log.len());
    assert!(log.starts_with("000-00 x"));
    assert!(log.ends_with('\n') && log.trim_end().rsplit('\n').next().unwrap().starts_with("159-99 x"));
    let left_out: Vec<&str> = log.lines().filter(|line| line.starts_with('[')).collect();
    let missing = written - (log.lines().count() - 1);
    assert_eq!(left_out, [format!("[{missing} lines are left out here: of a run 10 MiB are kept]")]);
}

#[test]
fn room_is_given_back_to_the_disk_when_runs_go() {
    let (folder, runs) = fresh();
    accept(&runs, "a");
    for _ in 0..40 {
        runs.append_log(&id("a"), &vec!["x".repeat(1_000); 60]).unwrap();
    }
    runs.finish(&id("a"), &ending("passed", 1)).unwrap();
    drop(runs);
    let bytes = || std::fs::metadata(folder.path().join("runs.db")).unwrap().len();
    assert!(bytes() > 2_000_000, "{}", bytes());
    let runs = Runs::open(folder.path()).unwrap();
    runs.delete(&id("a")).unwrap();
    drop(runs);
    assert!(bytes() < 200_000, "{}", bytes());
}

#[test]
fn a_long_line_is_cut_between_characters() {
    let (_folder, runs) = fresh();
    accept(&runs, "a");
    runs.append_log(&id("a"), &[format!("x{}", "ä".repeat(40_000)), "next".to_owned()]).unwrap();
    let log = runs.log(&id("a")).unwrap();
    let expected = format!("x{}… (14466 bytes more)\nnext\n", "ä".repeat(32_767));
    assert!(log == expected, "{}", &log[log.len() - 60..]);
}

#[test]
fn a_plan_with_too_much_data_is_refused() {
    let (_folder, runs) = fresh();
    let mut submission = submission("s");
    submission.bundle.files.insert("big.csv".to_owned(), vec![0; 64 << 20]);
    let refused = runs.accept(&submission, &meta("chat"), None, &id("a"), 1).unwrap_err().to_string();
    assert!(
        refused.starts_with("a plan with its files may have 67108864 bytes, these are 67109"),
        "{refused}"
    );
    assert!(runs.unfinished().unwrap().is_empty());
}
